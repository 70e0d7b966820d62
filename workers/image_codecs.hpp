// What image.cpp asks of the three codecs. Each gets a header that inspect_image() has accepted,
// and answers the picture as it is stored; turning it upright is image.cpp's part.
#pragma once

#include <string_view>

#include "shared/image_header.hpp"
#include "shared/result.hpp"
#include "workers/image.hpp"

namespace vultus::codecs {

/// The most processor time of its thread that one picture may take.
constexpr double decode_seconds_max = 5.0;

/// Processor time of this thread, seconds.
double thread_seconds() noexcept;

/// By the header's format. `jpeg_shrink`: 1 for others
result<image> decode(std::string_view bytes, const image_header&, std::uint32_t jpeg_shrink);

/// `shrink`: 1, 2, 4 or 8, by which both sides are divided, rounded up.
result<image> decode_jpeg(std::string_view bytes, const image_header&, std::uint32_t shrink);
result<image> decode_png(std::string_view bytes, const image_header&);
result<image> decode_webp(std::string_view bytes, const image_header&);

/// Lays one RGBA pixel over white.
inline void over_white(const std::uint8_t* rgba, std::uint8_t* rgb) noexcept {
    const unsigned alpha = rgba[3];
    for (int i = 0; i < 3; ++i) {
        rgb[i] = static_cast<std::uint8_t>((rgba[i] * alpha + 255u * (255u - alpha) + 127u) / 255u);
    }
}

}  // namespace vultus::codecs
