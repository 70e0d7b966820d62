// The figures of a list of pairs, against small examples that can be checked by hand.
#include "clients/lfw/verification.hpp"

#include <gtest/gtest.h>

#include <cmath>

#include "workers/calibration/all_pairs.hpp"

namespace vultus::lfw {
namespace {

std::vector<scored_pair> in_one_fold(const std::vector<float>& same,
                                     const std::vector<float>& different) {
    std::vector<scored_pair> pairs;
    for (const float distance : same) pairs.push_back({distance, true, 0});
    for (const float distance : different) pairs.push_back({distance, false, 0});
    return pairs;
}

TEST(best_threshold, lies_between_the_kinds) {
    EXPECT_FLOAT_EQ(best_threshold(in_one_fold({0.2F, 0.4F}, {0.8F, 0.9F})), 0.6F);
    EXPECT_FLOAT_EQ(best_threshold(in_one_fold({0.2F, 0.7F}, {0.5F, 0.9F})), 0.35F);
    EXPECT_FLOAT_EQ(best_threshold(in_one_fold({0.2F, 0.4F}, {})), 0.4F);
    EXPECT_LT(best_threshold(in_one_fold({}, {0.3F, 0.4F})), 0.3F);
    EXPECT_EQ(best_threshold({}), 0);
}

TEST(best_threshold, takes_equal_distances_together) {
    // 0.5 accepts one of each; only before or after all three is a threshold possible.
    EXPECT_LT(best_threshold(in_one_fold({0.5F}, {0.5F, 0.5F})), 0.5F);
    EXPECT_GE(best_threshold(in_one_fold({0.5F, 0.5F}, {0.5F})), 0.5F);
    const float next = std::nextafter(0.5F, 1.0F);
    const float between = best_threshold(in_one_fold({0.5F}, {next}));
    EXPECT_TRUE(between >= 0.5F && between < next);
}

TEST(accuracy, a_fold_is_judged_with_the_threshold_of_the_others) {
    // Fold 0 alone would take 0.35 and be all right; fold 1 gives 0.75, which accepts 0.5.
    const std::vector<scored_pair> pairs{
        {0.2F, true, 0}, {0.5F, false, 0}, {0.6F, true, 1}, {0.9F, false, 1}};
    const auto found = accuracy_over_folds(pairs, 2, true);
    ASSERT_TRUE(found.has_value());
    EXPECT_DOUBLE_EQ(found->mean, 0.5);  // fold 0: 1 of 2; fold 1 with 0.35: 1 of 2
    EXPECT_DOUBLE_EQ(found->standard_error, 0);
}

TEST(accuracy, standard_error_is_the_deviation_of_the_folds_over_the_root) {
    // All thresholds lie between 0.3 and 0.7, so fold 2 has one wrong of two, the others none.
    const std::vector<scored_pair> pairs{{0.2F, true, 0},  {0.8F, false, 0}, {0.3F, true, 1},
                                         {0.7F, false, 1}, {0.2F, false, 2}, {0.2F, true, 2}};
    const auto found = accuracy_over_folds(pairs, 3, true);
    ASSERT_TRUE(found.has_value());
    EXPECT_NEAR(found->mean, 2.5 / 3, 1e-12);
    const double deviation = std::sqrt((2 * 1.0 / 36 + 4.0 / 36) / 2);  // of 1, 1, 0.5
    EXPECT_NEAR(found->standard_error, deviation / std::sqrt(3), 1e-12);
}

TEST(accuracy, a_missed_photo_is_a_wrong_answer_or_none) {
    const std::vector<scored_pair> pairs{{0.2F, true, 0},          {0.8F, false, 0},
                                         {std::nullopt, false, 0}, {std::nullopt, true, 0},
                                         {0.2F, true, 1},          {0.8F, false, 1}};
    EXPECT_DOUBLE_EQ(accuracy_over_folds(pairs, 2, true)->mean, 0.75);
    EXPECT_DOUBLE_EQ(accuracy_over_folds(pairs, 2, false)->mean, 1);
}

TEST(accuracy, needs_two_folds_with_pairs) {
    EXPECT_FALSE(accuracy_over_folds({}, 10, true).has_value());
    EXPECT_FALSE(accuracy_over_folds(in_one_fold({0.1F}, {0.9F}), 10, true).has_value());
    const std::vector<scored_pair> two{
        {0.2F, true, 3}, {0.8F, false, 3}, {0.2F, true, 7}, {0.8F, false, 7}};
    EXPECT_DOUBLE_EQ(accuracy_over_folds(two, 10, true)->mean, 1);  // eight empty folds
    const std::vector<scored_pair> beyond{{0.2F, true, 2}};
    EXPECT_DEATH(static_cast<void>(accuracy_over_folds(beyond, 2, true)), "a fold of the list");
}

TEST(auc, is_the_share_of_pairs_in_the_right_order) {
    const std::vector<std::pair<std::vector<scored_pair>, double>> cases{
        {in_one_fold({0.1F, 0.2F}, {0.8F, 0.9F}), 1},
        {in_one_fold({0.8F, 0.9F}, {0.1F, 0.2F}), 0},
        {in_one_fold({0.1F, 0.5F}, {0.3F, 0.9F}), 0.75},
        {in_one_fold({0.5F, 0.5F}, {0.5F}), 0.5},
        {in_one_fold({0.1F, 0.5F}, {0.5F, 0.9F}), 0.875},
    };
    for (const auto& [pairs, wanted] : cases) EXPECT_DOUBLE_EQ(*area_under_curve(pairs), wanted);
    EXPECT_FALSE(area_under_curve(in_one_fold({0.1F}, {})).has_value());
    EXPECT_FALSE(area_under_curve(in_one_fold({}, {0.1F})).has_value());
    EXPECT_FALSE(area_under_curve({}).has_value());
}

TEST(tar_at_far, takes_the_largest_threshold_that_the_rate_allows) {
    const auto pairs = in_one_fold({0.1F, 0.3F, 0.5F, 0.7F}, {0.2F, 0.4F, 0.6F, 0.8F});
    const std::vector<std::pair<double, double>> cases{{0, 0.25},   {0.24, 0.25}, {0.25, 0.5},
                                                       {0.5, 0.75}, {0.75, 1},    {1, 1}};
    for (const auto& [far, tar] : cases) EXPECT_DOUBLE_EQ(*tar_at_far(pairs, far), tar) << far;
}

TEST(tar_at_far, never_accepts_a_part_of_equal_distances) {
    const auto tied = in_one_fold({0.1F, 0.2F, 0.3F}, {0.2F, 0.2F, 0.9F, 0.9F});
    EXPECT_DOUBLE_EQ(*tar_at_far(tied, 0.25), 1.0 / 3);  // one of both would be too many
    EXPECT_DOUBLE_EQ(*tar_at_far(tied, 0.5), 1);
    EXPECT_FALSE(tar_at_far(in_one_fold({0.1F}, {}), 0.1).has_value());
    EXPECT_FALSE(tar_at_far(in_one_fold({}, {0.1F}), 0.1).has_value());
    auto missed = in_one_fold({0.1F, 0.2F}, {0.9F});
    missed.push_back({std::nullopt, true, 0});
    missed.push_back({std::nullopt, false, 0});
    EXPECT_DOUBLE_EQ(*tar_at_far(missed, 0), 1);
}

TEST(accepted_at, is_not_fooled_by_floating_point) {
    EXPECT_EQ(accepted_at(0.29, 100), 29U);  // 0.29 * 100 is 28.999999999999996
    EXPECT_EQ(accepted_at(1e-3, 500), 0U);
    EXPECT_EQ(accepted_at(1e-3, 999), 0U);
    EXPECT_EQ(accepted_at(1e-3, 1'000), 1U);
    EXPECT_EQ(accepted_at(1, 7), 7U);
}

}  // namespace
}  // namespace vultus::lfw
