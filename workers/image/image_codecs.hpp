// What image.cpp asks of the codecs. Each gets a header that inspect_image() has accepted, and
// answers the picture as it is stored; turning it upright is image.cpp's part.
#pragma once

#include <string_view>

#include "shared/base/result.hpp"
#include "shared/model/image_header.hpp"
#include "workers/image/image.hpp"

namespace vultus::codecs {

/// The most CPU time of its thread that one picture may take.
constexpr double decode_seconds_max = 5.0;

/// Processor time of this thread, seconds.
double thread_seconds() noexcept;

/// By the header's format, with the orientation that the file has. `jpeg_shrink`: 1 for others
/// errors    undecodable_image, truncated_image, too_large; out_of_memory: the library could get
///           none, which says nothing about the picture; std::bad_alloc is the same
result<stored_picture> decode(std::string_view bytes, const image_header&,
                              std::uint32_t jpeg_shrink);

/// `shrink`: 1, 2, 4 or 8, by which both sides are divided, rounded up.
result<image> decode_jpeg(std::string_view bytes, const image_header&, std::uint32_t shrink);
result<image> decode_png(std::string_view bytes, const image_header&);
result<image> decode_webp(std::string_view bytes, const image_header&);

/// HEIC and AVIF: cut to its crop, untouched by irot and imir, which image_header::orientation
/// says. errors    also unsupported_media: libheif is not installed
result<image> decode_heif(std::string_view bytes, const image_header&);

/// Loads libheif, once; before the process may open no files any more. False: there is none.
bool load_heif() noexcept;

/// EXIF in the text of a PNG, as ImageMagick, GIMP and exiftool wrote it before there was eXIf:
/// hexadecimal digits. `chunk` is image_header::profile.
int profile_orientation(std::string_view chunk);

/// Lays one RGBA pixel over white.
inline void over_white(const std::uint8_t* rgba, std::uint8_t* rgb) noexcept {
    const unsigned alpha = rgba[3];
    for (int i = 0; i < 3; ++i) {
        rgb[i] = static_cast<std::uint8_t>((rgba[i] * alpha + 255u * (255u - alpha) + 127u) / 255u);
    }
}

}  // namespace vultus::codecs
