// A run from pairs and outputs to figures, and the figures as text, JSON and SVG.
#include "clients/lfw/evaluation.hpp"

#include <gtest/gtest.h>

#include <boost/json.hpp>

#include "clients/lfw/report.hpp"

namespace vultus::lfw {
namespace {

/// Two photos each of 40 people, person i at i and i + 0.25 + i / 150: impostors are 0.49 apart or
/// more. The mirror image shows everybody at 0. The last photo has no face.
struct scene {
    pair_list list{2, {}};
    std::vector<photo_id> photos;
    std::vector<std::optional<raw_face>> faces;

    scene() {
        for (int i = 0; i < 40; ++i) {
            const std::string name{static_cast<char>('A' + i / 10),
                                   static_cast<char>('0' + i % 10)};
            for (int number = 1; number <= 2; ++number) {
                photos.push_back({name, number});
                raw_face face{embedding(128), embedding(128)};
                const auto place = static_cast<float>(i);
                face.chip[0] = number == 1 ? place : place + 0.25F + place / 150;
                face.chip[1] = 1;
                faces.emplace_back(face);
            }
        }
        faces.back().reset();
        for (int i = 0; i < 20; ++i) {  // of the people named A and B, and the one without a face
            list.pairs.push_back({photo(i), photo(i, 2), i % 2, 0});
            list.pairs.push_back({photo(i), photo((i + 1) % 20, 2), i % 2, 0});
        }
        list.pairs.push_back({photo(39), photo(39, 2), 0, 0});
        list.pairs.push_back({photo(0), photo(39, 2), 1, 0});
    }

    photo_id photo(int person, int number = 1) const {
        return photos[static_cast<std::size_t>(2 * person + number - 1)];
    }

