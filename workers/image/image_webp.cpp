// WebP by libwebp; the only file that knows it. Of an animation the first picture is laid on a
// white canvas at its place. No time limit of its own: the library is linear in the pixels, and
// those are limited (40 million take about a second).
#include <webp/decode.h>

#include <algorithm>

#include "workers/image/image_codecs.hpp"

namespace vultus {
namespace {

std::uint32_t little24(std::string_view bytes, std::size_t at) {
    const auto byte = [&](std::size_t i) {
        return std::uint32_t{static_cast<unsigned char>(bytes[at + i])};
    };
    return byte(0) | byte(1) << 8 | byte(2) << 16;
}

/// The first ANMF chunk's payload: 16 bytes of place, size and flags, then the picture's chunks.
std::string_view first_frame(std::string_view bytes) {
    for (std::size_t at = 12; at + 8 <= bytes.size();) {
        const std::size_t length =
            little24(bytes, at + 4) | std::size_t{static_cast<unsigned char>(bytes[at + 7])} << 24;
        if (bytes.substr(at, 4) == "ANMF") return bytes.substr(at + 8, length);
        at += 8 + length + (length & 1);
    }
    return {};
}

/// Decodes one picture of a known size over white.
result<image> decode_one(std::string_view bytes, std::uint32_t width, std::uint32_t height) {
    const auto broken = [] { return fail(errc::undecodable_image, "the WebP data is corrupt"); };
    WebPDecoderConfig config;
    if (WebPInitDecoderConfig(&config) == 0) return fail(errc::internal, "wrong libwebp version");
    const auto* data = reinterpret_cast<const std::uint8_t*>(bytes.data());
    const VP8StatusCode known = WebPGetFeatures(data, bytes.size(), &config.input);
    if (known == VP8_STATUS_NOT_ENOUGH_DATA) {
        return fail(errc::truncated_image, "the WebP data is truncated");
    }
    if (known != VP8_STATUS_OK || config.input.has_animation != 0) return broken();
    if (config.input.width != static_cast<int>(width) ||
        config.input.height != static_cast<int>(height)) {
        return fail(errc::undecodable_image, "canvas and image differ in size");
    }
    const bool alpha = config.input.has_alpha != 0;
    const std::size_t channels = alpha ? 4 : 3, pixels = std::size_t{width} * height;
    image picture;
    picture.width = width;
    picture.height = height;
    picture.rgb.resize(pixels * channels);
    config.output.colorspace = alpha ? MODE_RGBA : MODE_RGB;
    config.output.is_external_memory = 1;
    config.output.u.RGBA.rgba = picture.rgb.data();
    config.output.u.RGBA.stride = static_cast<int>(width * channels);
    config.output.u.RGBA.size = picture.rgb.size();
    const VP8StatusCode done = WebPDecode(data, bytes.size(), &config);
    WebPFreeDecBuffer(&config.output);
    if (done == VP8_STATUS_NOT_ENOUGH_DATA || done == VP8_STATUS_SUSPENDED) {
        return fail(errc::truncated_image, "the WebP data is truncated");
    }
    if (done == VP8_STATUS_OUT_OF_MEMORY) {
        return fail(errc::out_of_memory, "not enough memory to decode the WebP");
    }
    if (done != VP8_STATUS_OK) return broken();
    if (alpha) {
        for (std::size_t i = 0; i < pixels; ++i) {
            codecs::over_white(&picture.rgb[i * 4], &picture.rgb[i * 3]);
        }
        picture.rgb.resize(pixels * 3);
    }
    return picture;
}

}  // namespace

result<image> codecs::decode_webp(std::string_view bytes, const image_header& header) {
    if (!header.animated) return decode_one(bytes, header.width, header.height);
    const std::string_view frame = first_frame(bytes);
    if (frame.size() < 16) return fail(errc::undecodable_image, "an animation without frames");
    const std::uint32_t left = little24(frame, 0) * 2, top = little24(frame, 3) * 2;
    const std::uint32_t width = little24(frame, 6) + 1, height = little24(frame, 9) + 1;
    auto first = decode_one(frame.substr(16), width, height);
    if (!first) return first;
    if (width == header.width && height == header.height) return first;
    image canvas(header.width, header.height);
    std::fill(canvas.rgb.begin(), canvas.rgb.end(), std::uint8_t{255});
    for (std::uint32_t y = 0; y < height; ++y) {
        std::copy_n(first->row(y), std::size_t{width} * 3,
                    canvas.row(top + y) + std::size_t{left} * 3);
    }
    return canvas;
}

}  // namespace vultus
