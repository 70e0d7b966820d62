// The picture of a face that may be kept: its size, its bounds, and that it is the face.
#include "workers/vision/face_picture.hpp"

#include <gtest/gtest.h>

#include "tests/workers/engine/networks_support.hpp"

namespace vultus {
namespace {

TEST(face_picture, is_a_small_jpeg_of_the_chip) {
    const chip face = testing::sample_chips(1).at(0);
    const auto file = face_picture(face);
    ASSERT_TRUE(file);
    EXPECT_LE(file->size(), limits::picture_bytes);
    const auto seen = decode_image(*file);
    ASSERT_TRUE(seen);
    EXPECT_EQ(seen->format, image_format::jpeg);
    ASSERT_EQ(seen->picture.width, limits::picture_side);
    ASSERT_EQ(seen->picture.height, limits::picture_side);
    double off = 0;
    for (std::size_t y = 0; y < limits::picture_side; ++y) {
        for (std::size_t x = 0; x < limits::picture_side; ++x) {
            const std::size_t from =
                (y * limits::chip_side / limits::picture_side) * limits::chip_side +
                x * limits::chip_side / limits::picture_side;
            for (std::size_t ink = 0; ink < 3; ++ink) {
                off += std::abs(int{face.rgb[from * 3 + ink]} -
                                int{seen->picture.row(static_cast<std::uint32_t>(y))[x * 3 + ink]});
            }
        }
    }
    EXPECT_LT(off / (limits::picture_side * limits::picture_side * 3), 12.0);
}

TEST(face_picture, keeps_its_colours) {
    const auto seen = decode_image(face_picture(testing::one_colour(200, 100, 30)).value());
    ASSERT_TRUE(seen);
    const std::uint8_t* middle = seen->picture.row(56) + 56 * 3;
    EXPECT_NEAR(middle[0], 200, 3);
    EXPECT_NEAR(middle[1], 100, 3);
    EXPECT_NEAR(middle[2], 30, 3);
}

TEST(face_picture, the_worst_chip_fits) {
    chip face;
    testing::noise random;
    for (std::size_t i = 0; i < chip::bytes; ++i) {
        face.rgb.push_back(random() > 0 ? 255 : 0);
    }
    const auto file = face_picture(face);
    ASSERT_TRUE(file);
    EXPECT_LE(file->size(), limits::picture_bytes);
    EXPECT_TRUE(decode_image(*file));
}

}  // namespace
}  // namespace vultus
