// Every colour type and every orientation, through the real decoders.
#include <gtest/gtest.h>

#include <cstdio>
#include <map>

#include "tests/workers/image/photo_support.hpp"
#include "workers/image/image.hpp"

namespace vultus {
namespace {

using namespace testing;

std::string seen(const std::string& file) {
    const auto decoded = decode_image(file);
    if (!decoded) return std::string(name_of(decoded.error().code)) + ": " + decoded.error().detail;
    return corners(decoded->picture);
}

TEST(image_decode, colour_types) {
    const image picture = quarters(40, 24);
    using inks = jpeg_style::inks;
    const std::map<std::string, std::string> files{
        {"jpeg", jpeg_file(picture)},
        {"jpeg progressive", jpeg_file(picture, {inks::rgb, true, 0})},
        {"jpeg with restarts", jpeg_file(picture, {inks::rgb, false, 1})},
        {"jpeg cmyk", jpeg_file(picture, {inks::cmyk_adobe, false, 0})},
        {"jpeg ycck", jpeg_file(picture, {inks::ycck, false, 0})},
        {"png", png_file(picture)},
        {"png 16", png_file(picture, {3, 16, false, false, 255})},
        {"png palette", png_file(picture, {3, 8, true, false, 255})},
        {"png interlaced", png_file(picture, {3, 8, false, true, 255})},
        {"png rgba", png_file(picture, {4, 8, false, false, 255})},
        {"png rgba 16 interlaced", png_file(picture, {4, 16, false, true, 255})},
        {"webp lossless", webp_file(picture, {true, false})},
        {"webp lossy", webp_file(picture, {false, false})},
    };
    for (const auto& [name, file] : files) EXPECT_EQ(seen(file), "rgbw") << name;
}

TEST(image_decode, grey_becomes_three_equal_channels) {
    const image picture = quarters(40, 24);  // red and white have red, green and blue have none
    EXPECT_EQ(seen(jpeg_file(picture, {jpeg_style::inks::grey, false, 0})), "wkkw");
    EXPECT_EQ(seen(png_file(picture, {1, 8, false, false, 255})), "wkkw");
    EXPECT_EQ(seen(png_file(picture, {1, 16, false, false, 255})), "wkkw");
    EXPECT_EQ(seen(png_file(picture, {2, 8, false, false, 255})), "wkkw");
}

TEST(image_decode, what_is_transparent_is_white) {
    const image picture = quarters(40, 24);
    EXPECT_EQ(seen(png_file(picture, {4, 8, false, false, 0})), "wwww");
    EXPECT_EQ(seen(png_file(picture, {2, 8, false, false, 0})), "wwww");
    EXPECT_EQ(seen(png_file(picture, {3, 8, true, false, 0})), "wwww");
    EXPECT_EQ(seen(webp_file(picture, {true, true})), "wwww");
    EXPECT_EQ(seen(webp_file(picture, {false, true})), "wwww");
    // Half transparent red over white is pink.
    const auto pink = decode_image(png_file(picture, {4, 8, false, false, 128}));
    ASSERT_TRUE(pink);
    EXPECT_EQ(pink->picture.rgb[0], 255);
    EXPECT_EQ(pink->picture.rgb[1], 127);
}

// What each orientation does to "rgbw", worked out by hand from the Exif table: 1 is top-left,
// 2 top-right, 3 bottom-right, 4 bottom-left, 5 left-top, 6 right-top, 7 right-bottom, 8
// left-bottom.
const std::map<int, std::string> turns{{1, "rgbw"}, {2, "grwb"}, {3, "wbgr"}, {4, "bwrg"},
                                       {5, "rbgw"}, {6, "brwg"}, {7, "wgbr"}, {8, "gwrb"}};

TEST(image_decode, orientation_in_three_formats) {
    const image picture = quarters(40, 24);
    for (const std::string& file : {jpeg_file(picture), png_file(picture), webp_file(picture)}) {
        for (const auto& [orientation, expected] : turns) {
            for (const bool little_endian : {true, false}) {
                const auto decoded =
                    decode_image(with_orientation(file, orientation, little_endian));
                ASSERT_TRUE(decoded) << orientation << decoded.error().detail;
                EXPECT_EQ(corners(decoded->picture), expected)
                    << name_of(decoded->format) << " " << orientation;
                EXPECT_EQ(decoded->picture.width, orientation < 5 ? 40u : 24u);
                EXPECT_EQ(decoded->picture.height, orientation < 5 ? 24u : 40u);
            }
        }
    }
}

/// exif_block() with another type: BYTE 1, SHORT 3, LONG 4, SBYTE 6, SSHORT 8, SLONG 9.
std::string exif_of_type(int type, int orientation, bool little_endian) {
    const auto value = static_cast<std::uint32_t>(orientation);
    const auto word = [&](std::uint32_t number, int bytes) {
        std::string text = testing::little(number, bytes);
        return little_endian ? text : std::string(text.rbegin(), text.rend());
    };
    const int bytes = type == 1 || type == 6 ? 1 : type == 3 || type == 8 ? 2 : 4;
    std::string block = (little_endian ? "II" : "MM") + word(42, 2) + word(8, 4) + word(1, 2) +
                        word(0x112, 2) + word(static_cast<std::uint32_t>(type), 2) + word(1, 4) +
                        word(value, bytes);
    block.resize(8 + 2 + 12);
    return block + word(0, 4);
}

TEST(image_decode, an_orientation_of_any_whole_number_s_type) {
    for (const int type : {1, 3, 4, 6, 8, 9}) {
        for (const bool little_endian : {true, false}) {
            for (int orientation = 1; orientation <= 8; ++orientation) {
                EXPECT_EQ(exif_orientation(exif_of_type(type, orientation, little_endian)),
                          orientation)
                    << type;
            }
        }
    }
    EXPECT_EQ(exif_orientation(exif_of_type(4, 0x10006, true)), 1) << "no such orientation";
    EXPECT_EQ(exif_orientation(exif_of_type(2, 6, true)), 1) << "text";
    EXPECT_EQ(exif_orientation(exif_of_type(7, 6, true)), 1) << "undefined";
    EXPECT_EQ(exif_orientation(exif_of_type(11, 6, true)), 1) << "a fraction";
}

std::string hexadecimal(std::string_view bytes) {
    std::string text;
    for (std::size_t i = 0; i < bytes.size(); ++i) {
        char two[3];
        const auto byte = static_cast<unsigned char>(bytes[i]);
        std::snprintf(two, sizeof two, "%02x", unsigned{byte});
        text += two;
        if (i % 36 == 35) text += '\n';
    }
    return text;
}

// As ImageMagick and exiftool wrote it before PNG had eXIf. Behind the pixels, too.
TEST(image_decode, orientation_in_a_png_s_raw_profile) {
    const std::string png = png_file(quarters(40, 24));
    const std::string block = std::string("Exif\0\0", 6) + exif_block(6, false);
    const std::string text =
        "\nexif\n" + std::to_string(block.size()) + "\n" + hexadecimal(block) + "\n";
    const std::string key("Raw profile type exif\0", 22), old("Raw profile type APP1\0", 22);
    const std::string packed = deflated(text);
    const std::string chunks[] = {
        png_chunk("tEXt", key + text),
        png_chunk("tEXt", old + text),
        png_chunk("zTXt", key + std::string(1, '\0') + packed),
        png_chunk("iTXt", key + std::string(4, '\0') + text),
        png_chunk("iTXt", key + std::string("\1\0\0\0", 4) + packed),
    };
    for (const std::string& chunk : chunks) {
        EXPECT_EQ(seen(with_png_chunk(png, chunk)), "brwg") << chunk.substr(4, 40);
        EXPECT_EQ(seen(png.substr(0, png.size() - 12) + chunk + png.substr(png.size() - 12)),
                  "brwg");
        for (std::size_t size = 30; size + 4 < chunk.size(); ++size) {
            EXPECT_TRUE(decode_image(
                with_png_chunk(png, png_chunk(chunk.substr(4, 4), chunk.substr(8, size - 8)))));
        }
    }
    const std::string both = with_png_chunk(with_orientation(png, 1), chunks[0]);
    EXPECT_EQ(seen(both), "rgbw") << "the standard's own chunk counts";
}

std::string with_bytes(const std::string& file, std::size_t at, std::string_view bytes) {
    return file.substr(0, at) + std::string(bytes) + file.substr(at);
}

// libjpeg, and so Pillow, OpenCV and browsers, look for the next marker wherever one is expected.
TEST(image_decode, bytes_between_the_segments_of_a_jpeg) {
    for (const bool progressive : {false, true}) {
        const std::string jpeg =
            jpeg_file(quarters(40, 24), {jpeg_style::inks::rgb, progressive, 0});
        for (const char* marker : {"\xFF\xDB", "\xFF\xC4", "\xFF\xDA", "\xFF\xE0"}) {
            for (const std::string& stray :
                 {std::string(1, '\0'), std::string(7, '\0'), std::string("\xFF\0\xFF\0", 4),
                  std::string("\xFF\xFF\xFF"), std::string(5'000, 'x')}) {
                EXPECT_EQ(seen(with_bytes(jpeg, jpeg.find(marker), stray)), "rgbw");
            }
        }
        EXPECT_EQ(seen(with_bytes(jpeg, jpeg.size() - 2, "junk")), "rgbw") << "before the end";
        // A comment whose length has no room for itself.
        EXPECT_EQ(seen(with_bytes(jpeg, 2, std::string_view("\xFF\xFE\0\0", 4))), "rgbw");
    }
}

TEST(image_decode, a_whole_jpeg_without_its_end_mark) {
    const image picture = quarters(400, 240);
    using inks = jpeg_style::inks;
    for (const jpeg_style& style : {jpeg_style{inks::rgb, false, 0},
                                    {inks::rgb, true, 0},
                                    {inks::rgb, false, 1},
                                    {inks::grey, false, 0}}) {
        const std::string jpeg = jpeg_file(picture, style);
        const std::string open = jpeg.substr(0, jpeg.size() - 2);
        for (const char* behind : {"", "dhav\x59\x19\x01", "\xFF", "no marker here"}) {
            const auto decoded = decode_image(open + behind);
            ASSERT_TRUE(decoded) << decoded.error().detail;
            EXPECT_EQ(decoded->picture.rgb, decode_image(jpeg)->picture.rgb);
            if (style.colour == inks::rgb) {
                EXPECT_EQ(decoded->picture.rgb, as_libjpeg_shows(open + behind).rgb);
            }
        }
        EXPECT_FALSE(decode_image(open.substr(0, open.size() - 3))) << "a block is missing";
    }
    // A progressive picture without its last scan has all blocks, but not their last bits.
    const std::string many = jpeg_file(picture, {inks::rgb, true, 0});
    const auto part = decode_image(many.substr(0, many.rfind("\xFF\xDA")));
    ASSERT_FALSE(part);
    EXPECT_EQ(part.error().code, errc::truncated_image);
}

TEST(image_decode, a_restart_marker_that_is_wrong_or_missing) {
    const std::string jpeg =
        jpeg_file(quarters(400, 320), {jpeg_style::inks::rgb, false, 1});  // 20 rows of blocks
    std::vector<std::size_t> marks;
    for (std::size_t at = jpeg.find("\xFF\xDA"); at + 1 < jpeg.size(); ++at) {
        const auto code = static_cast<unsigned char>(jpeg[at + 1]);
        if (jpeg[at] == '\xFF' && code >= 0xD0 && code <= 0xD7) marks.push_back(at);
    }
    ASSERT_EQ(marks.size(), 19u);
    for (const std::size_t at : marks) {
        std::string lost = jpeg;
        lost.erase(at, 2);
        const auto read = decode_image(lost);
        ASSERT_TRUE(read) << at << " " << read.error().detail;
        EXPECT_EQ(read->picture.rgb, as_libjpeg_shows(lost).rgb) << at;
        for (int off = 1; off < 8; ++off) {
            std::string other = jpeg;
            other[at + 1] = static_cast<char>(0xD0 + (jpeg[at + 1] - '\xD0' + off) % 8);
            const auto again = decode_image(other);
            ASSERT_TRUE(again) << at << " " << off << " " << again.error().detail;
            EXPECT_EQ(again->picture.rgb, as_libjpeg_shows(other).rgb) << at << " " << off;
        }
    }
    // Half of the picture is missing: no marker makes that good.
    for (const char* end : {"", "\xFF\xD9"}) {
        const auto half = decode_image(jpeg.substr(0, marks[9]) + end);
        ASSERT_FALSE(half);
        EXPECT_EQ(half.error().code, errc::truncated_image);
    }
}

TEST(image_decode, a_whole_png_without_its_end) {
    const std::string png = png_file(quarters(40, 24));
    EXPECT_EQ(seen(png.substr(0, png.size() - 12)), "rgbw");
    EXPECT_EQ(seen(png.substr(0, png.size() - 5)), "rgbw");
    EXPECT_EQ(seen(png.substr(0, png.size() - 12) + "junk"), "rgbw");
}

TEST(image_decode, a_lossless_webp_whose_chunk_says_that_it_is_empty) {
    std::string chunk = webp_picture_chunk(webp_file(quarters(40, 24), {true, false}));
    ASSERT_EQ(chunk.substr(0, 4), "VP8L");
    chunk.replace(4, 4, 4, '\0');
    EXPECT_EQ(seen(webp_extended(40, 24, 0, chunk)), "rgbw");
}

TEST(image_decode, a_chunk_behind_a_webp_s_picture_that_is_too_long) {
    const std::string chunk = webp_picture_chunk(webp_file(quarters(40, 24)));
    std::string meta = riff_chunk("XMP ", "<x/>");
    meta[4] = '\x70';
    EXPECT_EQ(seen(webp_extended(40, 24, 0, chunk + meta)), "rgbw");
}

TEST(image_decode, a_broken_exif_block_turns_nothing) {
    EXPECT_EQ(exif_orientation(""), 1);
    EXPECT_EQ(exif_orientation(exif_block(0, true)), 1);
    EXPECT_EQ(exif_orientation(exif_block(9, true)), 1);
    const std::string good = exif_block(6, false);
    EXPECT_EQ(exif_orientation(good), 6);
    for (std::size_t size = 0; size < 34; ++size) {
        EXPECT_EQ(exif_orientation(good.substr(0, size)), 1) << size;
    }
    std::string far = good;
    far.replace(4, 4, "\xFF\xFF\xFF\xFE");
    EXPECT_EQ(exif_orientation(far), 1);
}

result<decoded_image> from_afar(const std::string& file, std::uint32_t side) {
    const auto header = inspect_image(file);
    if (!header) return fail(header.error());
    return decode_reduced(file, *header, side);
}

TEST(image_decode, from_afar_a_jpeg_comes_smaller) {
    const image picture = quarters(403, 241);
    const std::string whole = jpeg_file(picture);
    const std::map<std::uint32_t, std::pair<std::uint32_t, std::uint32_t>> sizes{
        {404, {403, 241}}, {403, {403, 241}}, {202, {403, 241}},
        {201, {202, 121}}, {101, {202, 121}}, {100, {101, 61}},
        {51, {101, 61}},   {50, {51, 31}},    {1, {51, 31}}};
    for (const auto& [side, size] : sizes) {
        const auto small = from_afar(whole, side);
        ASSERT_TRUE(small) << side;
        EXPECT_EQ(small->picture.width, size.first) << side;
        EXPECT_EQ(small->picture.height, size.second) << side;
        EXPECT_EQ(small->width, 403u);
        EXPECT_EQ(small->height, 241u);
        EXPECT_EQ(corners(small->picture), "rgbw") << side;
    }
    const auto turned = from_afar(with_orientation(whole, 6), 200);
    ASSERT_TRUE(turned);
    EXPECT_EQ(turned->picture.width, 121u);
    EXPECT_EQ(turned->width, 241u);
    EXPECT_EQ(turned->height, 403u);
    EXPECT_EQ(corners(turned->picture), corners(decode_image(with_orientation(whole, 6))->picture));
    using inks = jpeg_style::inks;
    EXPECT_EQ(corners(from_afar(jpeg_file(picture, {inks::ycck, false, 0}), 50)->picture), "rgbw");
    EXPECT_EQ(from_afar(png_file(picture), 50)->picture.width, 403u) << "others come whole";
    const std::string cut = whole.substr(0, whole.size() * 2 / 3);
    EXPECT_EQ(from_afar(cut, 50).error().code, decode_image(cut).error().code);
}

TEST(image_decode, of_an_animation_the_first_picture) {
    const image first = quarters(40, 24), second = quarters(40, 24);
    const std::string whole = webp_picture_chunk(webp_file(first));
    const std::string frames = riff_chunk("ANIM", std::string(6, '\0')) +
                               webp_frame(0, 0, 40, 24, whole) + webp_frame(0, 0, 40, 24, whole);
    const auto moving = decode_image(webp_extended(40, 24, 2, frames));
    ASSERT_TRUE(moving) << moving.error().detail;
    EXPECT_TRUE(moving->animated);
    EXPECT_EQ(corners(moving->picture), "rgbw");
    // A smaller first picture lies on white.
    const auto part = decode_image(webp_extended(
        80, 48, 2, riff_chunk("ANIM", std::string(6, '\0')) + webp_frame(40, 24, 40, 24, whole)));
    ASSERT_TRUE(part) << part.error().detail;
    EXPECT_EQ(part->picture.width, 80u);
    EXPECT_EQ(corners(part->picture).substr(0, 3), "www");
    EXPECT_EQ(part->picture.row(30)[45 * 3 + 1], 0);  // red: no green
    const auto png =
        decode_image(with_png_chunk(png_file(first), png_chunk("acTL", big32(2) + big32(0))));
    ASSERT_TRUE(png);
    EXPECT_TRUE(png->animated);
    EXPECT_EQ(corners(png->picture), "rgbw");
    EXPECT_FALSE(decode_image(webp_file(first))->animated);
}

TEST(image_decode, what_is_encoded_comes_back) {
    const image picture = quarters(64, 48);
    const auto file = encode_jpeg(picture, 90);
    ASSERT_TRUE(file);
    EXPECT_EQ(seen(*file), "rgbw");
}

TEST(image_decode, one_pixel_and_odd_sizes) {
    for (const auto& [width, height] : {std::pair{1u, 1u}, {1u, 7u}, {13u, 1u}, {33u, 35u}}) {
        const image picture = quarters(width, height);
        for (const std::string& file :
             {jpeg_file(picture), png_file(picture), webp_file(picture)}) {
            const auto decoded = decode_image(with_orientation(file, 6));
            ASSERT_TRUE(decoded) << decoded.error().detail;
            EXPECT_EQ(decoded->picture.width, height);
            EXPECT_EQ(decoded->picture.rgb.size(), std::size_t{width} * height * 3);
        }
    }
}

}  // namespace
}  // namespace vultus
