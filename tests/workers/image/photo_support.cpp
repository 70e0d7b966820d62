// The encoders behind photo_support.hpp. They use the libraries directly, so that a fault of our
// decoder cannot hide in an encoder of our own.
#include "tests/workers/image/photo_support.hpp"

#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <stdexcept>

#include <jpeglib.h>
#include <png.h>
#include <webp/encode.h>
#include <zlib.h>

#include "shared/base/limits.hpp"

namespace vultus::testing {

image quarters(std::uint32_t width, std::uint32_t height) {
    image picture(width, height);
    for (std::uint32_t y = 0; y < height; ++y) {
        for (std::uint32_t x = 0; x < width; ++x) {
            std::uint8_t* pixel = picture.row(y) + std::size_t{x} * 3;
            const bool right = x >= width / 2, low = y >= height / 2;
            if (right == low) pixel[0] = 255;  // red and white
            if (right) pixel[1] = 255;         // green and white
            if (low) pixel[2] = 255;           // blue and white
            if (!right && low) pixel[0] = 0;
        }
    }
    return picture;
}

std::string corners(const image& picture) {
    std::string seen;
    for (const auto& [down, right] : {std::pair{1u, 1u}, {1u, 3u}, {3u, 1u}, {3u, 3u}}) {
        const std::uint8_t* pixel =
            picture.row(picture.height * down / 4) + std::size_t{picture.width * right / 4} * 3;
        int bits = 0;
        for (int i = 0; i < 3; ++i) bits = bits * 3 + (pixel[i] > 200 ? 2 : pixel[i] < 55 ? 0 : 1);
        switch (bits) {
            case 18:
                seen += 'r';
                break;
            case 6:
                seen += 'g';
                break;
            case 2:
                seen += 'b';
                break;
            case 26:
                seen += 'w';
                break;
            case 0:
                seen += 'k';
                break;
            default:
                seen += '?';
                break;
        }
    }
    return seen;
}

std::string jpeg_file(const image& picture, const jpeg_style& style) {
    jpeg_compress_struct library{};
    jpeg_error_mgr errors{};
    library.err = jpeg_std_error(&errors);
    jpeg_create_compress(&library);
    unsigned char* data = nullptr;
    unsigned long size = 0;
    jpeg_mem_dest(&library, &data, &size);
    library.image_width = picture.width;
    library.image_height = picture.height;
    using inks = jpeg_style::inks;
    const bool four = style.colour == inks::cmyk_adobe || style.colour == inks::ycck;
    const bool grey = style.colour == inks::grey;
    library.input_components = four ? 4 : grey ? 1 : 3;
    library.in_color_space = four ? JCS_CMYK : grey ? JCS_GRAYSCALE : JCS_RGB;
    jpeg_set_defaults(&library);
    jpeg_set_quality(&library, 95, TRUE);
    if (style.colour == inks::ycck) jpeg_set_colorspace(&library, JCS_YCCK);
    library.restart_in_rows = style.restart_rows;
    library.arith_code = style.arithmetic ? TRUE : FALSE;
    if (style.progressive) jpeg_simple_progression(&library);
    jpeg_start_compress(&library, TRUE);
    std::vector<std::uint8_t> row(std::size_t{picture.width} * 4);
    for (std::uint32_t y = 0; y < picture.height; ++y) {
        for (std::uint32_t x = 0; x < picture.width; ++x) {
            const std::uint8_t* from = picture.row(y) + std::size_t{x} * 3;
            std::uint8_t* to =
                row.data() + std::size_t{x} * static_cast<unsigned>(library.input_components);
            // Adobe's inks are inverted: with no black ink (255) they are the RGB values.
            for (int i = 0; i < (grey ? 1 : 3); ++i) to[i] = from[i];
            if (four) to[3] = 255;
        }
        std::uint8_t* one = row.data();
        jpeg_write_scanlines(&library, &one, 1);
    }
    jpeg_finish_compress(&library);
    jpeg_destroy_compress(&library);
    std::string file(reinterpret_cast<const char*>(data), size);
    std::free(data);
    return file;
}

image as_libjpeg_shows(const std::string& file) {
    jpeg_decompress_struct library{};
    jpeg_error_mgr errors{};
    library.err = jpeg_std_error(&errors);
    errors.output_message = [](j_common_ptr) {};
    errors.error_exit = [](j_common_ptr) { throw std::runtime_error("libjpeg refuses it"); };
    jpeg_create_decompress(&library);
    jpeg_mem_src(&library, reinterpret_cast<const unsigned char*>(file.data()), file.size());
    jpeg_read_header(&library, TRUE);
    library.out_color_space = JCS_RGB;
    jpeg_start_decompress(&library);
    image picture(library.output_width, library.output_height);
    while (library.output_scanline < library.output_height) {
        std::uint8_t* row = picture.row(library.output_scanline);
        jpeg_read_scanlines(&library, &row, 1);
    }
    jpeg_destroy_decompress(&library);
    return picture;
}

std::string png_file(const image& picture, const png_style& style) {
    std::string file;
    png_structp library = png_create_write_struct(PNG_LIBPNG_VER_STRING, nullptr, nullptr, nullptr);
    png_infop info = png_create_info_struct(library);
    png_set_write_fn(
        library, &file,
        [](png_structp self, png_bytep bytes, png_size_t size) {
            static_cast<std::string*>(png_get_io_ptr(self))
                ->append(reinterpret_cast<const char*>(bytes), size);
        },
        nullptr);
    const int colours[] = {0, PNG_COLOR_TYPE_GRAY, PNG_COLOR_TYPE_GRAY_ALPHA, PNG_COLOR_TYPE_RGB,
                           PNG_COLOR_TYPE_RGB_ALPHA};
    png_set_IHDR(library, info, picture.width, picture.height, style.depth,
                 style.palette ? PNG_COLOR_TYPE_PALETTE : colours[style.channels],
                 style.interlaced ? PNG_INTERLACE_ADAM7 : PNG_INTERLACE_NONE, 0, 0);
    const png_color colour_table[] = {{255, 0, 0}, {0, 255, 0}, {0, 0, 255}, {255, 255, 255}};
    if (style.palette) png_set_PLTE(library, info, colour_table, 4);
    if (style.palette && style.alpha != 255) {
        const png_byte alphas[] = {style.alpha, style.alpha, style.alpha, style.alpha};
        png_set_tRNS(library, info, alphas, 4, nullptr);
    }
    png_write_info(library, info);
    const int passes = png_set_interlace_handling(library);
    for (int pass = 0; pass < passes; ++pass) {
        for (std::uint32_t y = 0; y < picture.height; ++y) {
            std::vector<std::uint8_t> row;
            for (std::uint32_t x = 0; x < picture.width; ++x) {
                const std::uint8_t* pixel = picture.row(y) + std::size_t{x} * 3;
                if (style.palette) {
                    const bool white = pixel[0] != 0 && pixel[1] != 0;
                    row.push_back(white ? 3 : pixel[0] != 0 ? 0 : pixel[1] != 0 ? 1 : 2);
                    continue;
                }
                for (int i = 0; i < style.channels; ++i) {
                    const bool is_alpha = style.channels % 2 == 0 && i == style.channels - 1;
                    const std::uint8_t value = is_alpha ? style.alpha : pixel[i];
                    row.insert(row.end(), static_cast<std::size_t>(style.depth / 8), value);
                }
            }
            png_write_row(library, row.data());
        }
    }
    png_write_end(library, info);
    png_destroy_write_struct(&library, &info);
    return file;
}

std::string big32(std::uint32_t value) {
    std::string bytes;
    for (int shift = 24; shift >= 0; shift -= 8) bytes += static_cast<char>(value >> shift & 255u);
    return bytes;
}

std::string little(std::uint32_t value, int bytes) {
    std::string text;
    for (int i = 0; i < bytes; ++i) text += static_cast<char>(value >> (8 * i) & 255u);
    return text;
}

std::string png_chunk(std::string_view name, std::string_view payload) {
    std::string body = std::string(name) + std::string(payload);
    const auto sum =
        crc32(0, reinterpret_cast<const Bytef*>(body.data()), static_cast<uInt>(body.size()));
    return big32(static_cast<std::uint32_t>(payload.size())) + body +
           big32(static_cast<std::uint32_t>(sum));
}

std::string deflated_zeros(std::size_t count) {
    z_stream packer{};
    deflateInit(&packer, Z_BEST_SPEED);
    std::string zeros(limits::mib, '\0'), packed, block(limits::mib, '\0');
    for (std::size_t done = 0; done <= count; done += zeros.size()) {
        const bool last = done == count;
        packer.next_in = reinterpret_cast<Bytef*>(zeros.data());
        packer.avail_in = last ? 0 : static_cast<uInt>(zeros.size());
        packer.next_out = reinterpret_cast<Bytef*>(block.data());
        packer.avail_out = static_cast<uInt>(block.size());
        deflate(&packer, last ? Z_FINISH : Z_NO_FLUSH);
        packed.append(block.data(), block.size() - packer.avail_out);
    }
    deflateEnd(&packer);
    return packed;
}

std::string deflated(std::string_view text) {
    std::string packed(compressBound(static_cast<uLong>(text.size())), '\0');
    uLongf size = static_cast<uLongf>(packed.size());
    compress(reinterpret_cast<Bytef*>(packed.data()), &size,
             reinterpret_cast<const Bytef*>(text.data()), static_cast<uLong>(text.size()));
    packed.resize(size);
    return packed;
}

std::string with_png_chunk(const std::string& file, const std::string& chunk) {
    constexpr std::size_t after_header = 8 + 25;
    return file.substr(0, after_header) + chunk + file.substr(after_header);
}

std::string webp_file(const image& picture, const webp_style& style) {
    const int width = static_cast<int>(picture.width), height = static_cast<int>(picture.height);
    std::uint8_t* data = nullptr;
    std::size_t size = 0;
    if (style.alpha) {
        std::vector<std::uint8_t> rgba;
        for (std::size_t i = 0; i < picture.rgb.size(); i += 3) {
            rgba.insert(rgba.end(), {picture.rgb[i], picture.rgb[i + 1], picture.rgb[i + 2], 0});
        }
        // Half the alpha, so that neither library takes it for opaque or empty.
        for (std::size_t i = 3; i < rgba.size(); i += 4) rgba[i] = i % 8 == 3 ? 0 : 1;
        size = style.lossless ? WebPEncodeLosslessRGBA(rgba.data(), width, height, width * 4, &data)
                              : WebPEncodeRGBA(rgba.data(), width, height, width * 4, 90, &data);
    } else {
        size = style.lossless
                   ? WebPEncodeLosslessRGB(picture.rgb.data(), width, height, width * 3, &data)
                   : WebPEncodeRGB(picture.rgb.data(), width, height, width * 3, 95, &data);
    }
    std::string file(reinterpret_cast<const char*>(data), size);
    WebPFree(data);
    return file;
}

std::string riff_chunk(std::string_view name, std::string_view payload) {
    std::string chunk = std::string(name) + little(static_cast<std::uint32_t>(payload.size()), 4);
    chunk += payload;
    if (payload.size() % 2 != 0) chunk += '\0';
    return chunk;
}

std::string webp_extended(std::uint32_t width, std::uint32_t height, std::uint8_t flags,
                          std::string_view chunks) {
    std::string body = "WEBP" + riff_chunk("VP8X", little(flags, 4) + little(width - 1, 3) +
                                                       little(height - 1, 3));
    body += chunks;
    return "RIFF" + little(static_cast<std::uint32_t>(body.size()), 4) + body;
}

std::string webp_picture_chunk(const std::string& file) {
    return file.substr(12);
}

std::string webp_frame(std::uint32_t left, std::uint32_t top, std::uint32_t width,
                       std::uint32_t height, std::string_view picture_chunk) {
    return riff_chunk("ANMF", little(left / 2, 3) + little(top / 2, 3) + little(width - 1, 3) +
                                  little(height - 1, 3) + little(100, 3) + little(0, 1) +
                                  std::string(picture_chunk));
}

std::string exif_block(int orientation, bool is_little) {
    const auto number = [&](std::uint32_t value, int bytes) {
        const std::string text = little(value, bytes);
        return is_little ? text : std::string(text.rbegin(), text.rend());
    };
    const auto value = number(static_cast<std::uint32_t>(orientation), 2) + std::string(2, '\0');
    return std::string(is_little ? "II" : "MM") + number(42, 2) + number(8, 4) + number(2, 2) +
           number(0x010F, 2) + number(2, 2) + number(4, 4) + std::string("abc\0", 4) +
           number(0x0112, 2) + number(3, 2) + number(1, 4) + value + number(0, 4);
}

std::string with_orientation(const std::string& file, int orientation, bool is_little) {
    const std::string block = exif_block(orientation, is_little);
    if (file[0] == '\xFF') {
        const std::string payload = std::string("Exif\0\0", 6) + block;
        const std::string length = big32(static_cast<std::uint32_t>(payload.size() + 2)).substr(2);
        return file.substr(0, 2) + "\xFF\xE1" + length + payload + file.substr(2);
    }
    if (file[0] == 'R') {
        const auto header = inspect_image(file);
        return webp_extended(header->width, header->height, 8,
                             webp_picture_chunk(file) + riff_chunk("EXIF", block));
    }
    return with_png_chunk(file, png_chunk("eXIf", block));
}

std::string file_at(const std::string& path) {
    std::ifstream stream(path, std::ios::binary);
    if (!stream) throw std::runtime_error(path + " is missing: run config/fetch.py");
    return {std::istreambuf_iterator<char>(stream), {}};
}

std::string sample(const std::string& name) {
    const char* folder = std::getenv("VULTUS_PHOTOS");
    return file_at((folder != nullptr ? folder : VULTUS_SOURCE_DIR "/build/photos") + ("/" + name));
}

std::string models_folder() {
    const char* folder = std::getenv("VULTUS_MODELS");
    return folder != nullptr ? folder : VULTUS_SOURCE_DIR "/build/models";
}

}  // namespace vultus::testing
