// Parses PNG and RIFF containers and detects the format. Each parser is one loop that only moves
// forward, so a hostile file costs one pass over its bytes and no memory.
#include "shared/model/image_header.hpp"

#include <cstddef>
#include <cstdio>
#include <string>

#include "shared/base/limits.hpp"
#include "shared/model/image_bytes.hpp"

namespace vultus {

using namespace image_bytes;
using std::size_t;
using std::uint32_t;

result<void> image_bytes::check_size(uint32_t width, uint32_t height) {
    if (width == 0 || height == 0) return broken("the image has no pixels");
    if (width > limits::image_side || height > limits::image_side ||
        std::uint64_t{width} * height > limits::pixels) {
        char text[128];
        std::snprintf(text, sizeof text, "%u x %u pixels; at most %llu, no side above %u", width,
                      height, static_cast<unsigned long long>(limits::pixels), limits::image_side);
        return fail(errc::too_large, text);
    }
    return {};
}

std::string_view image_bytes::without_exif_prefix(std::string_view block) {
    constexpr std::string_view prefix("Exif\0\0", 6);
    return block.substr(0, 6) == prefix ? block.substr(6) : block;
}

namespace {

// ---- PNG: ISO/IEC 15948 -----------------------------------------------------------------------

constexpr std::string_view png_magic("\x89PNG\r\n\x1A\n", 8);

/// The text chunk in which programs stored EXIF before the eXIf chunk existed;
/// image_header::profile.
bool is_raw_profile(std::string_view name, std::string_view payload) {
    if (name != "zTXt" && name != "tEXt" && name != "iTXt") return false;
    constexpr std::string_view exif("Raw profile type exif\0", 22);
    constexpr std::string_view app1("Raw profile type APP1\0", 22);
    return payload.substr(0, 22) == exif || payload.substr(0, 22) == app1;
}

result<image_header> inspect_png(std::string_view bytes) {
    image_header header;
    header.format = image_format::png;
    bool data_seen = false;
    for (size_t at = png_magic.size();;) {
        // Nothing after the pixel data is needed; whether that is complete is detected by decoding.
        if (at + 8 > bytes.size() && data_seen) return header;
        if (at + 8 > bytes.size()) return cut();
        const size_t length = big32(bytes, at);
        const std::string_view name = bytes.substr(at + 4, 4);
        const bool first = at == png_magic.size();
        if (first && name == "CgBI") {
            return unsupported("an iPhone-optimized PNG, not a standard PNG");
        }
        if (first && (name != "IHDR" || length != 13)) return broken("no IHDR chunk");
        if (data_seen && name != "IDAT" && length + 12 > bytes.size() - at) return header;
        if (length > 0x7FFFFFFF) return broken("a chunk is longer than 2^31 - 1 bytes");
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
        if (header.profile.empty() && is_raw_profile(name, payload)) {
            header.profile = bytes.substr(at + 4, length + 4);
        }
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
    image_header header;
};

/// Reads one chunk of the RIFF.
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
    const bool frame = name == "ANMF" && walk.header.animated;  // ignored elsewhere
    if (!picture && !frame) {
        return first ? broken("the first chunk is not an image chunk") : result<void>{};
    }
    if (walk.picture.width != 0) return {};  // later pictures of an animation
    if (frame) {
        if (payload.size() < 16) return broken("the ANMF chunk is too short");
        const uint32_t left = little24(payload, 0) * 2, top = little24(payload, 3) * 2;
        walk.picture = {little24(payload, 6) + 1, little24(payload, 9) + 1};
        if (left + walk.picture.width > walk.canvas.width ||
            top + walk.picture.height > walk.canvas.height) {
            return broken("a frame of the animation is outside its canvas");
        }
        return {};
    }
    if (walk.header.animated) return broken("an animation with a still image chunk");
    const auto size = vp8_size(name, payload);
    if (!size) return fail(size.error());
    walk.picture = *size;
    if (walk.canvas.width != 0 &&
        (walk.canvas.width != size->width || walk.canvas.height != size->height)) {
        return broken("canvas and image differ in size");
    }
    return {};
}

result<image_header> inspect_webp(std::string_view bytes) {
    const size_t end = size_t{little32(bytes, 4)} + 8;
    if (end > bytes.size()) return cut();
    if (end < 20) return broken("the RIFF file is too short");
    webp_walk walk;
    walk.header.format = image_format::webp;
    for (size_t at = 12; at + 8 <= end;) {
        const size_t length = little32(bytes, at + 4);
        if (length > end - at - 8 && walk.picture.width != 0) break;  // the picture is complete
        if (length > end - at - 8) return broken("a chunk is longer than the RIFF file");
        const std::string_view name = bytes.substr(at, 4);
        // libwebp reads a lossless picture from all remaining bytes, whatever size its chunk
        // states.
        const size_t readable = name == "VP8L" ? end - at - 8 : length;
        const auto taken = take_chunk(walk, at == 12, name, bytes.substr(at + 8, readable));
        if (!taken) return fail(taken.error());
        at += 8 + length + (length & 1);
    }
    if (walk.picture.width == 0) return broken("no image in the RIFF file");
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
        case image_format::heic:
            return "heic";
        case image_format::avif:
            return "avif";
    }
    return "";
}

result<image_header> inspect_image(std::string_view bytes) {
    if (bytes.empty()) return unsupported("the file is empty");
    if (bytes.substr(0, 2) == "\xFF\xD8") return inspect_jpeg(bytes);
    if (bytes.substr(0, 8) == png_magic) return inspect_png(bytes);
    if (bytes.size() >= 12 && bytes.substr(0, 4) == "RIFF" && bytes.substr(8, 4) == "WEBP") {
        return inspect_webp(bytes);
    }
    if (is_heif_file(bytes)) return inspect_heif(bytes);
    const std::string_view known = foreign_format(bytes);
    if (known.empty()) return unsupported("not a JPEG, PNG, WebP, HEIC or AVIF image");
    return fail(errc::unsupported_media,
                std::string(known) + " is not supported: use JPEG, PNG, WebP, HEIC or AVIF");
}

}  // namespace vultus
