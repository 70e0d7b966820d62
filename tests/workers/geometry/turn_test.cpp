// A quarter of a turn: of pixels, of places, of faces.
#include "workers/geometry/turn.hpp"

#include <gtest/gtest.h>

#include <cmath>

namespace vultus {
namespace {

/// Three wide, two high, each pixel of its own red.
image numbered() {
    image made(3, 2);
    for (std::size_t i = 0; i < 6; ++i) made.rgb[i * 3] = static_cast<std::uint8_t>(i + 1);
    return made;
}

int red_at(const image& picture, point middle) {
    const auto x = static_cast<std::size_t>(middle.x);
    return picture.row(static_cast<std::uint32_t>(middle.y))[x * 3];
}

TEST(turn, clockwise) {
    const image once = turned(numbered(), 1);
    ASSERT_EQ(once.width, 2u);
    ASSERT_EQ(once.height, 3u);
    EXPECT_EQ(once.row(0)[0], 4) << "the lower left corner is the upper left one now";
    EXPECT_EQ(once.row(0)[3], 1);
}

TEST(turn, a_place_goes_where_its_pixel_goes) {
    const image as_it_was = numbered();
    for (int quarters = 0; quarters <= 3; ++quarters) {
        const image now = turned(numbered(), quarters);
        for (const float x : {0.5f, 1.5f, 2.5f}) {
            for (const float y : {0.5f, 1.5f}) {
                const point there = turned(point{x, y}, 3, 2, quarters);
                EXPECT_EQ(red_at(now, there), red_at(as_it_was, {x, y})) << quarters;
                const point back = turned(there, now.width, now.height, (4 - quarters) % 4);
                EXPECT_EQ(back, (point{x, y})) << quarters;
            }
        }
    }
}

TEST(turn, edges_stay_in_order) {
    const rectangle where{1, 0, 3, 1};
    EXPECT_EQ(turned(where, 3, 2, 0), where);
    EXPECT_EQ(turned(where, 3, 2, 1), (rectangle{1, 1, 2, 3}));
    EXPECT_EQ(turned(where, 3, 2, 2), (rectangle{0, 1, 2, 2}));
    EXPECT_EQ(turned(where, 3, 2, 3), (rectangle{0, 0, 1, 2}));
}

TEST(turn, a_mouth_below_the_eyes_is_upright) {
    const face_points upright{point{30, 40}, {70, 40}, {50, 60}, {35, 80}, {65, 80}};
    EXPECT_EQ(quarters_to_upright(upright), 0);
    for (int quarters = 1; quarters <= 3; ++quarters) {
        face_points lying = upright;
        for (point& one : lying) one = turned(one, 100, 100, quarters);
        EXPECT_EQ(quarters_to_upright(lying), 4 - quarters) << quarters;
    }
    face_points leaning = upright;  // by less than half of a quarter
    for (point& one : leaning) {
        const float angle = 0.7f, x = one.x - 50, y = one.y - 50;
        one = {50 + x * std::cos(angle) - y * std::sin(angle),
               50 + x * std::sin(angle) + y * std::cos(angle)};
    }
    EXPECT_EQ(quarters_to_upright(leaning), 0);
}

}  // namespace
}  // namespace vultus
