// Makes pictures and files of pictures for the tests: every format and oddity that a decoder meets,
// written by the formats' own libraries. Included by tests only.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "workers/image/image.hpp"

namespace vultus::testing {

/// Four quarters, red, green, blue, white from the top left: shows each way of being turned.
image quarters(std::uint32_t width, std::uint32_t height);

/// The colour in the middle of a quarter, as "r", "g", "b", "w", "k" or "?" where no colour is
/// near. All four, row by row: quarters() gives "rgbw".
std::string corners(const image&);

struct jpeg_style {
    enum class inks { rgb, grey, cmyk_adobe, ycck } colour = inks::rgb;
    bool progressive = false;
    int restart_rows = 0;
    bool arithmetic = false;
};
std::string jpeg_file(const image&, const jpeg_style& = {});

/// The picture as libjpeg gives it to who listens to no warning: what Pillow and OpenCV show.
image as_libjpeg_shows(const std::string& file);

struct png_style {
    int channels = 3;  ///< 1 grey, 2 grey and alpha, 3 RGB, 4 RGB and alpha
    int depth = 8;     ///< 8 or 16
    bool palette = false;
    bool interlaced = false;
    std::uint8_t alpha = 255;
};
std::string png_file(const image&, const png_style& = {});
/// A PNG chunk with its checksum.
std::string png_chunk(std::string_view name, std::string_view payload);
/// `file` with `chunk` right after IHDR.
std::string with_png_chunk(const std::string& file, const std::string& chunk);

/// As zlib packs it.
std::string deflated(std::string_view text);
/// That many zeros as zlib packs them: a thousandth.
std::string deflated_zeros(std::size_t count);

struct webp_style {
    bool lossless = true;
    bool alpha = false;
};
std::string webp_file(const image&, const webp_style& = {});
/// A RIFF chunk, padded to an even length.
std::string riff_chunk(std::string_view name, std::string_view payload);
/// VP8X with that canvas and flags, then the chunks, in a RIFF.
std::string webp_extended(std::uint32_t width, std::uint32_t height, std::uint8_t flags,
                          std::string_view chunks);
/// The picture chunk ("VP8 " or "VP8L") of a simple WebP file.
std::string webp_picture_chunk(const std::string& file);
/// An ANMF chunk with a picture at (left, top); even numbers.
std::string webp_frame(std::uint32_t left, std::uint32_t top, std::uint32_t width,
                       std::uint32_t height, std::string_view picture_chunk);

/// A TIFF block with an orientation, in either byte order.
std::string exif_block(int orientation, bool little);
/// The file with an EXIF block of that orientation, in the way of its format.
std::string with_orientation(const std::string& file, int orientation, bool little = true);

std::string big32(std::uint32_t value);
std::string little(std::uint32_t value, int bytes);

std::string file_at(const std::string& path);
/// A sample photo (build/photos or $VULTUS_PHOTOS).
std::string sample(const std::string& name);
/// The folder of the models: $VULTUS_MODELS or build/models.
std::string models_folder();

}  // namespace vultus::testing