    run_figures run(const plan& what) const { return evaluate(list, photos, faces, what); }
};

std::vector<std::string> kinds(const std::vector<std::string>& words) {
    std::vector<std::string> names;
    for (const std::string& word : words) names.push_back(dlib_embedder(word));
    return names;
}

TEST(evaluate, counts_photos_and_pairs) {
    const run_figures run = scene().run({});
    EXPECT_EQ(run.photos, 80U);
    EXPECT_EQ(run.missed, 1U);
    EXPECT_EQ(run.pairs, 42U);
    EXPECT_EQ(run.genuine_missed, 1U);
    EXPECT_EQ(run.impostors_missed, 1U);
    ASSERT_EQ(run.variants.size(), 1U);
    const variant_figures& plain = run.variants.front();
    EXPECT_NEAR(plain.list.accuracy->mean, (20.0 / 21 + 20.0 / 21) / 2, 1e-12);
    EXPECT_DOUBLE_EQ(plain.list.accuracy_found->mean, 1);
    EXPECT_DOUBLE_EQ(*plain.list.auc, 1);
    EXPECT_EQ(plain.genuine, 20U);  // of the photos named: 41, one person alone
    EXPECT_EQ(plain.impostors, 41U * 40 / 2 - 20);
    EXPECT_DOUBLE_EQ(plain.rates[0].tar, 1);
    EXPECT_FALSE(plain.rates[0].gain.has_value());
    EXPECT_FALSE(plain.calibration.has_value());
}

TEST(evaluate, gains_are_over_the_first_kind_and_of_the_same_draws) {
    plan what;
    what.variants = kinds({"plain", "mirror", "unit"});
    what.draws = 100;
    const run_figures run = scene().run(what);
    ASSERT_EQ(run.variants.size(), 3U);
    for (std::size_t i = 1; i < 3; ++i) {
        for (std::size_t rate = 0; rate < 2; ++rate) {
            const rate_figures& one = run.variants[i].rates[rate];
            EXPECT_DOUBLE_EQ(*one.gain, one.tar - run.variants[0].rates[rate].tar);
            EXPECT_LE(one.gain_95.low, *one.gain);
            EXPECT_GE(one.gain_95.high, *one.gain);
        }
    }
    // Everything is half as far with the mirror at 0, and in the same order.
    EXPECT_DOUBLE_EQ(*run.variants[1].rates[0].gain, 0);
    EXPECT_EQ(run.variants[1].rates[0].gain_95.high, 0);
    EXPECT_NEAR(run.variants[1].rates[0].distance, run.variants[0].rates[0].distance / 2, 1e-6);
    // Scaled to length 1, the far ones stand close together.
    EXPECT_LT(*run.variants[2].rates[0].gain, -0.1);
    EXPECT_LT(run.variants[2].rates[0].gain_95.high, 0);
}

TEST(evaluate, calibrates_on_all_photos) {
    plan what;
    what.calibrate = true;
    what.galleries = {5};
    what.threshold_rates = {1e-2, usual_false_match_rate};
    what.draws = 10;
    const run_figures run = scene().run(what);
    const calibration_figures& found = *run.variants[0].calibration;
    EXPECT_EQ(found.people, 40U);
    EXPECT_EQ(found.faces, 79U);
    EXPECT_EQ(found.genuine, 39U);
    EXPECT_EQ(found.impostors, 79U * 78 / 2 - 39);
    ASSERT_EQ(found.thresholds.size(), 2U);
    ASSERT_EQ(found.galleries.size(), 2U);
    EXPECT_LT(found.galleries[0].distance, found.galleries[1].distance);
    EXPECT_LT(found.galleries[0].far, found.galleries[1].far);
    EXPECT_EQ(found.usually->distance, found.thresholds[1].distance);
    EXPECT_LE(found.usually->far, usual_false_match_rate);
    EXPECT_EQ(found.usually->tar, found.thresholds[1].tar);
    ASSERT_EQ(found.usually->stranger_named.size(), 1U);
    EXPECT_GE(found.usually->stranger_named[0], found.usually->far);
    EXPECT_TRUE(found.trials.empty());  // 40 people are too few
}

// Vectors of another network beside dlib's, of the same faces.
TEST(evaluate, compares_embedders_and_names_the_pair_in_the_table) {
    scene all;
    for (auto& face : all.faces) {
        if (face) face->others.emplace("far/unit", embedding(256));
        if (face) face->others.find("far/unit")->second[0] = 2 * face->chip[0];
    }
    plan what;
    what.detector = "yunet";
    what.variants = {"far/unit", dlib_embedder("plain")};
    what.calibrate = true;
    what.galleries = {5};
    what.draws = 10;
    const run_figures run = all.run(what);
    ASSERT_EQ(run.variants.size(), 2U);
    EXPECT_NEAR(run.variants[0].rates[0].distance, 2 * run.variants[1].rates[0].distance, 1e-5);
    EXPECT_EQ(run.variants[0].calibration->table.detector, "yunet");
    EXPECT_EQ(run.variants[0].calibration->table.embedder, "far/unit");
    EXPECT_EQ(run.variants[1].calibration->table.embedder, "dlib_resnet_v1/plain");
    const auto json = boost::json::parse(json_report(run)).as_object();
    EXPECT_TRUE(json.at("embeddings").as_object().contains("far/unit"));
    EXPECT_TRUE(json.at("embeddings").as_object().contains("plain"));
}

TEST(evaluate, wants_photos_that_were_looked_at) {
    scene all;
    all.list.pairs.push_back({{"Z", 1}, {"Z", 2}, 0, 0});
    EXPECT_DEATH(static_cast<void>(all.run({})), "was looked at");
}

TEST(report, json_has_the_keys_of_one_kind_or_of_each) {
    plan what;
    what.calibrate = true;
    what.galleries = {5};
    what.draws = 10;
    const auto one = boost::json::parse(json_report(scene().run(what))).as_object();
    for (const char* key : {"accuracy", "accuracy_se", "tar_at_far_1e-2", "tar_at_far_1e-3", "auc",
                            "missed", "ms_per_photo", "all_pairs_tar_at_far_1e-3",
                            "all_pairs_tar_at_far_1e-4_low", "all_pairs_tar_at_far_1e-4_high"}) {
        EXPECT_TRUE(one.contains(key)) << key;
    }
    EXPECT_EQ(one.at("embedding"), "plain");
    EXPECT_EQ(one.at("embedder"), "dlib_resnet_v1/plain");
    EXPECT_DOUBLE_EQ(one.at("missed").as_double(), 0.0125);
    EXPECT_NEAR(one.at("accuracy").as_double(), 20.0 / 21, 1e-6);
    EXPECT_EQ(one.at("calibration").at("galleries").as_array().size(), 2U);
    EXPECT_EQ(one.at("calibration").at("default").at("galleries").as_array().size(), 1U);
    what.variants = kinds({"plain", "mirror", "unit", "mirror_unit"});
    const auto all = boost::json::parse(json_report(scene().run(what))).as_object();
    EXPECT_FALSE(all.contains("accuracy"));
    EXPECT_EQ(all.at("embeddings").as_object().size(), 4U);
    EXPECT_TRUE(
        all.at("embeddings").at("unit").as_object().contains("all_pairs_tar_at_far_1e-3_gain_low"));
}

TEST(report, what_there_is_no_number_for_is_null_or_a_dash) {
    scene all;
    std::erase_if(all.list.pairs, [](const photo_pair& pair) { return pair.same(); });
    const run_figures run = all.run({});
    const auto json = boost::json::parse(json_report(run)).as_object();
    EXPECT_TRUE(json.at("auc").is_null());
    EXPECT_TRUE(json.at("tar_at_far_1e-2").is_null());
    EXPECT_NE(text_report(run).find("  -\n"), std::string::npos);
}

TEST(report, tables_say_what_was_measured) {
    plan what;
    what.variants = kinds({"plain", "mirror"});
    what.calibrate = true;
    what.galleries = {5};
    what.draws = 10;
    run_figures run = scene().run(what);
    run.detector = "hog";
    run.threads = 2;
    run.ms_per_photo = 43.21;
    run.variants[0].calibration->trials = {{50, 0.05, 0.0512, 0.01, 0.56, 20, 805}};
    const std::string text = text_report(run);
    for (const char* words :
         {"80 photos, detector hog: 1 without a face (1.25 %)", "43.2 ms of one core per photo",
          "in 1 matched and 1 mismatched", "plain      0.9524 +- 0.0000  1.0000 +- 0.0000",
          "gain over plain", "20 of one person, 800 of two", "ROC of all these pairs",
          "Calibration on 40 people, 79 faces", "TAR    by 5", "0.5600     5.00 %    5.12 %"}) {
        EXPECT_NE(text.find(words), std::string::npos) << words << "\n" << text;
    }
    const std::vector<std::pair<double, std::string>> rates{
        {1e-5, "1e-5"},       {2.346e-4, "2.35e-4"}, {0.05, "5e-2"}, {1, "1e0"},
        {0.00999, "9.99e-3"}, {0.0099999, "1e-2"},   {0, "0"},       {1.0 / 3, "3.33e-1"}};
    for (const auto& [rate, wanted] : rates) EXPECT_EQ(power(rate), wanted);
    EXPECT_EQ(fixed(1.25, 1), "1.2");
    EXPECT_EQ(fixed(std::nullopt, 1), "-");
}

TEST(report, the_drawing_has_a_curve_for_each_kind) {
    plan what;
    what.variants = kinds({"plain", "unit"});
    what.draws = 10;
    const std::string svg = roc_drawing(scene().run(what));
    EXPECT_TRUE(svg.starts_with("<svg ")) << svg;
    EXPECT_TRUE(svg.ends_with("</svg>\n"));
    std::size_t curves = 0;
    for (auto from = svg.find("<polyline"); from != std::string::npos;
         from = svg.find("<polyline", from + 1)) {
        ++curves;
    }
    EXPECT_EQ(curves, 2U);
    // TAR 1 at FAR 1e-2 is the top right corner of the field.
    EXPECT_NE(svg.find("540.0,20.0\"/>"), std::string::npos) << svg;
}

}  // namespace
}  // namespace vultus::lfw
