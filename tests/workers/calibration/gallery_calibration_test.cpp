// What a calibrate says of small galleries whose distances are known: faces on a line.
#include "workers/calibration/gallery_calibration.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

namespace vultus {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

class calibrating : public ::testing::Test {
 protected:
    /// A face at a place of the line, in steps of 0.05.
    void add(const std::string& label, int steps) {
        embedding vector(128);
        vector[0] = static_cast<float>(steps) * 0.05F;
        ASSERT_TRUE(builder_.add("f" + std::to_string(++faces_), label, vector));
    }
    /// Some people, each with two faces one step apart, ten steps from one to the next.
    void add_people(int count) {
        for (int i = 0; i < count; ++i) {
            add("P" + std::to_string(i), 10 * i);
            add("P" + std::to_string(i), 10 * i + 1);
        }
    }
    gallery_calibration found(const calibration_limits& within = {}) {
        auto made = calibrate(*builder_.publish(), rule_, within);
        EXPECT_TRUE(made) << made.error().detail;
        return made ? *made : gallery_calibration{};
    }

    threshold_rule rule_{0.06, 0, 0, {}};
    gallery_builder builder_{3 * epoch_factor};
    int faces_ = 0;
};

TEST_F(calibrating, needs_twenty_people_with_two_faces) {
    add_people(19);
    add("alone", 1'000);
    const auto few = calibrate(*builder_.publish(), rule_);
    ASSERT_FALSE(few);
    EXPECT_EQ(few.error().code, errc::too_few_people);
    EXPECT_EQ(few.error().detail, "20 people with two photos are required, the collection has 19");
    add("alone", 1'001);
    EXPECT_TRUE(calibrate(*builder_.publish(), rule_));
    builder_.remove("f1");
    EXPECT_FALSE(calibrate(*builder_.publish(), rule_)) << "a removed face does not count";
}

TEST_F(calibrating, counts_pairs_by_distance) {
    add_people(20);
    const auto all = found();
    EXPECT_EQ(all.version, 3 * epoch_factor);
    EXPECT_EQ(all.people, 20u);
    EXPECT_EQ(all.faces_compared, 40u);
    EXPECT_EQ(all.people_with_two, 20u);
    EXPECT_EQ(all.genuine_pairs, 20u);
    EXPECT_THAT(all.genuine, ElementsAre(0, 0, 20));  // 0.05
    EXPECT_EQ(all.impostor_pairs, 40u * 39 / 2 - 20);
    std::uint64_t sum = 0;
    for (const std::uint64_t count : all.impostors) sum += count;
    EXPECT_EQ(sum, all.impostor_pairs);
    EXPECT_EQ(all.impostors[22], 19u) << "0.45: one pair of each two neighbours";
    EXPECT_NE(all.impostors.back(), 0u);
}

TEST_F(calibrating, gives_distances_for_rates_and_what_the_present_one_means) {
    add_people(40);
    const auto all = found();
    EXPECT_EQ(all.distance_max, 0.06);
    EXPECT_EQ(all.true_match_rate, 1.0);
    EXPECT_EQ(all.false_match_rate, 0.0);
    EXPECT_EQ(all.stranger_rate, 0.0);
    // 1 % of 3,120 pairs are 31; 39 are at 0.45, and none of them may be accepted then.
    ASSERT_EQ(all.comparisons.size(), 1u);
    EXPECT_EQ(all.comparisons[0].rate, 0.01);
    EXPECT_LT(all.comparisons[0].distance, 0.45);
    EXPECT_GT(all.comparisons[0].distance, 0.449);
    EXPECT_EQ(all.comparisons[0].true_match_rate, 1.0);
    ASSERT_THAT(all.strangers, testing::SizeIs(2)) << "1 % of 39 people are nobody";
    EXPECT_LT(all.strangers[0].distance, 0.45) << "at 0.45 everybody is named";
    EXPECT_THAT(all.suspicious, IsEmpty());

    rule_.distance_max = 0.46;
    EXPECT_GT(*found().stranger_rate, 0.3);
    EXPECT_NEAR(*found().false_match_rate, 39.0 / 3'120, 1e-9);
}

TEST_F(calibrating, lists_faces_that_are_nearer_to_others) {
    add_people(20);
    add("P3", 55);    // of P5 rather: 0.2 from there, 1.2 from its own
    add("P4", 103);   // of P10, by 0.1
    add("alone", 2);  // nobody to compare it with
    const auto all = found();
    ASSERT_EQ(all.suspicious.size(), 2u);
    const auto& first = all.suspicious[0];
    EXPECT_EQ(first.label, "P4");
    EXPECT_EQ(first.face_id, "f42");
    EXPECT_NEAR(first.distance, 3.1, 1e-5);
    EXPECT_EQ(first.other_label, "P10");
    EXPECT_EQ(first.other_face_id, "f22");
    EXPECT_NEAR(first.other_distance, 0.1, 1e-5);
    EXPECT_EQ(all.suspicious[1].face_id, "f41");
    EXPECT_EQ(all.suspicious_left_out, 0u);
    calibration_limits one;
    one.suspicious = 1;
    EXPECT_THAT(found(one).suspicious, testing::SizeIs(1));
    EXPECT_EQ(found(one).suspicious_left_out, 1u);
}

TEST_F(calibrating, of_a_large_collection_some_people_are_compared_those_with_two_faces_first) {
    for (int i = 0; i < 500; ++i) add("single " + std::to_string(i), 10'000 + 10 * i);
    add_people(30);
    for (int i = 2; i < 20; ++i) add("P7", 70 + i);
    calibration_limits within;
    within.faces = 100;
    within.faces_a_person = 5;
    const auto some = found(within);
    EXPECT_EQ(some.people, 530u);
    EXPECT_EQ(some.faces, 578u);
    EXPECT_EQ(some.faces_compared, 100u);
    EXPECT_EQ(some.people_compared, 30u + 37) << "63 faces of the 30, then others";
    EXPECT_EQ(some.people_with_two, 30u);
    within.faces = 50;
    EXPECT_LE(found(within).faces_compared, 50u);
    EXPECT_EQ(found(within).people_with_two, found(within).people_compared);
}

}  // namespace
}  // namespace vultus
