// The scale that all models share: where it is 0.5, that it falls, and the way back.
#include "workers/calibration/similarity.hpp"

#include <gtest/gtest.h>

#include <cmath>

namespace vultus {
namespace {

constexpr double thresholds[] = {0.01, 0.38, 0.55, 1.0, 1.21};

TEST(similarity, is_a_half_at_the_threshold_of_each_model) {
    for (const double threshold : thresholds) {
        EXPECT_DOUBLE_EQ(similarity_at(threshold, threshold), 0.5);
        EXPECT_DOUBLE_EQ(distance_at_similarity(0.5, threshold), threshold);
        EXPECT_NEAR(similarity_at(0, threshold), 0.99995, 1e-5);
        EXPECT_NEAR(similarity_at(threshold / 2, threshold), 0.9933, 1e-4);
        EXPECT_NEAR(similarity_at(threshold * 1.5, threshold), 0.0067, 1e-4);
    }
}

TEST(similarity, falls_with_the_distance_and_stays_a_share) {
    for (const double threshold : thresholds) {
        double before = 1;
        for (double distance = 0; distance <= 3 * threshold; distance += threshold / 50) {
            const double now = similarity_at(distance, threshold);
            EXPECT_LT(now, before);
            EXPECT_GT(now, 0);
            before = now;
        }
        EXPECT_EQ(similarity_at(1e30, threshold), 0);
    }
}

TEST(similarity, and_distance_are_the_same_thing) {
    for (const double threshold : thresholds) {
        for (double wanted = similarity_least; wanted <= similarity_most; wanted += 0.01) {
            const double distance = distance_at_similarity(wanted, threshold);
            EXPECT_GT(distance, 0);
            EXPECT_LE(distance, 2);
            EXPECT_NEAR(similarity_at(distance, threshold), wanted, 1e-9);
        }
    }
    EXPECT_EQ(distance_at_similarity(similarity_least, 1.9), 2) << "no distance is larger";
}

TEST(similarity, of_a_request_lies_in_its_range) {
    EXPECT_DEATH(distance_at_similarity(0.0099, 1), "a similarity that a request may set");
    EXPECT_DEATH(distance_at_similarity(0.9901, 1), "a similarity that a request may set");
    EXPECT_DEATH(distance_at_similarity(std::nan(""), 1), "a similarity that a request may set");
    EXPECT_DEATH(similarity_at(1, 0), "distances");
}

}  // namespace
}  // namespace vultus
