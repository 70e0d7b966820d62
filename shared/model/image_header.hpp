// What can be known of a photo without decoding it: its format by its first bytes, its size,
// whether it moves, how it is to be turned, and whether the container is whole. Pure, no third
// party. The api calls it before it answers 202, the worker before it decodes.
#pragma once

#include <cstdint>
#include <string_view>

#include "shared/base/result.hpp"

namespace vultus {

enum class image_format { jpeg, png, webp, heic, avif };

/// "jpeg", "png", "webp", "heic", "avif".
std::string_view name_of(image_format) noexcept;

/// Both lie in the same boxes.
constexpr bool is_heif(image_format format) noexcept {
    return format == image_format::heic || format == image_format::avif;
}

struct image_header {
    image_format format = image_format::jpeg;
    std::uint32_t width = 0;  ///< pixels as stored, before the picture is turned
    std::uint32_t height = 0;
    bool animated = false;  ///< only the first picture is looked at
    /// The TIFF block (without "Exif\0\0"), a part of `bytes`; may be empty. Always so with HEIC
    /// and AVIF, whose boxes count and not their EXIF.
    std::string_view exif;
    std::string_view profile;  ///< PNG: a text chunk, name first, with EXIF in hexadecimal digits
    int orientation = 1;       ///< HEIC, AVIF: what irot and imir say, as EXIF counts (1..8)
};

/// Walks through the container; looks at no compressed data. As lenient as the library that decodes
/// the format: what this refuses that would refuse, limits apart.
/// returns   the header; 1 <= width, height <= limits::image_side, width * height <= limits::pixels
/// errors    unsupported_media: another format, which is named where it is known, or a kind of JPEG
///           that is not read (12 bits, lossless, JPEG-LS) · too_large: a side, the pixels or the
///           number of JPEG scans is over its limit · undecodable_image: the header is broken ·
///           truncated_image: the bytes end where no picture can be whole. That a JPEG's or PNG's
///           compressed data ends early is seen when it is decoded: its end mark may be missing.
///           Bytes after the picture's end are allowed: phones put a video there.
/// threads   any; linear in the size, no memory taken
result<image_header> inspect_image(std::string_view bytes);

}  // namespace vultus
