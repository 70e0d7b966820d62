// The chance that a stranger gets a name, compared with all possible galleries and with simulated
// people.
#include "workers/calibration/naming_chance.hpp"
#include "workers/calibration/table_of_pairs.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "clients/lfw/trial.hpp"
#include "clients/lfw/verification.hpp"
#include "tests/clients/lfw/faces_support.hpp"

namespace vultus::lfw {
namespace {

using testing::at;

TEST(chance_of_none, is_that_of_drawing_without_putting_back) {
    EXPECT_DOUBLE_EQ(chance_of_none(0, 10, 5), 1);
    EXPECT_NEAR(chance_of_none(1, 10, 4), 0.6, 1e-12);
    EXPECT_NEAR(chance_of_none(2, 10, 4), 0.6 * 5 / 9, 1e-12);
    EXPECT_DOUBLE_EQ(chance_of_none(3, 10, 8), 0);  // 8 of 10 cannot avoid 3
    EXPECT_DOUBLE_EQ(chance_of_none(10, 10, 1), 0);
    EXPECT_NEAR(chance_of_none(2.5, 10, 1), 0.75, 1e-12);
    EXPECT_NEAR(chance_of_none(0.5, 10, 7), (1 + 0.3) / 2, 1e-12);     // half the time near
    EXPECT_NEAR(chance_of_none(2, 10, 11), std::pow(0.8, 11), 1e-12);  // more than there are
    EXPECT_NEAR(chance_of_none(1, 1e6, 1'000), 1 - 1e-3, 1e-9);
    EXPECT_DEATH(static_cast<void>(chance_of_none(3, 2, 1)), "a part of others");
}

/// Every gallery of two other people, every photo of them, every photo of the stranger.
double by_hand(const std::vector<std::vector<float>>& people, float distance) {
    double chance = 0, strangers = 0;
    for (std::size_t who = 0; who < people.size(); ++who) {
        double named = 0, tries = 0;
        for (const float photo : people[who]) {
            for (std::size_t a = 0; a < people.size(); ++a) {
                for (std::size_t b = 0; b < a; ++b) {
                    if (a == who || b == who) continue;
                    const bool near = std::abs(people[a][0] - photo) <= distance ||
                                      std::abs(people[b][0] - photo) <= distance;
                    tries += 1;
                    named += near ? 1 : 0;
                }
            }
        }
        chance += named / tries;
        strangers += 1;
    }
    return chance / strangers;
}

TEST(naming_chance, is_the_share_of_all_galleries_that_name_the_stranger) {
    const std::vector<std::vector<float>> people{{0}, {1}, {3}, {3.5F}, {9}, {20}};
    std::vector<numbered_face> faces;
    for (std::uint32_t person = 0; person < people.size(); ++person) {
        for (const float place : people[person]) faces.push_back(at(place, person));
    }
    const all_pairs pairs = compare_all(faces);
    for (const float distance : {0.4F, 0.5F, 1.0F, 2.0F, 3.5F, 6.0F, 30.0F}) {
        EXPECT_NEAR(naming_chance(pairs, distance, 2), by_hand(people, distance), 1e-9) << distance;
    }
}

TEST(naming_chance, counts_people_not_photos) {
    // The stranger at 0 is near one of two people, whoever has how many photos.
    std::vector<numbered_face> faces{at(0, 0), at(1, 1), at(50, 2)};
    const double once = naming_chance(compare_all(faces), 2, 1);
    EXPECT_NEAR(once, (0.5 + 0.5 + 0) / 3, 1e-12);
    for (int copy = 0; copy < 9; ++copy) faces.push_back(at(1, 1));
    EXPECT_NEAR(naming_chance(compare_all(faces), 2, 1), once, 1e-12);
    // Half of his photos near: half a person.
    faces = {at(0, 0), at(1, 1), at(40, 1), at(90, 2)};
    EXPECT_NEAR(naming_chance(compare_all(faces), 2, 1), (0.25 + 0.5 * 0.5 + 0) / 3, 1e-12);
    // A gallery of two of the three others: for 0, person 1 is in two of three, near half the time.
    faces.push_back(at(95, 3));
    EXPECT_NEAR(naming_chance(compare_all(faces), 2, 2), (1.0 / 3 + 0.5 * 2 / 3 + 0 + 0) / 4,
                1e-12);
}

TEST(distance_for_chance, is_the_largest_within_the_chance) {
    const all_pairs pairs = compare_all(testing::crowd(150, 3, 0.1, 2));
    for (const int gallery : {1, 5, 50}) {
        for (const double chance : {0.01, 0.05, 0.2}) {
            const auto distance = distance_for_chance(pairs, gallery, chance);
            ASSERT_TRUE(distance.has_value());
            EXPECT_LE(naming_chance(pairs, *distance, gallery), chance + 1e-9);
            EXPECT_GT(naming_chance(pairs, std::nextafter(*distance, 100.0F), gallery), chance);
        }
    }
    EXPECT_GT(*distance_for_chance(pairs, 5, 0.2), *distance_for_chance(pairs, 50, 0.2));
}

TEST(distance_for_chance, excludes_all_equal_distances_together) {
    const std::vector<numbered_face> faces{at(0, 0), at(1, 1), at(2, 2), at(3, 3)};
    const all_pairs pairs = compare_all(faces);  // 1 1 1 2 2 3
    // At 1 the chance is (1/3 + 2/3 + 2/3 + 1/3) / 4 = 0.5 for a gallery of one.
    EXPECT_NEAR(naming_chance(pairs, 1, 1), 0.5, 1e-12);
    EXPECT_LT(*distance_for_chance(pairs, 1, 0.4), 1);
    EXPECT_GE(*distance_for_chance(pairs, 1, 0.5), 1);
}

TEST(distance_for_chance, says_nothing_beyond_the_pairs_kept) {
    const all_pairs part = compare_all(testing::crowd(150, 3, 0, 2), 10);
    EXPECT_FALSE(distance_for_chance(part, 1, 0.9).has_value());
    EXPECT_TRUE(distance_for_chance(part, 50, 0.05).has_value());
    const std::vector<numbered_face> alone{at(0, 0), at(1, 0)};
    EXPECT_DEATH(static_cast<void>(distance_for_chance(compare_all(alone), 1, 0.1)), "two people");
}

TEST(table, says_what_the_single_figures_say) {
    const auto faces = testing::crowd(400, 3, 0.1, 9);
    const all_pairs pairs = compare_all(faces);
    const calibration_table table = table_of(pairs, "hog", "net/plain", "a crowd");
    EXPECT_EQ(table.galleries.back().faces, 300);  // the last that 400 people can tell of
    ASSERT_FALSE(table.comparisons.empty());
    for (const rate_at& one : table.comparisons) {
        EXPECT_NEAR(one.distance, distance_at_far(pairs, one.rate), 1.01e-4);
    }
    for (const gallery_rates& row : table.galleries) {
        if (row.faces != 50) continue;
        for (const rate_at& one : row.rates) {
            EXPECT_NEAR(one.distance, *distance_for_chance(pairs, 50, one.rate), 1.01e-4);
        }
    }
    const auto read = read_calibration(text_of({table}), "text");
    ASSERT_TRUE(read) << read.error().detail;
    EXPECT_EQ(read->front(), table);
}

TEST(try_calibration, observes_what_was_predicted) {
    trial_plan plan;
    plan.galleries = {20, 60, 120};
    plan.draws = 60;
    // Some resemble everybody, so 1 - (1 - FAR) ^ N would be far off.
    const auto rows = try_calibration(testing::crowd(400, 3, 0.1, 9), plan);
    ASSERT_EQ(rows.size(), 6U);
    for (std::size_t i = 0; i < rows.size(); ++i) {
        const trial_row& row = rows[i];
        EXPECT_EQ(row.gallery, plan.galleries[i / 2]);
        EXPECT_EQ(row.expected, plan.chances[i % 2]);
        EXPECT_EQ(row.draws, 60);
        EXPECT_EQ(row.strangers, 200 - row.gallery);
        EXPECT_NEAR(row.observed, row.expected, 0.15 * row.expected + 0.01) << row.gallery;
        EXPECT_GT(row.deviation, 0);
    }
    EXPECT_GT(rows[0].distance, rows[2].distance);
}

TEST(try_calibration, leaves_out_galleries_that_do_not_fit) {
    trial_plan plan;
    plan.galleries = {30, 31};
    plan.draws = 2;
    const auto faces = testing::crowd(100, 1, 0, 4);
    const auto rows = try_calibration(faces, plan);  // 50 people to try on
    ASSERT_EQ(rows.size(), 2U);
    EXPECT_EQ(rows[0].gallery, 30);
    EXPECT_EQ(rows[0].strangers, 20);
    EXPECT_TRUE(try_calibration({}, plan).empty());
    const auto again = try_calibration(faces, plan);
    EXPECT_EQ(again[0].observed, rows[0].observed);
    EXPECT_EQ(again[1].distance, rows[1].distance);
}

}  // namespace
}  // namespace vultus::lfw
