// HEIC and AVIF: sizes from the boxes, orientations as in libheif, truncated and inconsistent
// files.
#include <gtest/gtest.h>

#include "shared/base/limits.hpp"
#include "tests/workers/image/heif_support.hpp"
#include "tests/workers/image/photo_support.hpp"
#include "workers/image/codec_process.hpp"
#include "workers/image/image.hpp"

namespace vultus {
namespace {

using namespace testing;

std::string code_of(const result<decoded_image>& outcome) {
    return outcome ? "fine" : std::string(name_of(outcome.error().code));
}
std::string inspected(const std::string& file) {
    const auto header = inspect_image(file);
    return header ? "fine" : std::string(name_of(header.error().code));
}

TEST(image_heif, both_codecs_are_read_and_named) {
    const image picture = quarters(200, 120);
    for (const auto& [codec, format] : {std::pair{heif_codec::hevc, image_format::heic},
                                        std::pair{heif_codec::av1, image_format::avif}}) {
        const std::string file = heif_file(picture, codec);
        const auto header = inspect_image(file);
        ASSERT_TRUE(header) << header.error().detail;
        EXPECT_EQ(header->width, 200u);
        EXPECT_EQ(header->height, 120u);
        const auto decoded = decode_image(file);
        ASSERT_TRUE(decoded) << decoded.error().detail;
        EXPECT_EQ(decoded->format, format);
        EXPECT_EQ(corners(decoded->picture), "rgbw");
        EXPECT_EQ(corners(decode_image(heif_file(picture, codec, true))->picture), "wwww");
    }
}

TEST(image_heif, every_turn_is_libheif_s) {
    const std::string file = heif_file(quarters(200, 120));
    for (int irot = -1; irot < 4; ++irot) {
        for (int imir = -1; imir < 2; ++imir) {
            const std::string turned = with_turns(file, irot, imir);
            const auto decoded = decode_image(turned);
            ASSERT_TRUE(decoded) << decoded.error().detail;
            EXPECT_EQ(corners(decoded->picture), heif_corners(turned)) << irot << " " << imir;
            EXPECT_EQ(decoded->picture.width, irot == 1 || irot == 3 ? 120u : 200u);
            EXPECT_EQ(decoded->width, decoded->picture.width);
        }
    }
}

TEST(image_heif, a_crop_is_cut_as_libheif_cuts_it) {
    const std::string file = heif_file(quarters(200, 120));
    const auto whole = decode_image(file)->picture.copy();
    struct {
        int width, height, right, down;
    } const parts[] = {{200, 120, 0, 0},  {100, 60, -100, -60}, {100, 60, 100, 60},
                       {99, 61, 0, 0},    {100, 60, 33, -7},    {99, 59, -33, 8},
                       {3, 3, 1, 1},      {100, 60, -101, -61}, {201, 121, 0, 0},
                       {180, 110, 60, 0}, {300, 60, 0, 0}};
    for (const auto& part : parts) {
        const std::string cut = with_crop(file, part.width, part.height, part.right, part.down);
        const auto decoded = decode_image(cut);
        const std::string what = std::to_string(part.width) + "x" + std::to_string(part.height) +
                                 " " + std::to_string(part.right) + " " + std::to_string(part.down);
        ASSERT_TRUE(decoded) << what << ": " << decoded.error().detail;
        const image shown = heif_shown(cut);
        EXPECT_EQ(decoded->picture.width, shown.width) << what;
        EXPECT_EQ(decoded->picture.height, shown.height) << what;
        EXPECT_EQ(decoded->picture.rgb, shown.rgb) << what;
        EXPECT_EQ(decoded->width, shown.width) << what;
        const auto turned = decode_image(with_turns(cut, 1, -1));
        ASSERT_TRUE(turned) << what;
        EXPECT_EQ(turned->picture.rgb, heif_shown(with_turns(cut, 1, -1)).rgb) << what;
    }
    EXPECT_EQ(corners(decode_image(with_crop(file, 90, 50, -100, -60))->picture), "rrrr");
    EXPECT_EQ(corners(decode_image(with_crop(file, 90, 50, 100, 60))->picture), "wwww");
    EXPECT_EQ(decode_image(with_crop(file, 200, 120, 0, 0))->picture.rgb, whole.rgb);
}

TEST(image_heif, a_crop_that_shows_nothing_is_refused) {
    const std::string file = heif_file(quarters(200, 120));
    for (const auto& cut : {with_crop(file, 0, 120, 0, 0), with_crop(file, -5, 120, 0, 0),
                            with_crop(file, 100, 60, 700, 0), with_crop(file, 100, 60, 0, -900)}) {
        EXPECT_EQ(inspected(cut), "undecodable_image");
    }
    std::string endless = with_crop(file, 100, 60, 0, 0);
    endless.replace(endless.find("clap") + 8, 4, std::string(4, '\0'));
    EXPECT_EQ(inspected(endless), "undecodable_image") << "a denominator of 0";
    EXPECT_EQ(inspected(with_crop(file, 100, 60, 0, 0, 1)), "unsupported_media") << "after a turn";
    EXPECT_EQ(inspected(with_crop(file, 100, 60, 0, 0, 0)), "fine") << "after a turn by nothing";
}

TEST(image_heif, its_size_is_checked_before_anything_is_decoded) {
    const std::string file = heif_file(quarters(200, 120));
    EXPECT_EQ(inspected(with_heif_size(file, 8'000, 5'000)), "fine");
    EXPECT_EQ(inspected(with_heif_size(file, 8'001, 5'000)), "too_large");
    EXPECT_EQ(inspected(with_heif_size(file, limits::image_side + 1, 1)), "too_large");
    EXPECT_EQ(inspected(with_heif_size(file, 0xFFFFFFFF, 0xFFFFFFFF)), "too_large");
    EXPECT_EQ(inspected(with_heif_size(file, 0, 7)), "undecodable_image");
    EXPECT_EQ(code_of(decode_image(with_heif_size(file, 201, 120))), "undecodable_image");
}

TEST(image_heif, cut_anywhere_is_never_another_picture) {
    for (const heif_codec codec : {heif_codec::hevc, heif_codec::av1}) {
        const std::string file = heif_file(quarters(64, 64), codec);
        const auto whole = decode_image(file)->picture.rgb;
        for (std::size_t size = 12; size < file.size(); ++size) {
            const auto decoded = decode_image(file.substr(0, size));
            EXPECT_NE(code_of(decoded), "fine") << size;
            EXPECT_NE(code_of(decoded), "internal") << size;
        }
        EXPECT_EQ(decode_image(file + "a video")->picture.rgb, whole);
    }
}

TEST(image_heif, no_byte_changed_does_harm) {
    const std::string file = heif_file(quarters(64, 64));
    for (std::size_t at = 0; at < file.size() && at < 700; ++at) {
        for (const char value : {'\x00', '\xFF', '\x7F', '\x01'}) {
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

TEST(image_heif, a_decoder_for_each_family_of_codecs) {
    auto program = tried_decoder();
    ASSERT_TRUE(program) << program.error().detail;
    codec_process decoder(*program);
    const image picture = quarters(200, 120);
    const auto decode = [&](const std::string& file) {
        const auto decoded = decode_image(file, &decoder);
        return decoded ? corners(decoded->picture) : decoded.error().detail;
    };
    EXPECT_EQ(decode(heif_file(picture)), "rgbw");
    const int heif = decoder.pid();
    EXPECT_EQ(decode(heif_file(picture, heif_codec::av1)), "rgbw");
    EXPECT_EQ(decoder.pid(), heif);
    EXPECT_EQ(decode(with_turns(heif_file(picture), 1, -1)), "gwrb");
    EXPECT_EQ(decode(jpeg_file(picture)), "rgbw");
    EXPECT_NE(decoder.pid(), heif);
}

}  // namespace
}  // namespace vultus
