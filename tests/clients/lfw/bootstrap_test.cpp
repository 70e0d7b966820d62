// The bootstrap over people, compared with the same figures of explicitly repeated people.
#include "clients/lfw/bootstrap.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "clients/lfw/verification.hpp"
#include "tests/clients/lfw/faces_support.hpp"

namespace vultus::lfw {
namespace {

using testing::at;

TEST(draw_people, takes_as_many_as_there_are_and_repeats_itself) {
    std::vector<numbered_face> faces;
    for (std::uint32_t person = 0; person < 40; person += 2) faces.push_back(at(1, person));
    const all_pairs pairs = compare_all(faces);
    const people_draws draws = draw_people(pairs, 50, 7);
    ASSERT_EQ(draws.size(), 50U);
    bool twice = false;
    for (const auto& times : draws) {
        ASSERT_EQ(times.size(), 39U);
        EXPECT_EQ(std::accumulate(times.begin(), times.end(), 0), 20);
        for (std::size_t person = 1; person < times.size(); person += 2) {
            EXPECT_EQ(times[person], 0) << "nobody has this number";
        }
        twice = twice || *std::max_element(times.begin(), times.end()) > 1;
    }
    EXPECT_TRUE(twice);
    EXPECT_EQ(draws, draw_people(pairs, 50, 7));
    EXPECT_NE(draws, draw_people(pairs, 50, 8));
    EXPECT_NE(draws[0], draws[1]);
}

/// The same by hand: everybody written out as often as drawn, pairs of one's own copies left out.
double tar_written_out(const std::vector<numbered_face>& faces,
                       const std::vector<std::uint16_t>& times, double far) {
    std::vector<scored_pair> pairs;
    for (std::size_t i = 0; i < faces.size(); ++i) {
        for (std::size_t j = 0; j < i; ++j) {
            const bool same = faces[i].person == faces[j].person;
            const int copies =
                same ? times[faces[i].person] : times[faces[i].person] * times[faces[j].person];
            const float distance = std::abs(faces[i].vector[0] - faces[j].vector[0]);
            for (int copy = 0; copy < copies; ++copy) pairs.push_back({distance, same, 0});
        }
    }
    return *tar_at_far(pairs, far);
}

TEST(tar_of_draws, is_that_of_the_people_written_out) {
    std::vector<numbered_face> faces;
    for (std::uint32_t person = 0; person < 12; ++person) {
        for (int photo = 0; photo < 6; ++photo) {
            // Whole and half numbers, so that many distances are equal.
            faces.push_back(at(
                static_cast<float>(person * 5U % 12U) + static_cast<float>(photo * photo % 5) / 2,
                person));
        }
    }
    const all_pairs pairs = compare_all(faces);
    const people_draws draws = draw_people(pairs, 30, 3);
    for (const double far : {0.002, 0.01}) {
        const auto shares = tar_of_draws(pairs, far, draws);
        for (std::size_t i = 0; i < draws.size(); ++i) {
            EXPECT_DOUBLE_EQ(shares[i], tar_written_out(faces, draws[i], far)) << far << " " << i;
        }
    }
    const people_draws everybody_once(1, std::vector<std::uint16_t>(12, 1));
    EXPECT_DOUBLE_EQ(tar_of_draws(pairs, 0.01, everybody_once).front(),
                     *tar_at(pairs, distance_at_far(pairs, 0.01)));
}

TEST(tar_of_draws, is_no_number_without_a_genuine_pair) {
    const std::vector<numbered_face> faces{at(0, 0), at(1, 0), at(5, 1), at(9, 2)};
    const people_draws draws{{0, 2, 1}, {1, 1, 1}, {3, 0, 0}};
    const auto shares = tar_of_draws(compare_all(faces), 0.01, draws);
    EXPECT_TRUE(std::isnan(shares[0]));
    EXPECT_DOUBLE_EQ(shares[1], 1);
    EXPECT_DOUBLE_EQ(shares[2], 1);  // no impostors at all: everything is accepted
}

TEST(middle_95, leaves_out_a_fortieth_at_each_end) {
    std::vector<double> values;
    for (int i = 1'000; i >= 0; --i) values.push_back(i);
    interval middle = middle_95(values);
    EXPECT_EQ(middle.low, 25);
    EXPECT_EQ(middle.high, 975);
    values.assign(5, std::nan(""));
    values.push_back(3);
    middle = middle_95(values);
    EXPECT_EQ(middle.low, 3);
    EXPECT_EQ(middle.high, 3);
    EXPECT_DEATH(static_cast<void>(middle_95({std::nan("")})), "a value");
}

TEST(differences, are_taken_draw_by_draw) {
    EXPECT_EQ(differences({3, 1}, {1, 4}), (std::vector<double>{2, -3}));
    EXPECT_DEATH(static_cast<void>(differences({3}, {})), "as many");
}

}  // namespace
}  // namespace vultus::lfw
