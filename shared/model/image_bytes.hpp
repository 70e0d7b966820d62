// What the parsers of JPEG, PNG, RIFF and HEIF have in common: integers from bytes, and errors.
// Only shared/model/image_*.cpp include it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "shared/base/result.hpp"
#include "shared/model/image_header.hpp"

namespace vultus::image_bytes {

// requires  the bytes exist

inline std::uint32_t byte_at(std::string_view bytes, std::size_t at) {
    return static_cast<unsigned char>(bytes[at]);
}
inline std::uint32_t big16(std::string_view bytes, std::size_t at) {
    return byte_at(bytes, at) << 8 | byte_at(bytes, at + 1);
}
inline std::uint32_t big32(std::string_view bytes, std::size_t at) {
    return big16(bytes, at) << 16 | big16(bytes, at + 2);
}
inline std::uint32_t little16(std::string_view bytes, std::size_t at) {
    return byte_at(bytes, at) | byte_at(bytes, at + 1) << 8;
}
inline std::uint32_t little24(std::string_view bytes, std::size_t at) {
    return little16(bytes, at) | byte_at(bytes, at + 2) << 16;
}
inline std::uint32_t little32(std::string_view bytes, std::size_t at) {
    return little16(bytes, at) | little16(bytes, at + 2) << 16;
}

inline auto broken(const char* why) {
    return fail(errc::undecodable_image, why);
}
inline auto cut() {
    return fail(errc::truncated_image, "the image is truncated");
}
inline auto unsupported(const char* why) {
    return fail(errc::unsupported_media, why);
}

/// Checks the size of a picture against the limits.
result<void> check_size(std::uint32_t width, std::uint32_t height);

std::string_view without_exif_prefix(std::string_view block);

// requires  the first bytes are those of the format
result<image_header> inspect_jpeg(std::string_view bytes);
result<image_header> inspect_heif(std::string_view bytes);

/// Whether the file type box is that of HEIC or AVIF.
bool is_heif_file(std::string_view bytes);

/// The name of an unsupported format for an error text: "a GIF image". Empty if unknown.
std::string_view foreign_format(std::string_view bytes);

}  // namespace vultus::image_bytes
