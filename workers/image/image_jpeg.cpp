// JPEG in and out by libjpeg-turbo; the only file that knows it. The library reports an error by a
// call that must not return, so each of its runs happens in one function below a setjmp that owns
// nothing: what needs a destructor lives in the caller's frame.
#include <algorithm>
#include <csetjmp>
#include <cstddef>
#include <cstdio>
#include <cstdlib>

// jpeglib.h needs size_t and FILE from above.
#include <jpeglib.h>

#include <jerror.h>

#include "shared/base/limits.hpp"
#include "shared/base/require.hpp"
#include "workers/image/image_codecs.hpp"

namespace vultus {
namespace {

struct error_state {
    jpeg_error_mgr manager;  // first: libjpeg hands back a pointer to it
    std::jmp_buf escape;
    errc code = errc::undecodable_image;
    const char* detail = "the JPEG data is corrupt";
    double deadline = 0;
    bool resynced = false;  // a restart marker was wrong or missing
    bool ran_out = false;   // the bytes ended; the library made an end mark up
};

[[noreturn]] void leave(j_common_ptr library, errc code, const char* detail) {
    auto* state = reinterpret_cast<error_state*>(library->err);
    state->code = code;
    state->detail = detail;
    std::longjmp(state->escape, 1);
}

[[noreturn]] void on_error(j_common_ptr library) {
    if (library->err->msg_code == JERR_OUT_OF_MEMORY) {
        leave(library, errc::out_of_memory, "not enough memory to decode the JPEG");
    }
    if (reinterpret_cast<error_state*>(library->err)->ran_out) {
        leave(library, errc::truncated_image, "the JPEG data is truncated");
    }
    leave(library, errc::undecodable_image, "the JPEG data is corrupt");
}

/// Whether what is left of a scan is no more than what stands between two restart markers, rounded
/// up to rows.
bool is_in_last_interval(const jpeg_decompress_struct& library) {
    const std::uint64_t rows = library.MCU_rows_in_scan - library.input_iMCU_row;
    return library.restart_interval != 0 &&
           rows * library.MCUs_per_row <= library.restart_interval + library.MCUs_per_row;
}

/// The compressed data has reached `marker` before the scan's blocks were complete. Before another
/// restart marker that is one interval, lost with its own marker; the next one is whole again.
void on_early_marker(j_common_ptr library, int marker) {
    auto* state = reinterpret_cast<error_state*>(library->err);
    const bool restart = marker >= 0xD0 && marker <= 0xD7;
    const auto& scan = *reinterpret_cast<j_decompress_ptr>(library);
    if (restart || (!state->ran_out && state->resynced && is_in_last_interval(scan))) return;
    leave(library, errc::truncated_image, "the JPEG data is truncated");
}

/// Warnings are level -1. The library would go on and paint the missing part grey.
void on_message(j_common_ptr library, int level) {
    if (level >= 0 || !library->is_decompressor) return;
    auto* state = reinterpret_cast<error_state*>(library->err);
    switch (library->err->msg_code) {
        case JWRN_JPEG_EOF:  // the picture may be whole all the same
            state->ran_out = true;
            // The arithmetic decoder reads zeros behind the end and never says that it did.
            if (reinterpret_cast<j_decompress_ptr>(library)->arith_code != FALSE) {
                leave(library, errc::truncated_image, "the JPEG data is truncated");
            }
            break;
        case JWRN_MUST_RESYNC:
            state->resynced = true;
            on_early_marker(library, library->err->msg_parm.i[0] == 0xD9 ? 0xD9 : 0xD0);
            break;
        case JWRN_HIT_MARKER:
            on_early_marker(library, reinterpret_cast<j_decompress_ptr>(library)->unread_marker);
            break;
        case JWRN_HUFF_BAD_CODE:
        case JWRN_ARITH_BAD_CODE:
            if (state->resynced) break;
            [[fallthrough]];
        case JWRN_BOGUS_PROGRESSION:
            leave(library, errc::undecodable_image, "the JPEG data is corrupt");
        default:
            break;  // bytes between segments, an odd JFIF version: nothing is lost
    }
}

/// A progressive picture gets better scan by scan. Where the bytes end without an end mark, scans
/// may be missing: then each coefficient must be there to its last bit.
bool is_complete(const jpeg_decompress_struct& library) {
    for (int i = 0; library.progressive_mode != 0 && i < library.num_components; ++i) {
        const int* const bits = library.coef_bits[i];
        if (!std::all_of(bits, bits + DCTSIZE2, [](int missing) { return missing == 0; })) {
            return false;
        }
    }
    return true;
}

void on_output(j_common_ptr) {}

/// Called by the library as it works: the place where scans and time are counted.
void on_progress(j_common_ptr library) {
    const auto* state = reinterpret_cast<const error_state*>(library->err);
    if (library->is_decompressor &&
        reinterpret_cast<j_decompress_ptr>(library)->input_scan_number > limits::jpeg_scans) {
        leave(library, errc::too_large, "more than 100 scans");
    }
    if (codecs::thread_seconds() > state->deadline) {
        leave(library, errc::too_large, "decoding took too long");
    }
}

void set_up(error_state& errors) {
    jpeg_std_error(&errors.manager);
    errors.manager.error_exit = on_error;
    errors.manager.emit_message = on_message;
    errors.manager.output_message = on_output;
    errors.deadline = codecs::thread_seconds() + codecs::decode_seconds_max;
}

std::uint8_t times(std::uint8_t a, std::uint8_t b) {
    return static_cast<std::uint8_t>((a * b + 127) / 255);
}

/// CMYK to RGB in place, at the start of the row. Adobe writes the four inks inverted.
void cmyk_to_rgb(const std::uint8_t* cmyk, std::uint8_t* rgb, std::uint32_t pixels, bool inverted) {
    for (std::uint32_t x = 0; x < pixels; ++x, cmyk += 4, rgb += 3) {
        const std::uint8_t flip = inverted ? 0 : 255;
        const auto light = [&](int i) { return static_cast<std::uint8_t>(cmyk[i] ^ flip); };
        const std::uint8_t key = light(3);
        rgb[0] = times(light(0), key);
        rgb[1] = times(light(1), key);
        rgb[2] = times(light(2), key);
    }
}

struct decoding {
    jpeg_decompress_struct library{};
    error_state errors;
    jpeg_progress_mgr progress{};
    std::vector<std::uint8_t> ink_row;  // CMYK only
    std::uint32_t width = 0, height = 0, shrink = 1;
    image picture;
};

/// The library's own run. False if it failed; `errors` says why.
bool run(decoding& work, std::string_view bytes) {
    if (setjmp(work.errors.escape) != 0) return false;
    jpeg_decompress_struct& library = work.library;
    jpeg_create_decompress(&library);
    library.progress = &work.progress;
    jpeg_mem_src(&library, reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size());
    jpeg_read_header(&library, TRUE);
    if (library.image_width != work.width || library.image_height != work.height) {
        leave(reinterpret_cast<j_common_ptr>(&library), errc::undecodable_image,
              "two frame headers");
    }
    const bool inks = library.jpeg_color_space == JCS_CMYK || library.jpeg_color_space == JCS_YCCK;
    library.out_color_space = inks ? JCS_CMYK : JCS_RGB;
    library.scale_num = 1;
    library.scale_denom = work.shrink;
    jpeg_start_decompress(&library);
    if (work.errors.ran_out && !is_complete(library)) {
        leave(reinterpret_cast<j_common_ptr>(&library), errc::truncated_image,
              "the JPEG data is truncated");
    }
    if (library.output_width != work.picture.width ||
        library.output_height != work.picture.height) {
        leave(reinterpret_cast<j_common_ptr>(&library), errc::internal, "unexpected size");
    }
    while (library.output_scanline < library.output_height) {
        std::uint8_t* target = work.picture.row(library.output_scanline);
        std::uint8_t* row = inks ? work.ink_row.data() : target;
        jpeg_read_scanlines(&library, &row, 1);
        if (inks) cmyk_to_rgb(row, target, work.picture.width, library.saw_Adobe_marker != 0);
    }
    return true;  // what is behind the last block is no part of the picture
}

struct encoding {
    jpeg_compress_struct library{};
    error_state errors;
    unsigned char* data = nullptr;
    unsigned long size = 0;
};

bool run(encoding& work, const image& picture, int quality) {
    if (setjmp(work.errors.escape) != 0) return false;
    jpeg_compress_struct& library = work.library;
    jpeg_create_compress(&library);
    jpeg_mem_dest(&library, &work.data, &work.size);
    library.image_width = picture.width;
    library.image_height = picture.height;
    library.input_components = 3;
    library.in_color_space = JCS_RGB;
    jpeg_set_defaults(&library);
    jpeg_set_quality(&library, quality, TRUE);
    jpeg_start_compress(&library, TRUE);
    while (library.next_scanline < library.image_height) {
        // The library reads rows only; its type has no const.
        auto* row = const_cast<std::uint8_t*>(picture.row(library.next_scanline));
        jpeg_write_scanlines(&library, &row, 1);
    }
    jpeg_finish_compress(&library);
    return true;
}

}  // namespace

result<image> codecs::decode_jpeg(std::string_view bytes, const image_header& header,
                                  std::uint32_t shrink) {
    decoding work;
    set_up(work.errors);
    work.library.err = &work.errors.manager;
    work.progress.progress_monitor = on_progress;
    work.width = header.width;
    work.height = header.height;
    work.shrink = shrink;
    work.picture =
        image((header.width + shrink - 1) / shrink, (header.height + shrink - 1) / shrink);
    work.ink_row.resize(std::size_t{work.picture.width} * 4);
    const bool whole = run(work, bytes);
    jpeg_destroy_decompress(&work.library);
    if (!whole) return fail(work.errors.code, work.errors.detail);
    return std::move(work.picture);
}

result<std::string> encode_jpeg(const image& picture, int quality) {
    VULTUS_REQUIRE(quality >= 1 && quality <= 100, "a JPEG quality is 1 to 100");
    VULTUS_REQUIRE(picture.width >= 1 && picture.height >= 1, "a picture has pixels");
    VULTUS_REQUIRE(picture.width <= limits::image_side && picture.height <= limits::image_side,
                   "a side that JPEG can hold");
    encoding work;
    set_up(work.errors);
    work.library.err = &work.errors.manager;
    const bool whole = run(work, picture, quality);
    jpeg_destroy_compress(&work.library);
    std::string file;
    if (whole) file.assign(reinterpret_cast<const char*>(work.data), work.size);
    std::free(work.data);
    if (!whole) return fail(errc::internal, "image cannot be encoded as JPEG");
    return file;
}

}  // namespace vultus
