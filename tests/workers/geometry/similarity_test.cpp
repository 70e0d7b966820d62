// Points onto a template, and the crop that this cuts out of a photo.
#include "workers/geometry/similarity.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

namespace vultus {
namespace {

const face_points upright{point{40, 46}, {88, 46}, {64, 82}, {45, 105}, {84, 105}};

face_points moved(const face_points& points, const similarity& by) {
    face_points all = points;
    for (point& one : all) one = by(one);
    return all;
}

double squares_between(const face_points& a, const face_points& b) {
    double sum = 0;
    for (std::size_t i = 0; i < a.size(); ++i) {
        sum += std::pow(a[i].x - b[i].x, 2) + std::pow(a[i].y - b[i].y, 2);
    }
    return sum;
}

TEST(similarity, finds_the_turn_the_scale_and_the_shift_of_points_that_were_moved) {
    for (const double turn : {0.0, 0.4, 1.6, 3.0, -2.2}) {
        const similarity by{2.5 * std::cos(turn), 2.5 * std::sin(turn), -300, 40};
        const auto found = nearest_similarity(upright, moved(upright, by));
        ASSERT_TRUE(found);
        EXPECT_NEAR(found->a, by.a, 1e-5);
        EXPECT_NEAR(found->b, by.b, 1e-5);
        EXPECT_NEAR(found->right, by.right, 1e-3);
        EXPECT_NEAR(found->down, by.down, 1e-3);
    }
}

// A mirrored face cannot be turned onto the template; the nearest is still a turn.
TEST(similarity, is_the_nearest_of_all_and_no_reflection) {
    face_points other = upright;
    for (point& one : other) one.x = 128 - one.x * 1.1f;
    other[2].y += 9;
    const auto found = nearest_similarity(other, upright);
    ASSERT_TRUE(found);
    const double least = squares_between(moved(other, *found), upright);
    for (const double step : {-0.01, 0.01}) {
        for (double similarity::*number : {&similarity::a, &similarity::b}) {
            similarity worse = *found;
            worse.*number += step;
            EXPECT_GT(squares_between(moved(other, worse), upright), least);
        }
        similarity shifted = *found;
        shifted.right += step;
        shifted.down -= step;
        EXPECT_GT(squares_between(moved(other, shifted), upright), least);
    }
}

TEST(similarity, needs_points_that_differ) {
    face_points one_place;
    one_place.fill({7, 7});
    EXPECT_EQ(nearest_similarity(one_place, upright).error().code, errc::malformed);
    face_points broken = upright;
    broken[3].x = std::numeric_limits<float>::quiet_NaN();
    EXPECT_EQ(nearest_similarity(broken, upright).error().code, errc::malformed);
}

/// Red grows to the right, green downwards.
image ramps(std::uint32_t side) {
    image made(side, side);
    for (std::uint32_t y = 0; y < side; ++y) {
        for (std::uint32_t x = 0; x < side; ++x) {
            made.row(y)[x * 3] = static_cast<std::uint8_t>(x * 2);
            made.row(y)[x * 3 + 1] = static_cast<std::uint8_t>(y * 2);
            made.row(y)[x * 3 + 2] = 200;
        }
    }
    return made;
}

TEST(cut_out, is_the_photo_where_nothing_moves) {
    const image photo = ramps(40);
    EXPECT_EQ(cut_out(photo, {}, 40).rgb, photo.rgb);
}

TEST(cut_out, takes_each_pixel_from_the_place_that_is_brought_to_it) {
    const image photo = ramps(100);
    const similarity by{0, 0.5, 30, 2};  // a quarter clockwise, half the size, shifted
    const image crop = cut_out(photo, by, 40);
    for (const auto& [x, y] : {std::pair{20.0f, 10.0f}, {26.0f, 36.0f}, {40.0f, 30.0f}}) {
        const point there = by({x, y});
        const auto* pixel =
            crop.row(static_cast<std::uint32_t>(there.y)) + static_cast<std::size_t>(there.x) * 3;
        EXPECT_EQ(pixel[0], 2 * x);
        EXPECT_EQ(pixel[1], 2 * y);
    }
}

TEST(cut_out, mixes_four_pixels_and_is_black_outside) {
    const image photo = ramps(10);
    const image between = cut_out(photo, {1, 0, -0.5, -0.25}, 4);
    EXPECT_EQ(between.row(0)[0], 1) << "half of 0 and 2";
    EXPECT_EQ(between.row(2)[4], 5) << "a quarter below row 2, rounded";
    const image away = cut_out(photo, {1, 0, 2, 0}, 4);
    EXPECT_EQ(away.row(1)[2], 0) << "left of the photo";
    EXPECT_EQ(away.row(1)[2 * 3 + 2], 200) << "its first column";
    const image far = cut_out(photo, {1e-9, 0, 0, 0}, 4);
    EXPECT_EQ(far.row(3)[3 * 3 + 2], 0);
}

}  // namespace
}  // namespace vultus
