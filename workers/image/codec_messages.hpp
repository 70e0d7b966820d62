// What a worker and its vultus-decoder say to one another: one message each way over a socket pair,
// while photo and pixels lie in memory that both have mapped. Both are of one build.
#pragma once

#include <cstddef>
#include <cstdint>

#include "shared/base/limits.hpp"

namespace vultus::codec_messages {

// Descriptors of the decoder.
constexpr int socket_fd = 3, memory_fd = 4;

/// Its argument if it is to read HEIC and AVIF, and nothing else: libheif and its codecs are then
/// loaded before the filter is on, and threads are allowed. Without it they are not there at all.
constexpr const char* heif_word = "heif";

// The shared memory: the photo, then the pixels.
constexpr std::size_t photo_room = limits::body_bytes;
constexpr std::size_t pixel_room = std::size_t{limits::pixels} * 3;
constexpr std::size_t memory_bytes = photo_room + pixel_room;

/// Pages of a picture up to this size (13 megapixels) are kept for the next one, on both sides;
/// those of a larger one are given back.
constexpr std::size_t kept_bytes = 40 * limits::mib;

struct question {
    std::uint64_t bytes;   ///< of the photo
    std::uint32_t shrink;  ///< 1, 2, 4 or 8
};
struct answer {
    std::uint32_t width, height;  ///< 0, 0: it failed
    std::uint32_t why;            ///< errc
    std::uint16_t orientation;    ///< EXIF's, 1..8
    std::uint16_t ends;           ///< 1: the decoder ends behind this answer
    char detail[112];             ///< one sentence, ends with 0
};
static_assert(sizeof(answer) == 128);

}  // namespace vultus::codec_messages
