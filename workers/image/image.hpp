// A photo in memory and its way in and out: decode (JPEG, PNG, WebP, HEIC, AVIF) and encode (JPEG).
// Each codec library lives in its own .cpp (image_jpeg, image_png, image_webp, image_heif) behind
// image_codecs.hpp.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "shared/base/result.hpp"
#include "shared/model/image_header.hpp"

namespace vultus {

class codec_process;

/// Upright pixels: rows from the top, RGB, 8 bit, interleaved, no padding. Moved, never copied by
/// accident; copy() says so.
struct image {
    std::uint32_t width = 0;
    std::uint32_t height = 0;
    std::vector<std::uint8_t> rgb;  ///< width * height * 3 bytes

    image() = default;
    image(std::uint32_t wide, std::uint32_t high);  ///< all black
    image(image&&) noexcept = default;
    image& operator=(image&&) noexcept = default;
    image(const image&) = delete;
    image& operator=(const image&) = delete;
    image copy() const;

    std::uint8_t* row(std::uint32_t y) { return rgb.data() + std::size_t{y} * width * 3; }
    const std::uint8_t* row(std::uint32_t y) const {
        return rgb.data() + std::size_t{y} * width * 3;
    }
};

/// A picture as it is stored, and how it is to be turned.
struct stored_picture {
    image picture;
    int orientation = 1;  ///< EXIF's, 1..8
};

struct decoded_image {
    image picture;            ///< upright: the EXIF orientation is applied
    std::uint32_t width = 0;  ///< of the photo, upright; the picture's own unless it is reduced
    std::uint32_t height = 0;
    image_format format = image_format::jpeg;
    bool animated = false;  ///< the first picture of an animation
};

/// Decodes a photo: any colour type to RGB, 16 bit to 8, alpha over white, EXIF orientation
/// applied.
/// errors    those of inspect_image(), before any pixel is decoded; what only decoding shows:
///           undecodable_image, truncated_image; too_large: more than limits::jpeg_scans scans, or
///           more than 5 s of CPU time; of `apart` those that are no verdict on the photo
///           (codec_process.hpp)
/// throws    std::bad_alloc, if this thread decodes and memory is exhausted
/// threads   any; blocks for the decoding
/// `apart`   the process that decompresses it; null: this thread does
result<decoded_image> decode_image(std::string_view bytes, codec_process* apart = nullptr);

/// The same for looking from afar: a JPEG comes with its sides divided by 2, 4 or 8 (rounded up) as
/// long as the longer one stays at least `side`, in less than half the time; others come whole.
/// requires  the header that inspect_image() gave for these bytes
/// errors    those of decode_image() that only decoding shows: all of the photo's data is read
result<decoded_image> decode_reduced(std::string_view bytes, const image_header& header,
                                     std::uint32_t side, codec_process* apart = nullptr);

/// A JPEG file. requires 1 <= quality <= 100, a picture with sides of 1 to limits::image_side
/// errors    internal, if the library refuses
result<std::string> encode_jpeg(const image&, int quality);

/// The picture as EXIF orientation `orientation` (1..8, others as 1) says it is to be seen.
/// source    CIPA DC-008 (Exif 2.32), tag 0x0112
image turned_upright(image, int orientation);

/// The orientation in a TIFF block (image_header::exif): 1..8; 1 if there is none or it is broken.
int exif_orientation(std::string_view tiff) noexcept;

}  // namespace vultus
