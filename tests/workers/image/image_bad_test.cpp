// Files that are broken, truncated, too large or malicious: each gets its error without using
// memory.
#include <gtest/gtest.h>
#include <sys/resource.h>

#include "shared/base/limits.hpp"
#include "tests/workers/image/photo_support.hpp"
#include "workers/image/image.hpp"

namespace vultus {
namespace {

using namespace testing;
using namespace std::string_view_literals;

/// The code of the failure, "fine" if there is none.
template <class T>
std::string verdict(const result<T>& outcome) {
    return outcome ? "fine" : std::string(name_of(outcome.error().code));
}
std::string inspected(const std::string& file) {
    return verdict(inspect_image(file));
}
std::string decoded(const std::string& file) {
    return verdict(decode_image(file));
}

std::vector<std::string> one_of_each(std::uint32_t width = 40, std::uint32_t height = 24) {
    const image picture = quarters(width, height);
    using inks = jpeg_style::inks;
    return {jpeg_file(picture),
            jpeg_file(picture, {inks::rgb, true, 0}),
            jpeg_file(picture, {inks::rgb, false, 0, true}),
            jpeg_file(picture, {inks::rgb, true, 0, true}),
            png_file(picture),
            webp_file(picture, {true, false}),
            webp_file(picture, {false, false})};
}

long memory_peak_kib() {
    rusage used{};
    getrusage(RUSAGE_SELF, &used);
    return used.ru_maxrss;
}

std::string png_header(std::uint32_t width, std::uint32_t height) {
    std::string file = png_file(quarters(8, 8));
    const std::string header = png_chunk("IHDR", big32(width) + big32(height) + file.substr(24, 5));
    return file.substr(0, 8) + header + file.substr(33);
}

std::string jpeg_header(std::uint32_t width, std::uint32_t height) {
    std::string file = jpeg_file(quarters(8, 8));
    const std::size_t frame = file.find("\xFF\xC0");
    file.replace(frame + 5, 4, big32(height).substr(2) + big32(width).substr(2));
    return file;
}

std::string webp_header(std::uint32_t width, std::uint32_t height) {
    return webp_extended(width, height, 2,
                         riff_chunk("ANIM", std::string(6, '\0')) +
                             webp_frame(0, 0, 8, 8, webp_picture_chunk(webp_file(quarters(8, 8)))));
}

TEST(image_bad, not_a_picture) {
    for (const std::string& file : {std::string(), std::string("GIF89a"), std::string("hello.jpg"),
                                    std::string("\xFF"), std::string("RIFF\0\0\0\0AVI ", 12)}) {
        EXPECT_EQ(inspected(file), "unsupported_media") << file;
        EXPECT_EQ(decoded(file), "unsupported_media") << file;
    }
    EXPECT_EQ(inspected("\xFF\xD8"), "truncated_image");
}

TEST(image_bad, what_is_not_read_is_named) {
    const auto said = [](std::string_view start) {
        std::string file(start);
        file.resize(200);
        const auto header = inspect_image(file);
        return header ? "fine"
                      : std::string(name_of(header.error().code)) + " " + header.error().detail;
    };
    const std::pair<std::string_view, const char*> known[] = {
        {"GIF89a", "GIF"},
        {"BM\x46\0\0\0\0\0\0\0"sv, "BMP"},
        {"II*\0"sv, "TIFF"},
        {"MM\0*"sv, "TIFF"},
        {"\xFF\x0A", "JPEG XL"},
        {"\0\0\0\x0CjP  \r\n\x87\n"sv, "JPEG 2000"},
        {"8BPS", "Photoshop"},
        {"FUJIFILMCCD-RAW ", "raw"},
        {"\0\0\0\x18"
         "ftypcrx "sv,
         "raw"},
        {"\0\0\0\x18"
         "ftypisom"sv,
         "MP4"},
        {"\0\0\0\x14"
         "ftypqt  "sv,
         "QuickTime"},
        {"%PDF-1.7", "PDF"},
        {"<?xml version=\"1.0\"?>\n<svg>", "SVG"},
        {"<svg xmlns=", "SVG"},
        {"<!DOCTYPE html>", "HTML"},
        {"PK\3\4", "ZIP"},
        {"\x89PNG\r\n\x1A\n\0\0\0\4CgBI"sv, "iPhone"},
    };
    for (const auto& [start, name] : known) {
        EXPECT_EQ(said(start).substr(0, 18), "unsupported_media ") << said(start);
        EXPECT_NE(said(start).find(name), std::string::npos) << said(start);
    }
    EXPECT_NE(inspect_image("").error().detail.find("empty"), std::string::npos);
}

TEST(image_bad, kinds_of_jpeg_that_are_not_read_are_named) {
    const std::string jpeg = jpeg_file(quarters(40, 24));
    const std::size_t frame = jpeg.find("\xFF\xC0");
    const auto said = [&](char marker, char bits) {
        std::string file = jpeg;
        file[frame + 1] = marker;
        file[frame + 4] = bits;
        const auto decoded = decode_image(file);
        return decoded ? "fine"
                       : std::string(name_of(decoded.error().code)) + " " + decoded.error().detail;
    };
    EXPECT_EQ(said('\xC1', 8), "fine");
    EXPECT_NE(said('\xC1', 12).find("unsupported_media a JPEG with 12 bits"), std::string::npos);
    EXPECT_NE(said('\xC3', 8).find("unsupported_media a lossless JPEG"), std::string::npos);
    EXPECT_NE(said('\xF7', 8).find("unsupported_media a JPEG-LS"), std::string::npos);
    EXPECT_NE(said('\xC5', 8).find("unsupported_media a hierarchical"), std::string::npos);
}

TEST(image_bad, cut_anywhere_is_never_a_picture) {
    for (const std::string& file : one_of_each()) {
        ASSERT_EQ(decoded(file), "fine");
        for (std::size_t size = 12; size < file.size(); ++size) {
            const std::string cut = file.substr(0, size);
            if (inspected(cut) != "fine") {
                EXPECT_EQ(inspected(cut), "truncated_image") << size << " of " << file.size();
            }
            const auto part = decode_image(cut);
            if (part) {  // all of it was there but the end mark
                EXPECT_EQ(part->picture.rgb, decode_image(file)->picture.rgb) << size;
                EXPECT_LE(file.size() - size, 12u);
            } else {
                EXPECT_EQ(verdict(part), "truncated_image") << size << " of " << file.size();
            }
        }
    }
}

TEST(image_bad, cut_data_with_an_end_put_behind_it) {
    const image picture = quarters(200, 200);
    const std::string jpeg = jpeg_file(picture);
    EXPECT_EQ(decoded(jpeg.substr(0, jpeg.size() / 2 + 300) + "\xFF\xD9"), "truncated_image");
    std::string webp = webp_file(picture, {false, false});
    webp.resize(webp.size() / 2 & ~std::size_t{1});
    webp.replace(4, 4, little(static_cast<std::uint32_t>(webp.size() - 8), 4));
    webp.replace(16, 4, little(static_cast<std::uint32_t>(webp.size() - 20), 4));
    EXPECT_NE(decoded(webp), "fine");
    const std::string png = png_file(picture);
    const std::size_t data = png.find("IDAT");
    const std::string half = png.substr(data + 4, 60);
    EXPECT_EQ(decoded(png.substr(0, data - 4) + png_chunk("IDAT", half) + png_chunk("IEND", "")),
              "undecodable_image");
}

TEST(image_bad, bytes_after_the_end_do_not_matter) {
    for (const std::string& file : one_of_each()) EXPECT_EQ(decoded(file + "a video"), "fine");
}

TEST(image_bad, broken_data) {
    const image picture = quarters(200, 200);
    std::string jpeg = jpeg_file(picture);
    const std::size_t scan = jpeg.find("\xFF\xDA") + 14;
    for (std::size_t i = scan; i + 2 < jpeg.size(); i += 3) jpeg[i] = '\x55';
    EXPECT_NE(decoded(jpeg), "fine");
    std::string png = png_file(picture);
    png[png.find("IDAT") + 20] ^= 0x10;
    EXPECT_EQ(decoded(png), "undecodable_image");
    std::string lossless = webp_file(picture, {true, false});
    for (std::size_t i = 26; i < lossless.size(); ++i) lossless[i] = '\xFF';
    EXPECT_NE(decoded(lossless), "fine");
}

TEST(image_bad, pixels_at_the_limit_and_one_more) {
    // 40,000,000 = 8,000 x 5,000; one more row or column is refused by the header alone.
    EXPECT_EQ(inspected(png_header(8'000, 5'000)), "fine");
    EXPECT_EQ(inspected(jpeg_header(8'000, 5'000)), "fine");
    EXPECT_EQ(inspected(webp_header(8'000, 5'000)), "fine");
    for (const auto& [width, height] :
         {std::pair{8'001u, 5'000u}, {8'000u, 5'001u}, {30'000u, 30'000u}}) {
        EXPECT_EQ(decoded(png_header(width, height)), "too_large");
        EXPECT_EQ(decoded(jpeg_header(width, height)), "too_large");
        EXPECT_EQ(decoded(webp_header(width, height)), "too_large");
    }
    EXPECT_EQ(inspected(png_header(limits::image_side, 1)), "fine");
    EXPECT_EQ(inspected(png_header(limits::image_side + 1, 1)), "too_large");
    EXPECT_EQ(inspected(png_header(60'000, 60'000)), "too_large");
    EXPECT_EQ(inspected(png_header(0, 5)), "undecodable_image");
    EXPECT_EQ(inspected(jpeg_header(5, 0)), "undecodable_image");
}

TEST(image_bad, a_refused_bomb_takes_no_memory) {
    const long before = memory_peak_kib();
    EXPECT_EQ(decoded(png_header(30'000, 30'000)), "too_large");
    EXPECT_EQ(decoded(jpeg_header(30'000, 30'000)), "too_large");
    EXPECT_EQ(decoded(webp_header(16'000, 16'000)), "too_large");
    EXPECT_LT(memory_peak_kib() - before, 50 * 1024);
}

TEST(image_bad, a_second_frame_header) {
    const std::string jpeg = jpeg_file(quarters(40, 24));
    const std::size_t frame = jpeg.find("\xFF\xC0");
    std::string second = jpeg.substr(frame, 19);
    second.replace(5, 4, big32(3'000 << 16 | 3'000));
    EXPECT_EQ(inspected(jpeg.substr(0, frame) + second + jpeg.substr(frame)), "undecodable_image");
    // Behind the only scan nobody reads; a progressive picture is read to its end.
    EXPECT_EQ(decoded(jpeg.substr(0, jpeg.size() - 2) + second + jpeg.substr(jpeg.size() - 2)),
              "fine");
    const std::string many = jpeg_file(quarters(40, 24), {jpeg_style::inks::rgb, true, 0});
    EXPECT_EQ(decoded(many.substr(0, many.size() - 2) + second + many.substr(many.size() - 2)),
              "undecodable_image");
}

TEST(image_bad, scans_at_the_limit_and_one_more) {
    const std::string jpeg = jpeg_file(quarters(8, 8), {jpeg_style::inks::grey, true, 0});
    const std::size_t scan = jpeg.find("\xFF\xDA"), last = jpeg.rfind("\xFF\xDA");
    const std::string body = jpeg.substr(last, jpeg.size() - 2 - last);
    int scans = 0;
    for (std::size_t at = scan; at != jpeg.npos; at = jpeg.find("\xFF\xDA", at + 2)) ++scans;
    const auto with_scans = [&](int count) {
        std::string file = jpeg.substr(0, jpeg.size() - 2);
        for (int i = scans; i < count; ++i) file += body;
        return file + "\xFF\xD9";
    };
    EXPECT_EQ(inspected(with_scans(limits::jpeg_scans)), "fine");
    EXPECT_EQ(inspected(with_scans(limits::jpeg_scans + 1)), "too_large");
    EXPECT_EQ(decoded(with_scans(5'000)), "too_large");
}

TEST(image_bad, a_canvas_that_is_not_its_picture) {
    const std::string chunk = webp_picture_chunk(webp_file(quarters(40, 24)));
    EXPECT_EQ(decoded(webp_extended(40, 24, 0, chunk)), "fine");
    EXPECT_EQ(inspected(webp_extended(41, 24, 0, chunk)), "undecodable_image");
    EXPECT_EQ(inspected(webp_extended(4'000, 4'000, 0, chunk)), "undecodable_image");
    // A frame that says one size and holds another; a frame outside the canvas.
    const std::string anim = riff_chunk("ANIM", std::string(6, '\0'));
    EXPECT_EQ(decoded(webp_extended(80, 80, 2, anim + webp_frame(0, 0, 50, 24, chunk))),
              "undecodable_image");
    EXPECT_EQ(inspected(webp_extended(40, 24, 2, anim + webp_frame(2, 0, 40, 24, chunk))),
              "undecodable_image");
    EXPECT_EQ(inspected(webp_extended(40, 24, 2, anim)), "undecodable_image");
}

TEST(image_bad, profiles_and_texts_that_unpack_to_a_gigabyte) {
    const std::string png = png_file(quarters(40, 24));
    // Declared: the chunk's length says 1 GB, the file does not have it.
    std::string declared = png_chunk("iCCP", "x");
    declared.replace(0, 4, big32(1u << 30));
    EXPECT_EQ(decoded(with_png_chunk(png, declared)), "truncated_image");
    // Real: 128 MB of zeros, deflated to 128 KB. The pixels come out all the same.
    const std::string bomb = std::string("name\0\0", 6) + deflated_zeros(std::size_t{128} << 20);
    const long before = memory_peak_kib();
    for (const char* name : {"zTXt", "iCCP", "tEXt", "eXIf", "vulT"}) {
        EXPECT_EQ(decoded(with_png_chunk(png, png_chunk(name, bomb))), "fine") << name;
    }
    const std::string profile =
        std::string("Raw profile type exif\0\0", 23) + deflated_zeros(std::size_t{128} << 20);
    EXPECT_EQ(decoded(with_png_chunk(png, png_chunk("zTXt", profile))), "fine");
    EXPECT_LT(memory_peak_kib() - before, 50 * 1024);
}

TEST(image_bad, riff_that_lies) {
    std::string file = webp_file(quarters(40, 24));
    std::string longer = file;
    longer.replace(4, 4, little(0xFFFFFFF0, 4));
    EXPECT_EQ(inspected(longer), "truncated_image");
    std::string inner = file;
    inner.replace(16, 4, little(0x7FFFFFFF, 4));
    EXPECT_EQ(inspected(inner), "undecodable_image");
    std::string tiny = file;
    tiny.replace(4, 4, little(4, 4));
    EXPECT_EQ(inspected(tiny), "undecodable_image");
}

TEST(image_bad, no_byte_changed_does_harm) {
    for (const std::string& file : one_of_each()) {
        for (std::size_t at = 0; at < file.size() && at < 400; ++at) {
            for (const char value : {'\x00', '\xFF', '\x7F'}) {
                std::string changed = file;
                changed[at] = value;
                const auto outcome = decode_image(changed);
                if (outcome) {
                    EXPECT_EQ(outcome->picture.rgb.size(),
                              std::size_t{outcome->picture.width} * outcome->picture.height * 3);
                }
            }
        }
    }
}

}  // namespace
}  // namespace vultus
