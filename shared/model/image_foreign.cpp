// Unsupported formats by their first bytes, so that the error can name the format.
#include <array>
#include <utility>

#include "shared/model/image_bytes.hpp"

namespace vultus {
namespace {

using namespace std::string_view_literals;

constexpr std::array beginnings{
    std::pair{"GIF87a"sv, "a GIF image"sv},
    std::pair{"GIF89a"sv, "a GIF image"sv},
    std::pair{"II*\0"sv, "a TIFF image or a camera's raw file"sv},
    std::pair{"MM\0*"sv, "a TIFF image or a camera's raw file"sv},
    std::pair{"II+\0"sv, "a TIFF image"sv},
    std::pair{"MM\0+"sv, "a TIFF image"sv},
    std::pair{"\xFF\x0A"sv, "a JPEG XL image"sv},
    std::pair{"\0\0\0\x0CJXL \r\n\x87\n"sv, "a JPEG XL image"sv},
    std::pair{"\0\0\0\x0CjP  \r\n\x87\n"sv, "a JPEG 2000 image"sv},
    std::pair{"\xFF\x4F\xFF\x51"sv, "a JPEG 2000 image"sv},
    std::pair{"II\xBC"sv, "a JPEG XR image"sv},
    std::pair{"8BPS"sv, "a Photoshop file"sv},
    std::pair{"FUJIFILMCCD-RAW"sv, "a camera's raw file"sv},
    std::pair{"IIRO"sv, "a camera's raw file"sv},
    std::pair{"IIRS"sv, "a camera's raw file"sv},
    std::pair{"IIU\0"sv, "a camera's raw file"sv},
    std::pair{"\0\0\1\0"sv, "an icon (ICO)"sv},
    std::pair{"\0\0\2\0"sv, "a cursor (CUR)"sv},
    std::pair{"qoif"sv, "a QOI image"sv},
    std::pair{"BPG\xFB"sv, "a BPG image"sv},
    std::pair{"DDS "sv, "a DDS texture"sv},
    std::pair{"v/1\x01"sv, "an OpenEXR image"sv},
    std::pair{"#?RADIANCE"sv, "a Radiance HDR image"sv},
    std::pair{"%PDF"sv, "a PDF document"sv},
    std::pair{"%!PS"sv, "a PostScript document"sv},
    std::pair{"\x1A\x45\xDF\xA3"sv, "a Matroska or WebM video"sv},
    std::pair{"OggS"sv, "an Ogg file"sv},
    std::pair{"FLV\x01"sv, "a Flash video"sv},
    std::pair{"\0\0\1\xBA"sv, "an MPEG video"sv},
    std::pair{"\0\0\1\xB3"sv, "an MPEG video"sv},
    std::pair{"PK\3\4"sv, "a ZIP archive"sv},
    std::pair{"\x1F\x8B"sv, "a gzip file"sv},
    std::pair{"\xFD"
              "7zXZ\0"sv,
              "an xz file"sv},
    std::pair{"7z\xBC\xAF\x27\x1C"sv, "a 7-Zip archive"sv},
    std::pair{"Rar!"sv, "a RAR archive"sv},
    std::pair{"{\\rtf"sv, "an RTF document"sv},
};

/// The brand of a file type box (ISO/IEC 14496-12) that is neither HEIC nor AVIF.
std::string_view boxed(std::string_view brand) {
    if (brand == "crx ") return "a camera's raw file (CR3)";
    if (brand == "jxl ") return "a JPEG XL image";
    if (brand == "jp2 ") return "a JPEG 2000 image";
    if (brand == "qt  ") return "a QuickTime video";
    return "an MP4 video or another file of boxes";
}

bool is_netpbm(std::string_view bytes) {
    return bytes.size() > 2 && bytes[0] == 'P' && bytes[1] >= '1' && bytes[1] <= '7' &&
           (bytes[2] == '\n' || bytes[2] == ' ' || bytes[2] == '\r' || bytes[2] == '\t');
}

/// BITMAPFILEHEADER: "BM", the size, two zeros of 16 bits, the offset of the pixels.
bool is_bmp(std::string_view bytes) {
    return bytes.size() >= 14 && bytes.substr(0, 2) == "BM" && bytes.substr(6, 4) == "\0\0\0\0"sv;
}

std::string_view text(std::string_view bytes) {
    if (bytes.substr(0, 3) == "\xEF\xBB\xBF") bytes.remove_prefix(3);
    const std::size_t first = bytes.find_first_not_of(" \t\r\n");
    if (first == bytes.npos || bytes[first] != '<') return {};
    const std::string_view start = bytes.substr(first, 1'024);
    if (start.find("<svg") != start.npos) return "an SVG drawing";
    if (start.substr(0, 5) == "<?xml") return "an XML document";
    return start.substr(0, 5) == "<!DOC" || start.substr(0, 5) == "<!doc" ||
                   start.substr(0, 5) == "<html" || start.substr(0, 5) == "<HTML"
               ? "a web page (HTML)"sv
               : std::string_view();
}

}  // namespace

std::string_view image_bytes::foreign_format(std::string_view bytes) {
    for (const auto& [beginning, name] : beginnings) {
        if (bytes.substr(0, beginning.size()) == beginning) return name;
    }
    if (is_bmp(bytes)) return "a BMP image";
    if (is_netpbm(bytes)) return "a Netpbm image";
    if (bytes.size() >= 12 && bytes.substr(0, 4) == "RIFF") {
        return bytes.substr(8, 4) == "AVI " ? "an AVI video" : "a RIFF file";
    }
    if (bytes.size() >= 12 && bytes.substr(4, 4) == "ftyp") return boxed(bytes.substr(8, 4));
    if (bytes.size() >= 8 && (bytes.substr(4, 4) == "moov" || bytes.substr(4, 4) == "mdat")) {
        return "a QuickTime video";
    }
    return text(bytes);
}

}  // namespace vultus
