// EXIF in a PNG's text; the only file that knows zlib. Programs older than eXIf (2017), and
// ImageMagick beside it, put it there in hexadecimal digits: "\nexif\n   1234\n45786966...".
#include <zlib.h>

#include <algorithm>
#include <string>

#include "workers/image/image_codecs.hpp"

namespace vultus {
namespace {

// Who looks for the orientation needs the first directory, which stands at the beginning.
constexpr std::size_t text_bytes_max = 256 * 1'024;

/// As much of it as is wanted; what is broken behind that is not seen.
std::string inflated(std::string_view packed) {
    std::string text(text_bytes_max, '\0');
    z_stream stream{};
    if (inflateInit(&stream) != Z_OK) return {};
    stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(packed.data()));
    stream.avail_in = static_cast<uInt>(packed.size());
    stream.next_out = reinterpret_cast<Bytef*>(text.data());
    stream.avail_out = static_cast<uInt>(text.size());
    inflate(&stream, Z_FINISH);
    text.resize(text.size() - stream.avail_out);
    inflateEnd(&stream);
    return text;
}

/// The text of a tEXt, zTXt or iTXt chunk, without its keyword.
std::string text_of(std::string_view chunk) {
    const std::string_view name = chunk.substr(0, 4);
    std::string_view rest = chunk.substr(4);
    rest.remove_prefix(std::min(rest.find('\0'), rest.size() - 1) + 1);
    if (name == "tEXt") return std::string(rest.substr(0, text_bytes_max));
    if (name == "zTXt") return rest.empty() ? std::string() : inflated(rest.substr(1));
    if (rest.size() < 2) return {};
    const bool packed = rest[0] == 1;
    rest.remove_prefix(2);
    for (int i = 0; i < 2; ++i) {  // language, translated keyword
        const std::size_t end = rest.find('\0');
        if (end == rest.npos) return {};
        rest.remove_prefix(end + 1);
    }
    return packed ? inflated(rest) : std::string(rest.substr(0, text_bytes_max));
}

int digit(char from) {
    if (from >= '0' && from <= '9') return from - '0';
    if (from >= 'a' && from <= 'f') return from - 'a' + 10;
    if (from >= 'A' && from <= 'F') return from - 'A' + 10;
    return -1;
}

}  // namespace

int codecs::profile_orientation(std::string_view chunk) {
    const std::string text = text_of(chunk);
    std::size_t at = 0;
    for (int line = 0; line < 3; ++line) {  // nothing, the kind, the length
        at = text.find('\n', at);
        if (at == text.npos) return 1;
        ++at;
    }
    std::string exif;
    int half = -1;
    for (; at < text.size(); ++at) {
        const int value = digit(text[at]);
        if (value < 0) continue;  // ends of lines
        if (half < 0) {
            half = value;
        } else {
            exif += static_cast<char>(half * 16 + value);
            half = -1;
        }
    }
    constexpr std::string_view prefix("Exif\0\0", 6);
    std::string_view tiff = exif;
    if (tiff.substr(0, 6) == prefix) tiff.remove_prefix(6);
    return exif_orientation(tiff);
}

}  // namespace vultus
