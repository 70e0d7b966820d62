// Walks through JPEG, PNG and RIFF containers. Each walk is one loop that only moves forward, so a
// hostile file costs one pass over its bytes and no memory.
#include "shared/image_header.hpp"

#include <cstddef>
#include <cstdio>

#include "shared/limits.hpp"

namespace vultus {
namespace {

using std::size_t;
using std::uint32_t;

uint32_t byte_at(std::string_view bytes, size_t at) {
    return static_cast<unsigned char>(bytes[at]);
}

uint32_t big16(std::string_view bytes, size_t at) {
    return byte_at(bytes, at) << 8 | byte_at(bytes, at + 1);
}

uint32_t big32(std::string_view bytes, size_t at) {
    return big16(bytes, at) << 16 | big16(bytes, at + 2);
}

uint32_t little16(std::string_view bytes, size_t at) {
    return byte_at(bytes, at) | byte_at(bytes, at + 1) << 8;
}

uint32_t little24(std::string_view bytes, size_t at) {
    return little16(bytes, at) | byte_at(bytes, at + 2) << 16;
}

uint32_t little32(std::string_view bytes, size_t at) {
    return little16(bytes, at) | little16(bytes, at + 2) << 16;
}

auto broken(const char* why) {
    return fail(errc::undecodable_image, why);
}
auto cut() {
    return fail(errc::truncated_image, "the picture ends before its end");
}

/// The size of a picture against the limits.
result<void> check_size(uint32_t width, uint32_t height) {
    if (width == 0 || height == 0) return broken("the picture has no pixels");
    if (width > limits::image_side || height > limits::image_side ||
        std::uint64_t{width} * height > limits::pixels) {
        char text[128];
        std::snprintf(text, sizeof text, "%u x %u pixels; at most %llu, no side over %u", width,
                      height, static_cast<unsigned long long>(limits::pixels), limits::image_side);
        return fail(errc::too_large, text);
    }
    return {};
}

std::string_view without_exif_prefix(std::string_view block) {
    constexpr std::string_view prefix("Exif\0\0", 6);
    return block.substr(0, 6) == prefix ? block.substr(6) : block;
}

// ---- JPEG: ITU-T T.81, annex B ----------------------------------------------------------------

bool is_frame_start(uint32_t marker) {  // SOF0..SOF15 without DHT, JPG and DAC
    return marker >= 0xC0 && marker <= 0xCF && marker != 0xC4 && marker != 0xC8 && marker != 0xCC;
}

bool is_alone(uint32_t marker) {
    return marker == 0x01 || (marker >= 0xD0 && marker <= 0xD8);
}

/// The place of the 0xFF of the next marker after the compressed data of a scan.
size_t end_of_scan(std::string_view bytes, size_t at) {
    for (;;) {
        at = bytes.find('\xFF', at);
        if (at == bytes.npos || at + 1 >= bytes.size()) return bytes.npos;
        const uint32_t next = byte_at(bytes, at + 1);
        if (next != 0x00 && next != 0xFF && !(next >= 0xD0 && next <= 0xD7)) return at;
        at += next == 0xFF ? 1 : 2;
    }
}

/// What one segment says. `payload` is the segment without its marker and length.
result<void> take_segment(image_header& header, uint32_t marker, std::string_view payload) {
    if (is_frame_start(marker)) {
        if (payload.size() < 6) return broken("the frame header is too short");
        if (header.width != 0) return broken("a second frame header");
        header.height = big16(payload, 1);
        header.width = big16(payload, 3);
        return check_size(header.width, header.height);
    }
    if (marker == 0xE1 && header.exif.empty() && payload.substr(0, 4) == "Exif") {
        header.exif = without_exif_prefix(payload);
    }
    return {};
}

result<image_header> inspect_jpeg(std::string_view bytes) {
    image_header header{image_format::jpeg, 0, 0, false, {}};
    int scans = 0;
    size_t at = 2;
    for (;;) {
        if (at + 2 > bytes.size()) return cut();
        if (byte_at(bytes, at) != 0xFF) return broken("a marker is missing");
        const uint32_t marker = byte_at(bytes, at + 1);
        if (marker == 0xFF) {  // a fill byte
            ++at;
            continue;
        }
        at += 2;
        if (marker == 0xD9) break;
        if (is_alone(marker)) continue;
        if (marker == 0x00) return broken("a marker is missing");
        if (at + 2 > bytes.size()) return cut();
        const size_t length = big16(bytes, at);
        if (length < 2) return broken("a segment is shorter than its length field");
        if (at + length > bytes.size()) return cut();
        const auto taken = take_segment(header, marker, bytes.substr(at + 2, length - 2));
        if (!taken) return fail(taken.error());
        at += length;
        if (marker != 0xDA) continue;
        if (header.width == 0) return broken("a scan before the frame header");
        if (++scans > limits::jpeg_scans) return fail(errc::too_large, "more than 100 scans");
        at = end_of_scan(bytes, at);
        if (at == bytes.npos) return cut();
    }
    if (scans == 0) return broken("no scan");
    return header;
}

// ---- PNG: ISO/IEC 15948 -----------------------------------------------------------------------

constexpr std::string_view png_magic("\x89PNG\r\n\x1A\n", 8);

result<image_header> inspect_png(std::string_view bytes) {
    image_header header{image_format::png, 0, 0, false, {}};
    bool data_seen = false;
    for (size_t at = png_magic.size();;) {
        if (at + 8 > bytes.size()) return cut();
        const size_t length = big32(bytes, at);
        const std::string_view name = bytes.substr(at + 4, 4);
        const bool first = at == png_magic.size();
        if (first && (name != "IHDR" || length != 13)) return broken("no IHDR chunk");
        if (length > 0x7FFFFFFF) return broken("a chunk's length is over 2^31 - 1");
        if (length + 12 > bytes.size() - at) return cut();
        const std::string_view payload = bytes.substr(at + 8, length);
        if (first) {
            header.width = big32(payload, 0);
            header.height = big32(payload, 4);
            const auto size = check_size(header.width, header.height);
            if (!size) return fail(size.error());
        }
        if (name == "IDAT") data_seen = true;
        if (name == "acTL" && !data_seen) header.animated = true;
        if (name == "eXIf" && header.exif.empty()) header.exif = without_exif_prefix(payload);
        if (name == "IEND") break;
        at += length + 12;
    }
    if (!data_seen) return broken("no IDAT chunk");
    return header;
}

// ---- WebP: RFC 9649 ---------------------------------------------------------------------------

struct frame_size {
    uint32_t width = 0, height = 0;
};

result<frame_size> vp8_size(std::string_view name, std::string_view payload) {
    if (name == "VP8 ") {  // RFC 6386, 9.1
        if (payload.size() < 10 || (byte_at(payload, 0) & 1) != 0 ||
            payload.substr(3, 3) != "\x9D\x01\x2A") {
            return broken("no key frame");
        }
        return frame_size{little16(payload, 6) & 0x3FFF, little16(payload, 8) & 0x3FFF};
    }
    if (payload.size() < 5 || byte_at(payload, 0) != 0x2F) return broken("no lossless header");
    const uint32_t bits = little32(payload, 1);
    return frame_size{(bits & 0x3FFF) + 1, ((bits >> 14) & 0x3FFF) + 1};
}

struct webp_walk {
    frame_size canvas, picture;  ///< canvas: only with a VP8X chunk
    image_header header{image_format::webp, 0, 0, false, {}};
};

/// What one chunk of the RIFF says.
result<void> take_chunk(webp_walk& walk, bool first, std::string_view name,
                        std::string_view payload) {
    if (name == "VP8X" && first) {
        if (payload.size() < 10) return broken("the VP8X chunk is too short");
        walk.header.animated = (byte_at(payload, 0) & 2) != 0;
        walk.canvas = {little24(payload, 4) + 1, little24(payload, 7) + 1};
        return check_size(walk.canvas.width, walk.canvas.height);
    }
    if (name == "EXIF" && walk.header.exif.empty()) {
        walk.header.exif = without_exif_prefix(payload);
    }
    const bool picture = name == "VP8 " || name == "VP8L";
    if (!picture && name != "ANMF")
        return first ? broken("no picture chunk comes first") : result<void>{};
    if (walk.picture.width != 0) return {};  // later pictures of an animation
    if (name == "ANMF") {
        if (walk.canvas.width == 0 || !walk.header.animated) return broken("a stray ANMF chunk");
        if (payload.size() < 16) return broken("the ANMF chunk is too short");
        const uint32_t left = little24(payload, 0) * 2, top = little24(payload, 3) * 2;
        walk.picture = {little24(payload, 6) + 1, little24(payload, 9) + 1};
        if (left + walk.picture.width > walk.canvas.width ||
            top + walk.picture.height > walk.canvas.height) {
            return broken("a picture of the animation is outside its canvas");
        }
        return {};
    }
    if (walk.header.animated) return broken("an animation with a single picture");
    const auto size = vp8_size(name, payload);
    if (!size) return fail(size.error());
    walk.picture = *size;
    if (walk.canvas.width != 0 &&
        (walk.canvas.width != size->width || walk.canvas.height != size->height)) {
        return broken("the canvas and the picture differ in size");
    }
    return {};
}

result<image_header> inspect_webp(std::string_view bytes) {
    const size_t end = size_t{little32(bytes, 4)} + 8;
    if (end > bytes.size()) return cut();
    if (end < 20) return broken("the RIFF is too short");
    webp_walk walk;
    for (size_t at = 12; at + 8 <= end;) {
        const size_t length = little32(bytes, at + 4);
        if (length > end - at - 8) return broken("a chunk is longer than the RIFF");
        const auto taken =
            take_chunk(walk, at == 12, bytes.substr(at, 4), bytes.substr(at + 8, length));
        if (!taken) return fail(taken.error());
        at += 8 + length + (length & 1);
    }
    if (walk.picture.width == 0) return broken("no picture in the RIFF");
    const frame_size size = walk.canvas.width != 0 ? walk.canvas : walk.picture;
    const auto checked = check_size(size.width, size.height);
    if (!checked) return fail(checked.error());
    walk.header.width = size.width;
    walk.header.height = size.height;
    return walk.header;
}

}  // namespace

std::string_view name_of(image_format format) noexcept {
    switch (format) {
        case image_format::jpeg:
            return "jpeg";
        case image_format::png:
            return "png";
        case image_format::webp:
            return "webp";
    }
    return "";
}

result<image_header> inspect_image(std::string_view bytes) {
    if (bytes.substr(0, 3) == "\xFF\xD8\xFF") return inspect_jpeg(bytes);
    if (bytes.substr(0, 8) == png_magic) return inspect_png(bytes);
    if (bytes.size() >= 12 && bytes.substr(0, 4) == "RIFF" && bytes.substr(8, 4) == "WEBP") {
        return inspect_webp(bytes);
    }
    return fail(errc::unsupported_media, "not a JPEG, PNG or WebP picture");
}

}  // namespace vultus
