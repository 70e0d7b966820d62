// All pairs of faces: counts, the stored pairs, and rates computed from them.
#include "workers/calibration/all_pairs.hpp"

#include <gtest/gtest.h>

#include <cmath>

#include "tests/clients/lfw/faces_support.hpp"

namespace vultus::lfw {
namespace {

using testing::at;

TEST(all_pairs, sorts_pairs_by_kind_and_distance) {
    const std::vector<numbered_face> faces{at(0, 0), at(1, 0), at(3, 1), at(7, 3), at(15, 3)};
    const all_pairs pairs = compare_all(faces);
    ASSERT_EQ(pairs.genuine.size(), 2U);
    EXPECT_EQ(pairs.genuine[0].distance, 1);
    EXPECT_EQ(pairs.genuine[0].person, 0U);
    EXPECT_EQ(pairs.genuine[1].distance, 8);
    EXPECT_EQ(pairs.genuine[1].person, 3U);
    std::vector<float> others;
    for (const auto& pair : pairs.impostors) {
        others.push_back(pair.distance);
        EXPECT_NE(pairs.person_of[pair.first], pairs.person_of[pair.second]);
    }
    EXPECT_EQ(others, (std::vector<float>{2, 3, 4, 6, 7, 12, 14, 15}));
    EXPECT_EQ(pairs.impostors_all, 8U);
    EXPECT_TRUE(pairs.whole());
    EXPECT_EQ(pairs.faces_of, (std::vector<std::uint32_t>{2, 1, 0, 2}));
}

TEST(all_pairs, rates_are_shares_of_all_pairs) {
    const std::vector<numbered_face> faces{at(0, 0), at(1, 0), at(3, 1), at(7, 3), at(15, 3)};
    const all_pairs pairs = compare_all(faces);
    EXPECT_LT(distance_at_far(pairs, 0), 2);
    EXPECT_EQ(std::nextafter(distance_at_far(pairs, 0), 3.0F), 2);
    EXPECT_EQ(std::nextafter(distance_at_far(pairs, 0.25), 5.0F), 4);
    EXPECT_TRUE(std::isinf(distance_at_far(pairs, 1)));
    EXPECT_DOUBLE_EQ(far_at(pairs, 1.9F), 0);
    EXPECT_DOUBLE_EQ(far_at(pairs, 2), 0.125);
    EXPECT_DOUBLE_EQ(far_at(pairs, 100), 1);
    EXPECT_DOUBLE_EQ(*tar_at(pairs, 0.9F), 0);
    EXPECT_DOUBLE_EQ(*tar_at(pairs, 1), 0.5);
    EXPECT_DOUBLE_EQ(*tar_at(pairs, 8), 1);
}

TEST(all_pairs, equal_distances_are_accepted_together_or_not_at_all) {
    const std::vector<numbered_face> faces{at(0, 0), at(1, 1), at(2, 2), at(3, 3)};
    const all_pairs pairs = compare_all(faces);  // distances 1 1 1 2 2 3
    EXPECT_LT(distance_at_far(pairs, 2.0 / 6), 1);
    EXPECT_LT(distance_at_far(pairs, 4.0 / 6), 2);
    EXPECT_EQ(far_at(pairs, distance_at_far(pairs, 4.0 / 6)), 0.5);
}

TEST(all_pairs, one_person_or_one_photo_each_or_nobody) {
    const all_pairs none = compare_all({});
    EXPECT_EQ(none.impostors_all, 0U);
    EXPECT_FALSE(tar_at(none, 1).has_value());
    EXPECT_EQ(far_at(none, 1), 0);
    EXPECT_TRUE(roc_of(none, 1e-3, 1e-2, 2).empty());
    const std::vector<numbered_face> alone{at(0, 0), at(1, 0)};
    EXPECT_EQ(compare_all(alone).impostors_all, 0U);
    EXPECT_TRUE(roc_of(compare_all(alone), 1e-3, 1e-2, 2).empty());
    const std::vector<numbered_face> single{at(0, 0), at(1, 1)};
    EXPECT_FALSE(tar_at(compare_all(single), 1).has_value());
}

TEST(all_pairs, the_nearest_that_are_kept_are_the_nearest_of_all) {
    const auto faces = testing::crowd(120, 4, 0, 5);
    const all_pairs whole = compare_all(faces), part = compare_all(faces, 100);
    ASSERT_TRUE(whole.whole());
    ASSERT_FALSE(part.whole());
    EXPECT_EQ(part.impostors_all, whole.impostors_all);
    ASSERT_GE(part.impostors.size(), whole.impostors.size() / 20);
    EXPECT_LE(part.impostors.size(), whole.impostors.size() / 20 + 2);
    for (std::size_t i = 0; i < part.impostors.size(); ++i) {
        ASSERT_EQ(part.impostors[i].distance, whole.impostors[i].distance) << i;
    }
    EXPECT_EQ(part.genuine.size(), whole.genuine.size());
    EXPECT_EQ(distance_at_far(part, 0.05), distance_at_far(whole, 0.05));
    EXPECT_EQ(far_at(part, distance_at_far(part, 0.03)),
              far_at(whole, distance_at_far(whole, 0.03)));
    EXPECT_DEATH(static_cast<void>(distance_at_far(part, 0.1)), "within the pairs kept");
    EXPECT_DEATH(static_cast<void>(far_at(part, 100)), "within the pairs kept");
}

TEST(all_pairs, the_curve_rises_and_ends_where_it_was_asked_to) {
    const all_pairs pairs = compare_all(testing::crowd(120, 4, 1, 5));
    const auto curve = roc_of(pairs, 1e-4, 1e-2, 5);
    ASSERT_EQ(curve.size(), 5U);
    EXPECT_DOUBLE_EQ(curve.front().far, 1e-4);
    EXPECT_NEAR(curve[2].far, 1e-3, 1e-12);
    EXPECT_NEAR(curve.back().far, 1e-2, 1e-12);
    for (std::size_t i = 0; i < 5; ++i) {
        EXPECT_EQ(curve[i].tar, *tar_at(pairs, distance_at_far(pairs, curve[i].far)));
        if (i > 0) {
            EXPECT_GE(curve[i].tar, curve[i - 1].tar);
        }
    }
    EXPECT_GT(curve.back().tar, curve.front().tar);
}

}  // namespace
}  // namespace vultus::lfw
