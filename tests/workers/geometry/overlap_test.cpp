// What two boxes share.
#include "workers/geometry/overlap.hpp"

#include <gtest/gtest.h>

namespace vultus {
namespace {

box at(std::int32_t left, std::int32_t top = 0, std::int32_t side = 100) {
    return {left, top, left + side - 1, top + side - 1};
}

TEST(overlap, is_intersection_over_union) {
    EXPECT_EQ(overlap(at(0), at(0)), 1.0);
    EXPECT_EQ(overlap(at(0), at(100)), 0.0) << "neighbours share no pixel";
    EXPECT_EQ(overlap(at(0), at(50)), 50.0 / 150.0);
    EXPECT_EQ(overlap(at(0, 0, 100), at(0, 0, 50)), 0.25);
    EXPECT_EQ(overlap(at(0), at(200)), 0.0);
    EXPECT_EQ(overlap(at(0), at(50, 150)), 0.0) << "above one another is not over one another";
}

TEST(overlap, knows_parts_of_pixels) {
    EXPECT_EQ(overlap(rectangle{0, 0, 1, 1}, rectangle{0.5, 0, 1.5, 1}), 0.5 / 1.5);
    EXPECT_EQ(shared_pixels(rectangle{0, 0, 4, 4}, rectangle{3.5, 1, 9, 3}), 1.0);
    EXPECT_EQ(shared_pixels(rectangle{0, 0, 4, 4}, rectangle{0, 5, 4, 9}), 0.0);
    EXPECT_EQ(shared_pixels(rectangle{0, 0, 4, 4}, rectangle{5, 5, 9, 9}), 0.0) << "not twice less";
    EXPECT_EQ(overlap(rectangle{}, rectangle{}), 0.0);
    EXPECT_EQ(overlap(rectangle{1, 1, 1, 5}, rectangle{1, 1, 1, 5}), 0.0) << "empty ones";
}

TEST(overlap, a_box_has_its_far_edges_inside_and_a_rectangle_outside) {
    EXPECT_EQ(rectangle_of(box{-3, 4, 5, 6}), (rectangle{-3, 4, 6, 7}));
    EXPECT_EQ(box_of(rectangle{-3, 4, 6, 7}), (box{-3, 4, 5, 6}));
    EXPECT_EQ(box_of(rectangle{-0.6, 0.4, 9.6, 9.4}), (box{-1, 0, 9, 8}));
}

}  // namespace
}  // namespace vultus
