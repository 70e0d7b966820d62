// What the container of a photo says without decoding it: the format, the size, whether it is
// animated, the orientation, and whether the container is complete. Pure, without a third-party
// library. The api calls it before it answers 202, the worker before it decodes.
#pragma once

#include <cstdint>
#include <string_view>

#include "shared/base/result.hpp"

namespace vultus {

enum class image_format { jpeg, png, webp, heic, avif };

/// "jpeg", "png", "webp", "heic", "avif".
std::string_view name_of(image_format) noexcept;

/// HEIC and AVIF share a container format.
constexpr bool is_heif(image_format format) noexcept {
    return format == image_format::heic || format == image_format::avif;
}

/// The part of a stored picture that is shown (clap of HEIC and AVIF).
struct image_crop {
    std::uint32_t left = 0, top = 0;
    std::uint32_t stored_width = 0, stored_height = 0;  ///< of the picture that it is cut from
    bool operator==(const image_crop&) const = default;
};

struct image_header {
    image_format format = image_format::jpeg;
    std::uint32_t width = 0;  ///< pixels as stored, cropped, before the orientation is applied
    std::uint32_t height = 0;
    image_crop crop;        ///< HEIC, AVIF; its size is that of the picture if nothing is cut off
    bool animated = false;  ///< of an animation only the first picture is checked
    /// The TIFF block (without "Exif\0\0"), a part of `bytes`; may be empty. Always empty for HEIC
    /// and AVIF, whose boxes give the orientation and not their EXIF.
    std::string_view exif;
    std::string_view profile;  ///< PNG: a text chunk, name first, with EXIF in hexadecimal digits
    int orientation = 1;       ///< HEIC, AVIF: of irot and imir, as an EXIF orientation (1..8)
};

/// Parses the container without its compressed data. As lenient as the library that decodes the
/// format: apart from the limits, that library refuses all that this function refuses.
/// returns   the header; 1 <= width, height <= limits::image_side, width * height <= limits::pixels
/// errors    unsupported_media: another format, with its name where known, or an unsupported kind
///           of JPEG (12 bits, lossless, JPEG-LS) · too_large: a side, the pixels or the number of
///           JPEG scans is over its limit · undecodable_image: the header is broken ·
///           truncated_image: the bytes end before the picture can be complete. Missing compressed
///           data of a JPEG or PNG is detected when it is decoded: the end mark is optional. Bytes
///           after the end of the picture are allowed: phones append a video.
/// threads   any; linear in the size, allocates nothing
result<image_header> inspect_image(std::string_view bytes);

}  // namespace vultus
