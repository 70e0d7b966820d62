// libFuzzer target: the check before (inspect_image) and what decodes must agree, and both must be
// as lenient as the format's own library, which is asked here without anything of ours:
//   - what the check refuses the library refuses, or warns of, limits and named kinds apart
//   - what both accept has one size
//   - what the library reads without a warning is read
// Pictures of many pixels are looked into only, so that the fuzzer stays quick.
#include <webp/decode.h>

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <optional>
#include <stdexcept>
#include <string_view>
#include <vector>

// jpeglib.h needs size_t and FILE from above.
#include <jpeglib.h>
#include <libheif/heif.h>
#include <png.h>

#include "shared/base/limits.hpp"
#include "shared/base/require.hpp"
#include "workers/image/image.hpp"

namespace {

using namespace vultus;

struct shown {
    std::uint32_t width = 0, height = 0;
    bool clean = false;  ///< without a warning
};
using opinion = std::optional<shown>;

constexpr std::uint64_t pixels_max = 250'000;

bool is_large(std::uint64_t width, std::uint64_t height) {
    return width * height > pixels_max;
}

opinion libjpeg_s(std::string_view bytes) {
    jpeg_decompress_struct library{};
    jpeg_error_mgr errors{};
    library.err = jpeg_std_error(&errors);
    errors.output_message = [](j_common_ptr) {};
    errors.error_exit = [](j_common_ptr) { throw std::runtime_error("refused"); };
    jpeg_progress_mgr progress{};
    progress.progress_monitor = [](j_common_ptr one) {
        if (reinterpret_cast<j_decompress_ptr>(one)->input_scan_number > limits::jpeg_scans) {
            throw std::runtime_error("too many scans");
        }
    };
    opinion seen;
    try {
        jpeg_create_decompress(&library);
        library.progress = &progress;
        jpeg_mem_src(&library, reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size());
        jpeg_read_header(&library, TRUE);
        if (is_large(library.image_width, library.image_height)) throw std::runtime_error("large");
        const bool inks =
            library.jpeg_color_space == JCS_CMYK || library.jpeg_color_space == JCS_YCCK;
        library.out_color_space = inks ? JCS_CMYK : JCS_RGB;
        jpeg_start_decompress(&library);
        std::vector<std::uint8_t> row(std::size_t{library.output_width} * 4);
        std::uint8_t* to = row.data();
        while (library.output_scanline < library.output_height) {
            jpeg_read_scanlines(&library, &to, 1);
        }
        seen = shown{library.image_width, library.image_height, errors.num_warnings == 0};
    } catch (const std::runtime_error&) {
    }
    jpeg_destroy_decompress(&library);
    return seen;
}

opinion libpng_s(std::string_view bytes) {
    png_image picture{};
    picture.version = PNG_IMAGE_VERSION;
    if (png_image_begin_read_from_memory(&picture, bytes.data(), bytes.size()) == 0) return {};
    opinion seen;
    if (!is_large(picture.width, picture.height)) {
        picture.format = PNG_FORMAT_RGBA;
        std::vector<std::uint8_t> pixels(PNG_IMAGE_SIZE(picture));
        const int read = png_image_finish_read(&picture, nullptr, pixels.data(), 0, nullptr);
        // What it says may be a warning; so of what it reads nothing is demanded.
        if (read != 0) seen = shown{picture.width, picture.height, picture.warning_or_error == 0};
    }
    png_image_free(&picture);
    return seen;
}

opinion libwebp_s(std::string_view bytes) {
    const auto* const data = reinterpret_cast<const std::uint8_t*>(bytes.data());
    WebPBitstreamFeatures known;
    if (WebPGetFeatures(data, bytes.size(), &known) != VP8_STATUS_OK) return {};
    const auto width = static_cast<std::uint32_t>(known.width);
    const auto height = static_cast<std::uint32_t>(known.height);
    if (known.has_animation != 0 || is_large(width, height)) return {};
    int wide = 0, high = 0;
    std::uint8_t* const pixels = WebPDecodeRGBA(data, bytes.size(), &wide, &high);
    if (pixels == nullptr) return {};
    WebPFree(pixels);
    return shown{width, height, true};
}

/// Of a HEIC or AVIF only the boxes: to decode it once is slow enough.
opinion libheif_s(std::string_view bytes) {
    heif_context* const context = heif_context_alloc();
    heif_image_handle* handle = nullptr;
    opinion seen;
    const auto read =
        heif_context_read_from_memory_without_copy(context, bytes.data(), bytes.size(), nullptr);
    if (read.code == heif_error_Ok &&
        heif_context_get_primary_image_handle(context, &handle).code == heif_error_Ok) {
        seen = shown{static_cast<std::uint32_t>(heif_image_handle_get_ispe_width(handle)),
                     static_cast<std::uint32_t>(heif_image_handle_get_ispe_height(handle)), false};
        heif_image_handle_release(handle);
    }
    heif_context_free(context);
    return seen;
}

opinion library_s(std::string_view bytes) {
    if (bytes.substr(0, 2) == "\xFF\xD8") return libjpeg_s(bytes);
    if (bytes.substr(0, 4) == "\x89PNG") return libpng_s(bytes);
    if (bytes.substr(0, 4) == "RIFF") return libwebp_s(bytes);
    if (bytes.size() > 8 && bytes.substr(4, 4) == "ftyp") return libheif_s(bytes);
    return {};
}

/// What only the check knows: limits, and kinds that are refused by name.
bool is_own_refusal(errc why) {
    return why == errc::too_large || why == errc::unsupported_media;
}

}  // namespace

// Leaks of libheif and its codecs at broken files are theirs; our decoder ends after such a file.
extern "C" const char* __lsan_default_suppressions();   // NOLINT(bugprone-reserved-identifier)
extern "C" const char* __lsan_default_suppressions() {  // NOLINT(bugprone-reserved-identifier)
    return "leak:libheif\nleak:libdav1d\nleak:libde265\nleak:libaom\n";
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view bytes(reinterpret_cast<const char*>(data), size);
    const auto header = inspect_image(bytes);
    const opinion theirs = library_s(bytes);
    if (!header) {
        VULTUS_REQUIRE(is_own_refusal(header.error().code) || !theirs || !theirs->clean,
                       "what the check refuses the library refuses");
        return 0;
    }
    const std::uint64_t pixels = std::uint64_t{header->width} * header->height;
    VULTUS_REQUIRE(pixels >= 1 && pixels <= limits::pixels, "within the limit");
    VULTUS_REQUIRE(!theirs || (theirs->width == header->width && theirs->height == header->height),
                   "one size");
    VULTUS_REQUIRE(header->orientation >= 1 && header->orientation <= 8, "one of eight");
    const int exif = exif_orientation(header->exif);
    VULTUS_REQUIRE(exif >= 1 && exif <= 8, "one of eight");
    if (pixels > pixels_max) return 0;
    const auto decoded = decode_image(bytes);
    if (!decoded) {
        VULTUS_REQUIRE(!theirs || !theirs->clean, "what the library reads is read");
        VULTUS_REQUIRE(decoded.error().code != errc::internal, "a reason that can be told");
        return 0;
    }
    const bool same = decoded->picture.width == header->width;
    VULTUS_REQUIRE(same || decoded->picture.width == header->height, "width");
    VULTUS_REQUIRE(decoded->picture.rgb.size() == pixels * 3, "all pixels");
    return 0;
}
