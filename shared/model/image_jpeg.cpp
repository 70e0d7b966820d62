// Parses a JPEG: ITU-T T.81, annex B, as leniently as libjpeg, which searches for the next marker
// wherever it expects one and skips other bytes, fill bytes and FF 00.
#include <algorithm>
#include <cstddef>

#include "shared/base/limits.hpp"
#include "shared/model/image_bytes.hpp"

namespace vultus {
namespace {

using namespace image_bytes;
using std::size_t;
using std::uint32_t;

constexpr uint32_t soi = 0xD8, eoi = 0xD9, sos = 0xDA;

bool is_frame_start(uint32_t marker) {  // SOF0..SOF15 without DHT, JPG and DAC
    return marker >= 0xC0 && marker <= 0xCF && marker != 0xC4 && marker != 0xC8 && marker != 0xCC;
}

bool is_alone(uint32_t marker) {  // TEM, RST0..RST7
    return marker == 0x01 || (marker >= 0xD0 && marker <= 0xD7);
}

/// Markers whose content does not concern the pixels: DNL, APPn, COM.
bool is_skipped(uint32_t marker) {
    return marker == 0xDC || (marker >= 0xE0 && marker <= 0xEF) || marker == 0xFE;
}

/// DHT, DAC, DQT, DRI.
bool is_table(uint32_t marker) {
    return marker == 0xC4 || marker == 0xCC || marker == 0xDB || marker == 0xDD;
}

struct jpeg_walk {
    image_header header;
    uint32_t components = 0;
    bool progressive = false;
    uint32_t seen = 0;  ///< bit i: a scan contained component i
    int scans = 0;
    std::string_view ids;  ///< the frame header's list, three bytes per component
};

/// The offset after the next marker, whose code is the byte before it; npos: none.
size_t behind_marker(std::string_view bytes, size_t at) {
    for (;;) {
        at = bytes.find('\xFF', at);
        if (at == bytes.npos) return at;
        at = bytes.find_first_not_of('\xFF', at);
        if (at == bytes.npos) return at;
        if (bytes[at++] != '\0') return at;
    }
}

/// The offset of the 0xFF of the next marker after the compressed data of a scan.
size_t end_of_scan(std::string_view bytes, size_t at) {
    for (;;) {
        at = bytes.find('\xFF', at);
        if (at == bytes.npos || at + 1 >= bytes.size()) return bytes.npos;
        const uint32_t next = byte_at(bytes, at + 1);
        if (next != 0x00 && next != 0xFF && !(next >= 0xD0 && next <= 0xD7)) return at;
        at += next == 0xFF ? 1 : 2;
    }
}

/// The error for kinds that libjpeg-turbo does not read, by the frame header's marker.
const char* unread_kind(uint32_t marker) {
    switch (marker) {
        case 0xC3:
        case 0xCB:
            return "a lossless JPEG is not supported: use a baseline JPEG or a PNG";
        case 0xC5:
        case 0xC6:
        case 0xC7:
        case 0xCD:
        case 0xCE:
        case 0xCF:
            return "a hierarchical JPEG is not supported: use a baseline JPEG";
        case 0xF7:
            return "a JPEG-LS image is not supported: use a baseline JPEG or a PNG";
        default:
            return nullptr;
    }
}

result<void> take_frame(jpeg_walk& walk, uint32_t marker, std::string_view payload) {
    if (const char* kind = unread_kind(marker)) return unsupported(kind);
    if (payload.size() < 6) return broken("the frame header is too short");
    if (walk.header.width != 0) return broken("a second frame header");
    walk.components = byte_at(payload, 5);
    if (payload.size() != 6 + 3 * size_t{walk.components}) {
        return broken("the length of the frame header does not match its components");
    }
    if (byte_at(payload, 0) == 12) {
        return unsupported("a JPEG with 12 bits per sample is not supported: use 8 bits");
    }
    if (byte_at(payload, 0) != 8) return broken("neither 8 nor 12 bits per sample");
    walk.header.height = big16(payload, 1);
    walk.header.width = big16(payload, 3);
    walk.progressive = marker == 0xC2 || marker == 0xCA;
    walk.ids = payload.substr(6);
    const auto size = check_size(walk.header.width, walk.header.height);
    if (!size) return size;
    const uint32_t n = walk.components;
    if (n != 1 && n != 3 && n != 4) return broken("neither 1, 3 nor 4 components");
    return {};
}

result<void> take_scan(jpeg_walk& walk, std::string_view payload) {
    if (walk.header.width == 0) return broken("a scan before the frame header");
    if (++walk.scans > limits::jpeg_scans) return fail(errc::too_large, "more than 100 scans");
    const size_t n = payload.empty() ? 0 : byte_at(payload, 0);
    if (n < 1 || n > 4 || payload.size() != 4 + 2 * n) return broken("a scan header is corrupt");
    for (size_t i = 0; i < n; ++i) {
        uint32_t which = 0;
        while (which < walk.components && walk.ids[which * 3] != payload[1 + 2 * i]) ++which;
        if (which == walk.components) return broken("a scan of a missing component");
        walk.seen |= 1U << which;
    }
    return {};
}

/// Reads one segment. `payload` is the segment without its marker and length.
result<void> take_segment(jpeg_walk& walk, uint32_t marker, std::string_view payload) {
    if (is_frame_start(marker) || marker == 0xF7) return take_frame(walk, marker, payload);
    if (marker == sos) return take_scan(walk, payload);
    if (!is_skipped(marker) && !is_table(marker)) return broken("an unknown marker");
    if (marker == 0xE1 && walk.header.exif.empty() && payload.substr(0, 4) == "Exif") {
        walk.header.exif = without_exif_prefix(payload);
    }
    return {};
}

/// The result at the end of the bytes or of the picture, without an end mark.
result<image_header> whole(const jpeg_walk& walk) {
    if (walk.scans == 0 || walk.seen + 1 != 1U << walk.components) return cut();
    return walk.header;
}

}  // namespace

result<image_header> image_bytes::inspect_jpeg(std::string_view bytes) {
    jpeg_walk walk;
    for (size_t at = 2;;) {
        at = behind_marker(bytes, at);
        if (at == bytes.npos) return whole(walk);
        const uint32_t marker = byte_at(bytes, at - 1);
        if (marker == eoi) break;
        if (marker == soi) return broken("a second image begins inside the first");
        if (is_alone(marker)) continue;
        if (at + 2 > bytes.size()) return whole(walk);
        // Of a segment that it skips libjpeg accepts a length below 2 and reads no content.
        const size_t stated = big16(bytes, at);
        if (stated < 2 && !is_skipped(marker)) return broken("a segment is too short");
        const size_t length = std::max<size_t>(stated, 2);
        if (at + length > bytes.size()) return whole(walk);
        const auto taken = take_segment(walk, marker, bytes.substr(at + 2, length - 2));
        if (!taken) return fail(taken.error());
        at += length;
        if (marker != sos) continue;
        // The decoder stops after the only scan of a sequential picture.
        const bool only = walk.scans == 1 && walk.seen + 1 == 1U << walk.components;
        if (only && !walk.progressive) return walk.header;
        at = end_of_scan(bytes, at);
        if (at == bytes.npos) return whole(walk);
    }
    if (walk.scans == 0) return broken("no scan");
    return walk.header;
}

}  // namespace vultus
