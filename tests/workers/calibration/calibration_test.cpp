// Rates to distances and back, the file they are in, and what is refused.
#include "workers/calibration/calibration.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cmath>
#include <cstdio>
#include <fstream>

#include "shared/config/settings.hpp"

namespace vultus {
namespace {

using ::testing::HasSubstr;

calibration_table table() {
    return {"hog",
            "dlib_resnet_v1/mirror_unit",
            "made up: 4 faces of 2 people",
            {{0.0001, 0.34}, {0.001, 0.38}, {0.01, 0.42}},
            {{1, {{0.001, 0.38}, {0.01, 0.42}}},
             {10, {{0.001, 0.36}, {0.01, 0.40}, {0.1, 0.44}}},
             {100, {{0.001, 0.34}, {0.01, 0.38}, {0.1, 0.42}}}}};
}

TEST(calibration, a_table_survives_its_text) {
    std::vector<calibration_table> all{table(), table()};
    all[1].embedder = "omz_0095/unit";
    all[1].detector = "centerface";
    const auto read = read_calibration(text_of(all), "file");
    ASSERT_TRUE(read) << read.error().detail;
    EXPECT_EQ(*read, all);
}

TEST(calibration, what_is_no_whole_table_is_refused) {
    const std::string good = text_of({table()});
    const auto refusal = [](std::string text) {
        const auto read = read_calibration(text, "file");
        return read ? std::string("accepted") : read.error().detail;
    };
    EXPECT_EQ(refusal(good), "accepted");
    EXPECT_THAT(refusal(""), HasSubstr("file:0"));
    EXPECT_THAT(refusal("vultus-calibration 2\nend\n"), HasSubstr("file:1"));
    EXPECT_THAT(refusal(good.substr(0, good.size() - 5)), HasSubstr("truncated"));
    EXPECT_THAT(refusal(good + "comparison 0.1 0.5\n"), HasSubstr("after the end"));
    EXPECT_THAT(refusal("vultus-calibration 1\ncomparison 0.1 0.5\nend\n"), HasSubstr("file:2"));
    const auto with = [&](const std::string& line) {
        return refusal(good.substr(0, good.size() - 5) + line + "\nend\n");
    };
    for (const char* line : {"comparison x 0.5", "comparison 0.5", "comparison 0.1 0.5 7",
                             "strangers 200 0.1", "something 1 2"}) {
        EXPECT_THAT(with(line), HasSubstr("expected pair")) << line;
    }
    for (const char* line :
         {"comparison 0.1 0.41", "comparison 0.01 0.5", "comparison 1.5 0.5", "comparison 0.1 2.5",
          "comparison nan 0.5", "strangers 50 0.1 0.3", "strangers 100 0.05 0.5"}) {
        EXPECT_NE(with(line), "accepted") << line;
    }
    for (std::size_t length = 0; length < good.size() - 1; ++length) {
        EXPECT_NE(refusal(good.substr(0, length)), "accepted") << length;
    }
}

TEST(calibration, a_rate_gives_a_distance_and_back) {
    const calibration_table known = table();
    EXPECT_DOUBLE_EQ(*distance_for_false_match(known, 0.001), 0.38);
    EXPECT_NEAR(*distance_for_false_match(known, std::sqrt(1e-3 * 1e-2)), 0.40, 1e-12);
    EXPECT_FALSE(distance_for_false_match(known, 0.00009));
    EXPECT_FALSE(distance_for_false_match(known, 0.011));
    EXPECT_DOUBLE_EQ(*false_match_rate_at(known, 0.38), 0.001);
    EXPECT_FALSE(false_match_rate_at(known, 0.33));
    EXPECT_FALSE(false_match_rate_at(known, 0.43));
    for (double rate = 0.0001; rate < 0.01; rate *= 1.3) {
        EXPECT_NEAR(*false_match_rate_at(known, *distance_for_false_match(known, rate)), rate,
                    rate * 1e-9);
    }
}

TEST(calibration, more_faces_need_a_smaller_distance) {
    const calibration_table known = table();
    EXPECT_DOUBLE_EQ(*distance_for_strangers(known, 0.01, 10), 0.40);
    EXPECT_NEAR(*distance_for_strangers(known, 0.01, 31), 0.39, 0.001);
    EXPECT_DOUBLE_EQ(*distance_for_strangers(known, 0.01, 0), 0.42);  // as for one face
    EXPECT_DOUBLE_EQ(*distance_for_strangers(known, 0.1, 1), 0.42);   // not measured: the largest
    EXPECT_NEAR(*distance_for_strangers(known, 0.01, 316), 0.37, 1e-4);  // the line goes on
    EXPECT_FALSE(is_extrapolated(known, 100));
    EXPECT_TRUE(is_extrapolated(known, 101));
    EXPECT_FALSE(distance_for_strangers(known, 0.2, 10));
    EXPECT_FALSE(distance_for_strangers(known, 0.0001, 10));
    double last = 2;
    for (std::size_t faces = 1; faces < 1'000'000; faces = faces * 3 / 2 + 1) {
        const double distance = *distance_for_strangers(known, 0.01, faces);
        EXPECT_LE(distance, last);
        EXPECT_GT(distance, 0.36) << "the line ends before nobody is recognised";
        const auto rate = stranger_rate_at(known, distance, faces);
        if (faces <= 400) {
            EXPECT_NEAR(rate.value_or(0), 0.01, 1e-6) << faces;
        }
        EXPECT_EQ(rate.has_value(), faces <= 400) << faces;
        last = distance;
    }
    EXPECT_DOUBLE_EQ(*distance_for_strangers(known, 0.01, 1'000'000),
                     *distance_for_strangers(known, 0.01, 400));
    EXPECT_FALSE(stranger_rate_at(known, 0.9, 10));
    EXPECT_FALSE(stranger_rate_at(known, 0.1, 10));
    EXPECT_FALSE(stranger_rate_at({}, 0.4, 10));
}

TEST(calibration, the_rule_says_which_distance) {
    EXPECT_EQ(threshold_rule{}.distance_for(7), 0.55);
    const threshold_rule comparisons{0, 0.001, 0, table()}, strangers{0, 0, 0.01, table()};
    EXPECT_DOUBLE_EQ(comparisons.distance_for(1), 0.38);
    EXPECT_DOUBLE_EQ(comparisons.distance_for(1'000), 0.38);
    EXPECT_DOUBLE_EQ(strangers.distance_for(10), 0.40);
    EXPECT_DOUBLE_EQ(strangers.distance_for(100), 0.38);
}

class loading_threshold : public ::testing::Test {
 protected:
    void SetUp() override {
        settings.calibration = ::testing::TempDir() + "calibration" + std::to_string(getpid());
        std::ofstream(settings.calibration) << text_of({table()});
    }
    void TearDown() override { std::remove(settings.calibration.c_str()); }
    std::string refusal() {
        const auto rules = load_thresholds(settings);
        if (rules) return "accepted";
        EXPECT_EQ(rules.error().code, errc::bad_option);
        return rules.error().detail;
    }
    threshold_rule rule(std::string_view detector = "hog",
                        std::string_view embedder = "dlib_resnet_v1/mirror_unit") {
        const auto rules = load_thresholds(settings);
        EXPECT_TRUE(rules) << (rules ? "" : rules.error().detail);
        return rules ? rules->of(detector, embedder) : threshold_rule{};
    }
    void write(const std::vector<calibration_table>& tables) {
        std::ofstream(settings.calibration) << text_of(tables);
    }
    worker_settings settings;
};

TEST_F(loading_threshold, takes_the_one_that_is_set_or_one_comparison_in_a_thousand) {
    EXPECT_DOUBLE_EQ(rule().distance_for(100), 0.38);
    settings.false_match_rate = 0.01;
    EXPECT_DOUBLE_EQ(rule().distance_for(100), 0.42);
    settings.false_match_rate = 0;
    settings.stranger_rate = 0.1;
    EXPECT_DOUBLE_EQ(rule().distance_for(100), 0.42);
    settings.stranger_rate = 0;
    settings.distance_max = 0.5;
    EXPECT_DOUBLE_EQ(rule().distance_for(100), 0.5);
}

TEST_F(loading_threshold, says_what_is_wrong_with_the_file_or_the_rate) {
    settings.stranger_rate = 0.5;
    EXPECT_THAT(refusal(), HasSubstr("worker.stranger_rate: not measured"));
    settings.stranger_rate = 0;
    settings.false_match_rate = 0.4;
    EXPECT_THAT(refusal(), HasSubstr("worker.false_match_rate: not measured"));
    settings.embedding = "plain";
    EXPECT_THAT(refusal(), HasSubstr("no table for worker.embedding = plain"));
    std::ofstream(settings.calibration) << "something else\n";
    EXPECT_THAT(refusal(), HasSubstr("not a calibration table"));
    std::remove(settings.calibration.c_str());
    EXPECT_THAT(refusal(), HasSubstr("cannot be read"));
}

/// The table with every distance multiplied.
calibration_table scaled(const std::string& detector, const std::string& embedder, double factor) {
    calibration_table made = table();
    made.detector = detector;
    made.embedder = embedder;
    for (rate_at& one : made.comparisons) one.distance *= factor;
    for (gallery_rates& row : made.galleries) {
        for (rate_at& one : row.rates) one.distance *= factor;
    }
    return made;
}

TEST_F(loading_threshold, each_pair_has_its_own_and_an_embedder_any_of_its_tables) {
    write({table(), scaled("centerface", "omz_0095/unit", 2), scaled("yunet", "omz_0095/unit", 3),
           scaled("centerface", "dlib_resnet_v1/mirror_unit", 1.1)});
    EXPECT_NEAR(rule().distance_for(1), 0.38, 1e-9);
    EXPECT_NEAR(rule("centerface").distance_for(1), 0.418, 1e-9);
    EXPECT_NEAR(rule("cnn").distance_for(1), 0.38, 1e-9) << "as with hog: the first";
    EXPECT_NEAR(rule("centerface", "omz_0095/unit").distance_for(1), 0.76, 1e-9);
    EXPECT_NEAR(rule("yunet", "omz_0095/unit").distance_for(1), 1.14, 1e-9);
    EXPECT_NEAR(rule("hog", "omz_0095/unit").distance_for(1), 0.76, 1e-9);
    const auto rules = load_thresholds(settings);
    ASSERT_TRUE(rules);
    EXPECT_TRUE(rules->has("omz_0095/unit"));
    EXPECT_TRUE(rules->has("dlib_resnet_v1/mirror_unit"));
    EXPECT_FALSE(rules->has("dlib_resnet_v1/plain"));
    EXPECT_FALSE(rules->has("sface/unit"));
}

TEST_F(loading_threshold, a_fixed_distance_is_that_of_one_embedder) {
    write({table(), scaled("hog", "dlib_resnet_v1/plain", 1.5),
           scaled("centerface", "omz_0095/unit", 2)});
    settings.distance_max = 0.31;
    EXPECT_DOUBLE_EQ(rule().distance_for(1), 0.31);
    EXPECT_NEAR(rule("hog", "dlib_resnet_v1/plain").distance_for(1), 0.57, 1e-9);
    EXPECT_NEAR(rule("centerface", "omz_0095/unit").distance_for(1), 0.76, 1e-9);
    settings.distances = {{"omz_0095/unit", 0.9}, {"sface/unit", 1.1}};
    EXPECT_DOUBLE_EQ(rule("centerface", "omz_0095/unit").distance_for(1), 0.9);
    EXPECT_FALSE(rule("centerface", "omz_0095/unit").table.comparisons.empty())
        << "its rates are still known";
    EXPECT_DOUBLE_EQ(rule("hog", "sface/unit").distance_for(1), 1.1);
    EXPECT_TRUE(load_thresholds(settings)->has("sface/unit"));
    settings.distances = {{"dlib_resnet_v1/mirror_unit", 0.3}};
    EXPECT_DOUBLE_EQ(rule().distance_for(1), 0.3);
}

TEST_F(loading_threshold, a_table_without_the_rate_is_left_out) {
    calibration_table without_it = scaled("centerface", "omz_0095/unit", 2);
    without_it.comparisons.erase(without_it.comparisons.begin());
    write({table(), without_it});
    settings.false_match_rate = 0.0005;
    EXPECT_FALSE(load_thresholds(settings)->has("omz_0095/unit"));
    settings.false_match_rate = 0.002;
    EXPECT_TRUE(load_thresholds(settings)->has("omz_0095/unit"));
}

TEST_F(loading_threshold, a_file_of_kinds_is_of_hog_and_dlibs_network) {
    std::string text = text_of({table()});
    const std::string now = "pair hog dlib_resnet_v1/mirror_unit";
    ASSERT_NE(text.find(now), std::string::npos);
    text.replace(text.find(now), now.size(), "kind mirror_unit");
    const auto read = read_calibration(text, "file");
    ASSERT_TRUE(read) << read.error().detail;
    EXPECT_EQ(read->front(), table());
    for (const char* line : {"kind", "kind a b", "pair hog", "pair hog a/b c"}) {
        const auto bad =
            read_calibration(std::string("vultus-calibration 1\n") + line + "\nend\n", "file");
        ASSERT_FALSE(bad) << line;
        EXPECT_THAT(bad.error().detail, HasSubstr("file:2")) << line;
    }
}

TEST(calibration, the_projects_table_has_every_kind) {
    worker_settings settings;
    settings.calibration = VULTUS_SOURCE_DIR "/" + settings.calibration;
    for (const auto& [kind, usual] :
         {std::pair{"plain", 0.55}, {"mirror", 0.53}, {"unit", 0.39}, {"mirror_unit", 0.38}}) {
        settings.embedding = kind;
        const auto rules = load_thresholds(settings);
        ASSERT_TRUE(rules) << rules.error().detail;
        const threshold_rule* rule = &rules->of("hog", std::string("dlib_resnet_v1/") + kind);
        EXPECT_NEAR(rule->distance_for(50), usual, 0.01) << kind;
        EXPECT_NEAR(*distance_for_strangers(rule->table, 0.05, 50), usual, 0.01) << kind;
        const double few = *distance_for_strangers(rule->table, 0.05, 20);
        EXPECT_GT(few, *distance_for_strangers(rule->table, 0.05, 1'000));
        EXPECT_GT(*distance_for_strangers(rule->table, 0.05, 1'000'000), 0.2);
    }
}

}  // namespace
}  // namespace vultus
