// The picture of a face that may be kept: what it shows, its bounds, and that it is upright.
#include "workers/vision/face_picture.hpp"

#include <gtest/gtest.h>

#include "tests/workers/engine/networks_support.hpp"
#include "workers/geometry/turn.hpp"

namespace vultus {
namespace {

constexpr std::uint8_t inside[] = {200, 100, 30};

detected_face face_at(box where, int quarters = 0) {
    detected_face face;
    face.where = where;
    face.quarters = quarters;
    return face;
}

/// A grey photo whose box has a colour of its own, lighter in its upper half.
image photo_with(const box& where, std::uint32_t width, std::uint32_t height) {
    image photo(width, height);
    std::fill(photo.rgb.begin(), photo.rgb.end(), std::uint8_t{128});
    for (auto y = where.top; y <= where.bottom; ++y) {
        for (auto x = where.left; x <= where.right; ++x) {
            std::uint8_t* pixel = photo.row(static_cast<std::uint32_t>(y)) + x * 3;
            const bool upper = y < (where.top + where.bottom) / 2;
            for (int ink = 0; ink < 3; ++ink) {
                pixel[ink] = static_cast<std::uint8_t>(inside[ink] + (upper ? 50 : 0));
            }
        }
    }
    return photo;
}

image decoded(const result<std::string>& file) {
    EXPECT_TRUE(file);
    EXPECT_LE(file->size(), limits::picture_bytes);
    auto seen = decode_image(*file);
    EXPECT_TRUE(seen);
    EXPECT_EQ(seen->format, image_format::jpeg);
    return std::move(seen->picture);
}

void expect_colour(const image& picture, double x, double y, int red, int green, int blue) {
    const auto column = static_cast<std::uint32_t>(x * picture.width);
    const std::uint8_t* pixel = picture.row(static_cast<std::uint32_t>(y * picture.height));
    EXPECT_NEAR(pixel[column * 3], red, 6);
    EXPECT_NEAR(pixel[column * 3 + 1], green, 6);
    EXPECT_NEAR(pixel[column * 3 + 2], blue, 6);
}

TEST(face_picture, shows_the_face_with_a_margin_and_is_never_enlarged) {
    const box where{100, 100, 199, 199};
    const image seen = decoded(face_picture(photo_with(where, 400, 400), face_at(where)));
    EXPECT_EQ(seen.width, 160u);
    EXPECT_EQ(seen.height, 160u);
    expect_colour(seen, 0.5, 0.3, 250, 150, 80);
    expect_colour(seen, 0.5, 0.7, 200, 100, 30);
    expect_colour(seen, 0.08, 0.5, 128, 128, 128);
}

// Workers of older versions kept aligned faces of 112x112 pixels, which cannot be aligned again.
TEST(face_picture, is_never_mistaken_for_one_of_an_older_version) {
    const box where{100, 100, 169, 169};  // 1.6 times 70 pixels
    const image seen = decoded(face_picture(photo_with(where, 400, 400), face_at(where)));
    EXPECT_EQ(seen.width, 112u);
    EXPECT_EQ(seen.height, 111u);
    EXPECT_FALSE(is_older_picture(seen));
    EXPECT_TRUE(is_older_picture(image(112, 112)));
    EXPECT_FALSE(is_older_picture(image(112, 113)));
}

TEST(face_picture, a_large_face_is_made_smaller) {
    const box where{400, 400, 999, 1099};
    const image seen = decoded(face_picture(photo_with(where, 1600, 1600), face_at(where)));
    EXPECT_EQ(seen.width, limits::picture_side);
    EXPECT_EQ(seen.height, limits::picture_side);
}

TEST(face_picture, ends_where_the_photo_ends) {
    const box where{-20, -20, 79, 79};
    const image photo = photo_with({0, 0, 79, 79}, 300, 300);
    const image seen = decoded(face_picture(photo, face_at(where)));
    EXPECT_EQ(seen.width, 110u);
    EXPECT_EQ(seen.height, 110u);
    expect_colour(seen, 0.1, 0.2, 250, 150, 80);
}

TEST(face_picture, a_face_on_its_side_is_turned_upright) {
    const box upright{100, 100, 199, 199};
    for (int quarters = 0; quarters < 4; ++quarters) {
        // The photo is the upright one turned back, so that the face needs so many quarters.
        const image photo = turned(photo_with(upright, 300, 300), (4 - quarters) % 4);
        const image seen = decoded(face_picture(photo, face_at(upright, quarters)));
        expect_colour(seen, 0.5, 0.3, 250, 150, 80);
        expect_colour(seen, 0.5, 0.7, 200, 100, 30);
    }
}

TEST(face_picture, outside_of_the_photo_there_is_none) {
    const image photo = photo_with({10, 10, 20, 20}, 100, 100);
    for (const box where : {box{300, 10, 330, 40}, box{10, -90, 40, -60}, box{-90, 0, -60, 30}}) {
        const auto file = face_picture(photo, face_at(where));
        ASSERT_FALSE(file);
        EXPECT_EQ(file.error().code, errc::no_face);
    }
}

TEST(face_picture, the_smallest_and_the_worst_fit) {
    EXPECT_EQ(decoded(face_picture(image(1, 1), face_at({0, 0, 0, 0}))).width, 1u);
    image photo(500, 500);
    testing::noise random;
    for (auto& value : photo.rgb) value = random() > 0 ? 255 : 0;
    const image seen = decoded(face_picture(photo, face_at({100, 100, 399, 399})));
    EXPECT_GE(seen.width, 100u);
    EXPECT_EQ(seen.width, seen.height);
}

}  // namespace
}  // namespace vultus
