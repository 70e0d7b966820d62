// HEIC and AVIF files for the tests, by libheif's own encoders.
#pragma once

#include <string>

#include "workers/image/image.hpp"

namespace vultus::testing {

enum class heif_codec { hevc, av1 };

/// One picture; with alpha, all of it transparent.
std::string heif_file(const image&, heif_codec codec = heif_codec::hevc, bool alpha = false);

/// The file with these bytes of irot (0 to 3, quarters to the left) and imir (0: top and bottom, 1:
/// left and right), applied in this order; -1: none.
std::string with_turns(const std::string& file, int irot, int imir);

/// The file cut to that part (clap) of a picture of that size: width, height, and how far its
/// middle lies to the right of and below the picture's, in halves of pixels. `behind`: after these
/// bytes of irot, which the standard forbids; -1: before everything.
std::string with_crop(const std::string& file, int width, int height, int right, int down,
                      int behind = -1);

/// The file with another size in its first ispe box.
std::string with_heif_size(const std::string& file, std::uint32_t width, std::uint32_t height);

/// The picture as libheif shows the file, cut and turned.
image heif_shown(const std::string& file);

/// Red, green, blue of the middle of each quarter of it.
std::string heif_corners(const std::string& file);

}  // namespace vultus::testing
