// What can be known of a photo without decoding it: its format by its first bytes, its size,
// whether it moves, where its EXIF block lies, and whether the container is whole. Pure, no third
// party. The api calls it before it answers 202, the worker before it decodes.
#pragma once

#include <cstdint>
#include <string_view>

#include "shared/result.hpp"

namespace vultus {

enum class image_format { jpeg, png, webp };

/// "jpeg", "png", "webp".
std::string_view name_of(image_format) noexcept;

struct image_header {
    image_format format = image_format::jpeg;
    std::uint32_t width = 0;  ///< pixels as stored, before EXIF turns the picture
    std::uint32_t height = 0;
    bool animated = false;  ///< only the first picture is looked at
    std::string_view
        exif;  ///< the TIFF block (without "Exif\0\0"), a part of `bytes`; may be empty
};

/// Walks through the container to its end; looks at no compressed data.
/// returns   the header; 1 <= width, height <= limits::image_side, width * height <= limits::pixels
/// errors    unsupported_media: neither JPEG, PNG nor WebP · too_large: a side, the pixels or the
///           number of JPEG scans is over its limit · undecodable_image: the header is broken ·
///           truncated_image: the bytes end before the picture does (EOI, IEND, RIFF length).
///           Bytes after the picture's end are allowed: phones put a video there.
/// threads   any; linear in the size, no memory taken
result<image_header> inspect_image(std::string_view bytes);

}  // namespace vultus
