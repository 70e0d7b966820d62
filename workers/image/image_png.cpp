// PNG by libpng; the only file that knows it. As with JPEG, the library leaves by longjmp, so its
// run is one function that owns nothing. Chunks that do not change the pixels are not even read: a
// text or colour profile that unpacks to a gigabyte costs nothing.
#include <png.h>

#include <csetjmp>
#include <cstdlib>
#include <cstring>

#include "shared/base/limits.hpp"
#include "workers/image/image_codecs.hpp"

namespace vultus {
namespace {

struct decoding {
    std::string_view rest;  // not yet read
    errc code = errc::undecodable_image;
    const char* detail = "the PNG data is corrupt";
    double deadline = 0;
    png_structp library = nullptr;
    png_infop info = nullptr;
    std::uint32_t width = 0, height = 0;
    bool alpha = false;
    std::vector<std::uint8_t> pixels;  // RGB or RGBA
};

[[noreturn]] void leave(png_structp library, decoding& work, errc code, const char* detail) {
    work.code = code;
    work.detail = detail;
    png_longjmp(library, 1);
}

[[noreturn]] void on_error(png_structp library, png_const_charp) {
    png_longjmp(library, 1);
}

void on_warning(png_structp, png_const_charp) {}

/// libpng says only that the picture could not be read; who had no memory is told apart here.
png_voidp on_malloc(png_structp library, png_alloc_size_t size) {
    void* const memory = std::malloc(size);
    if (memory == nullptr) {
        auto& work = *static_cast<decoding*>(png_get_mem_ptr(library));
        work.code = errc::out_of_memory;
        work.detail = "not enough memory to decode the PNG";
    }
    return memory;
}

void on_free(png_structp, png_voidp memory) {
    std::free(memory);
}

void on_read(png_structp library, png_bytep target, png_size_t size) {
    auto& work = *static_cast<decoding*>(png_get_io_ptr(library));
    if (size > work.rest.size()) {
        leave(library, work, errc::truncated_image, "the PNG data is truncated");
    }
    std::memcpy(target, work.rest.data(), size);
    work.rest.remove_prefix(size);
}

/// Asks for RGB or RGBA of 8 bit, whatever is stored.
void set_up(decoding& work) {
    png_set_user_limits(work.library, limits::image_side, limits::image_side);
    png_set_chunk_malloc_max(work.library, limits::mib);
    png_set_chunk_cache_max(work.library, 16);
    // All known chunks but IHDR, PLTE, tRNS, IDAT, IEND are skipped; unknown ones too.
    static const png_byte skipped[] = {
        'b', 'K', 'G', 'D', 0,   'c', 'H', 'R', 'M', 0,   'e', 'X', 'I', 'f', 0,   'g', 'A',
        'M', 'A', 0,   'h', 'I', 'S', 'T', 0,   'i', 'C', 'C', 'P', 0,   'i', 'T', 'X', 't',
        0,   'o', 'F', 'F', 's', 0,   'p', 'C', 'A', 'L', 0,   'p', 'H', 'Y', 's', 0,   's',
        'B', 'I', 'T', 0,   's', 'C', 'A', 'L', 0,   's', 'P', 'L', 'T', 0,   's', 'R', 'G',
        'B', 0,   't', 'E', 'X', 't', 0,   't', 'I', 'M', 'E', 0,   'z', 'T', 'X', 't', 0};
    png_set_keep_unknown_chunks(work.library, PNG_HANDLE_CHUNK_NEVER, skipped,
                                static_cast<int>(sizeof skipped / 5));
    png_set_keep_unknown_chunks(work.library, PNG_HANDLE_CHUNK_NEVER, nullptr, 0);
}

bool read_header(decoding& work) {
    if (setjmp(png_jmpbuf(work.library)) != 0) return false;
    set_up(work);
    png_set_read_fn(work.library, &work, on_read);
    png_read_info(work.library, work.info);
    if (png_get_image_width(work.library, work.info) != work.width ||
        png_get_image_height(work.library, work.info) != work.height) {
        leave(work.library, work, errc::undecodable_image, "two sizes in one PNG");
    }
    const int colour = png_get_color_type(work.library, work.info);
    work.alpha = (colour & PNG_COLOR_MASK_ALPHA) != 0 ||
                 png_get_valid(work.library, work.info, PNG_INFO_tRNS) != 0;
    png_set_expand(work.library);
    png_set_scale_16(work.library);
    if ((colour & PNG_COLOR_MASK_COLOR) == 0) png_set_gray_to_rgb(work.library);
    return true;
}

bool read_pixels(decoding& work) {
    if (setjmp(png_jmpbuf(work.library)) != 0) return false;
    const int passes = png_set_interlace_handling(work.library);
    png_read_update_info(work.library, work.info);
    const std::size_t row_bytes = std::size_t{work.width} * (work.alpha ? 4 : 3);
    if (png_get_rowbytes(work.library, work.info) != row_bytes) {
        leave(work.library, work, errc::undecodable_image, "an unexpected PNG layout");
    }
    for (int pass = 0; pass < passes; ++pass) {
        for (std::uint32_t y = 0; y < work.height; ++y) {
            png_read_row(work.library, work.pixels.data() + y * row_bytes, nullptr);
            if (codecs::thread_seconds() > work.deadline) {
                leave(work.library, work, errc::too_large, "decoding took too long");
            }
        }
    }
    return true;  // what is behind the pixels and their checksum is not looked at
}

}  // namespace

result<image> codecs::decode_png(std::string_view bytes, const image_header& header) {
    decoding work;
    work.rest = bytes;
    work.width = header.width;
    work.height = header.height;
    work.deadline = thread_seconds() + decode_seconds_max;
    work.library = png_create_read_struct_2(PNG_LIBPNG_VER_STRING, nullptr, on_error, on_warning,
                                            &work, on_malloc, on_free);
    if (work.library == nullptr) return fail(errc::out_of_memory, "libpng failed to initialize");
    work.info = png_create_info_struct(work.library);
    bool whole = work.info != nullptr && read_header(work);
    if (whole) {
        work.pixels.resize(std::size_t{work.width} * work.height * (work.alpha ? 4 : 3));
        whole = read_pixels(work);
    }
    png_destroy_read_struct(&work.library, &work.info, nullptr);
    if (!whole) return fail(work.code, work.detail);
    const std::size_t count = std::size_t{work.width} * work.height;
    if (work.alpha) {
        for (std::size_t i = 0; i < count; ++i) {  // in place: three bytes never pass four
            over_white(&work.pixels[i * 4], &work.pixels[i * 3]);
        }
        work.pixels.resize(count * 3);
    }
    image picture;
    picture.width = work.width;
    picture.height = work.height;
    picture.rgb = std::move(work.pixels);
    return picture;
}

}  // namespace vultus
