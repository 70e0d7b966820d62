// Decoding in order: header and limits first, then the codec of that format, then the EXIF turn.
#include "workers/image/image.hpp"

#include <time.h>

#include <algorithm>
#include <new>
#include <utility>

#include "shared/base/limits.hpp"
#include "shared/base/require.hpp"
#include "workers/image/codec_process.hpp"
#include "workers/image/image_codecs.hpp"

namespace vultus {

image::image(std::uint32_t wide, std::uint32_t high)
    : width(wide), height(high), rgb(std::size_t{wide} * high * 3) {}

image image::copy() const {
    image twin;
    twin.width = width;
    twin.height = height;
    twin.rgb = rgb;
    return twin;
}

double codecs::thread_seconds() noexcept {
    timespec now{};
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return static_cast<double>(now.tv_sec) + 1e-9 * static_cast<double>(now.tv_nsec);
}

namespace {

result<image> decode_pixels(std::string_view bytes, const image_header& header,
                            std::uint32_t jpeg_shrink) {
    using namespace codecs;
    switch (header.format) {
        case image_format::jpeg:
            return decode_jpeg(bytes, header, jpeg_shrink);
        case image_format::png:
            return decode_png(bytes, header);
        case image_format::webp:
            return decode_webp(bytes, header);
        case image_format::heic:
        case image_format::avif:
            return decode_heif(bytes, header);
    }
    return fail(errc::internal, "a format without a codec");
}

/// Orientations 1 to 4 keep the rows: mirror left and right, top and bottom, or both.
void mirror(image& picture, bool sideways, bool upside) {
    const std::size_t row_bytes = std::size_t{picture.width} * 3;
    if (upside) {
        for (std::uint32_t y = 0; y < picture.height / 2; ++y) {
            std::swap_ranges(picture.row(y), picture.row(y) + row_bytes,
                             picture.row(picture.height - 1 - y));
        }
    }
    if (!sideways) return;
    for (std::uint32_t y = 0; y < picture.height; ++y) {
        std::uint8_t* left = picture.row(y);
        std::uint8_t* right = left + row_bytes - 3;
        for (; left < right; left += 3, right -= 3) std::swap_ranges(left, left + 3, right);
    }
}

/// Rows become columns. In tiles, so that a photo larger than the cache is not read pixel by pixel.
image transposed(const image& from) {
    constexpr std::uint32_t tile = 32;
    image to(from.height, from.width);
    for (std::uint32_t top = 0; top < from.height; top += tile) {
        for (std::uint32_t left = 0; left < from.width; left += tile) {
            for (std::uint32_t y = top; y < std::min(top + tile, from.height); ++y) {
                for (std::uint32_t x = left; x < std::min(left + tile, from.width); ++x) {
                    std::copy_n(from.row(y) + std::size_t{x} * 3, 3,
                                to.row(x) + std::size_t{y} * 3);
                }
            }
        }
    }
    return to;
}

std::uint32_t number(std::string_view tiff, std::size_t at, int bytes, bool little) {
    std::uint32_t value = 0;
    for (int i = 0; i < bytes; ++i) {
        const int place = little ? i : bytes - 1 - i;
        value |= std::uint32_t{static_cast<unsigned char>(tiff[at + static_cast<std::size_t>(i)])}
                 << (8 * place);
    }
    return value;
}

/// Of a whole number of TIFF: BYTE, SHORT, LONG and their signed kinds; 0: it is none.
int bytes_of_type(std::uint32_t type) {
    switch (type) {
        case 1:
        case 6:
            return 1;
        case 3:
        case 8:
            return 2;
        case 4:
        case 9:
            return 4;
        default:
            return 0;
    }
}

}  // namespace

result<stored_picture> codecs::decode(std::string_view bytes, const image_header& header,
                                      std::uint32_t jpeg_shrink) {
    auto pixels = decode_pixels(bytes, header, jpeg_shrink);
    if (!pixels) return fail(pixels.error());
    int orientation = header.orientation;
    if (!header.exif.empty()) {
        orientation = exif_orientation(header.exif);
    } else if (!header.profile.empty()) {
        orientation = profile_orientation(header.profile);
    }
    return stored_picture{*std::move(pixels), orientation};
}

// TIFF 6.0, section 2: "II" or "MM", 42, the place of the first directory; a directory is a count
// and entries of 12 bytes: tag, type, count, value. The standard demands a SHORT; some cameras and
// programs write another whole number, and Pillow reads it.
int exif_orientation(std::string_view tiff) noexcept {
    constexpr std::uint32_t orientation_tag = 0x0112;
    if (tiff.size() < 10) return 1;
    const bool little = tiff.substr(0, 2) == "II";
    if (!little && tiff.substr(0, 2) != "MM") return 1;
    if (number(tiff, 2, 2, little) != 42) return 1;
    const std::size_t directory = number(tiff, 4, 4, little);
    if (directory > tiff.size() - 2) return 1;
    const std::uint32_t entries = number(tiff, directory, 2, little);
    for (std::uint32_t i = 0; i < entries; ++i) {
        const std::size_t at = directory + 2 + std::size_t{i} * 12;
        if (at + 12 > tiff.size()) return 1;
        if (number(tiff, at, 2, little) != orientation_tag) continue;
        const int bytes = bytes_of_type(number(tiff, at + 2, 2, little));
        if (bytes == 0 || number(tiff, at + 4, 4, little) != 1) return 1;
        const std::uint32_t value = number(tiff, at + 8, bytes, little);
        return value >= 1 && value <= 8 ? static_cast<int>(value) : 1;
    }
    return 1;
}

image turned_upright(image picture, int orientation) {
    // As stored -> as seen. 5 to 8 are a transposition followed by one of 1 to 4.
    switch (orientation) {
        case 2:
            mirror(picture, true, false);
            break;
        case 3:
            mirror(picture, true, true);
            break;
        case 4:
            mirror(picture, false, true);
            break;
        case 5:
            return transposed(picture);
        case 6:
            picture = transposed(picture);
            mirror(picture, true, false);
            break;
        case 7:
            picture = transposed(picture);
            mirror(picture, true, true);
            break;
        case 8:
            picture = transposed(picture);
            mirror(picture, false, true);
            break;
        default:
            break;
    }
    return picture;
}

result<decoded_image> decode_image(std::string_view bytes, codec_process* apart) {
    const auto header = inspect_image(bytes);
    if (!header) return fail(header.error());
    return decode_reduced(bytes, *header, limits::image_side, apart);
}

result<decoded_image> decode_reduced(std::string_view bytes, const image_header& header,
                                     std::uint32_t side, codec_process* apart) {
    const std::uint32_t longer = std::max(header.width, header.height);
    std::uint32_t shrink = header.format == image_format::jpeg ? 8 : 1;
    while (shrink > 1 && longer / shrink < side) shrink /= 2;
    auto stored = apart != nullptr ? apart->decode(bytes, header, shrink)
                                   : codecs::decode(bytes, header, shrink);
    if (!stored && apart == nullptr && stored.error().code == errc::out_of_memory) {
        throw std::bad_alloc();  // this process has none
    }
    if (!stored) return fail(stored.error());
    VULTUS_REQUIRE(stored->picture.width == (header.width + shrink - 1) / shrink &&
                       stored->picture.height == (header.height + shrink - 1) / shrink,
                   "a codec gives the size that it is asked for");
    const int orientation = stored->orientation;
    decoded_image decoded;
    decoded.width = orientation >= 5 ? header.height : header.width;
    decoded.height = orientation >= 5 ? header.width : header.height;
    decoded.picture = turned_upright(std::move(stored->picture), orientation);
    decoded.format = header.format;
    decoded.animated = header.animated;
    return decoded;
}

}  // namespace vultus
