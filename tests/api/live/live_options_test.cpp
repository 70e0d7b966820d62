// The options of a live channel, and the messages of its client.
#include "api/live/live_options.hpp"

#include <gtest/gtest.h>

#include "api/live/json_live.hpp"

namespace vultus::api {
namespace {

TEST(live_options, begin_with_the_defaults_that_the_document_names) {
    EXPECT_EQ(settings_json({}),
              R"({"type":"settings","collection":"default","detector":"default","min_face_px":80,)"
              R"("distance_max":0,"similarity_min":0,"k":0,"tracks":true,"blur":"none"})");
}

TEST(live_options, names_that_are_left_out_keep_their_value) {
    auto options = changed({}, {{"collection", "family"}, {"k", "5"}, {"distance_max", "0.4"}});
    ASSERT_TRUE(options);
    options = changed(*options, {{"blur", "unknown"}, {"tracks", "false"}, {"min_face_px", "40"}});
    ASSERT_TRUE(options);
    options = changed(*options, {{"detector", "cnn"}});
    ASSERT_TRUE(options);
    EXPECT_EQ(settings_json(*options),
              R"({"type":"settings","collection":"family","detector":"cnn","min_face_px":40,)"
              R"("distance_max":0.4,"similarity_min":0,"k":5,"tracks":false,"blur":"unknown"})");
    options = changed(*options, {{"detector", "default"}});
    ASSERT_TRUE(options);
    EXPECT_EQ(options->faces.detector, "");
    options = changed(*options, {{"k", "0"}, {"distance_max", "0"}});
    ASSERT_TRUE(options);
    EXPECT_EQ(options->faces.k, 0);
    EXPECT_EQ(options->faces.distance_max, 0);
}

TEST(live_options, a_similarity_replaces_a_distance_and_the_other_way_round) {
    auto options = changed({}, {{"distance_max", "0.4"}});
    options = changed(*options, {{"similarity_min", "0.7"}});
    ASSERT_TRUE(options);
    EXPECT_EQ(options->faces.similarity_min, 0.7);
    EXPECT_EQ(options->faces.distance_max, 0);
    options = changed(*options, {{"k", "2"}});
    EXPECT_EQ(options->faces.similarity_min, 0.7) << "kept";
    options = changed(*options, {{"distance_max", "0.3"}});
    ASSERT_TRUE(options);
    EXPECT_EQ(options->faces.similarity_min, 0);
    EXPECT_EQ(options->faces.distance_max, 0.3);
    options = changed(*options, {{"similarity_min", "0"}});
    ASSERT_TRUE(options);
    EXPECT_EQ(options->faces.distance_max, 0) << "the service's own";
    EXPECT_EQ(changed({}, {{"distance_max", "0.3"}, {"similarity_min", "0.7"}}).error().code,
              errc::bad_option);
}

TEST(live_options, what_cannot_be_is_refused_by_name) {
    const std::pair<name_values, errc> table[] = {
        {{{"collection", "a:b"}}, errc::bad_collection},
        {{{"detector", "dpm"}}, errc::bad_option},
        {{{"min_face_px", "9"}}, errc::bad_option},
        {{{"min_face_px", "2001"}}, errc::bad_option},
        {{{"k", "101"}}, errc::bad_option},
        {{{"k", "-1"}}, errc::bad_option},
        {{{"distance_max", "2.1"}}, errc::bad_option},
        {{{"similarity_min", "1"}}, errc::bad_option},
        {{{"tracks", "2"}}, errc::bad_option},
        {{{"blur", "faces"}}, errc::bad_option},
        {{{"annotate", "true"}}, errc::bad_option},
        {{{"upsample", "1"}}, errc::bad_option},
    };
    for (const auto& [fields, code] : table) {
        const auto options = changed({}, fields);
        ASSERT_FALSE(options) << fields.begin()->first;
        EXPECT_EQ(options.error().code, code) << fields.begin()->first;
        if (code != errc::bad_option) continue;
        EXPECT_NE(options.error().detail.find(fields.begin()->first), std::string::npos)
            << options.error().detail;
    }
}

TEST(live_options, who_is_blurred) {
    using enum face_status;
    const auto row = [](blur_mode mode) {
        return std::array{is_blurred(mode, known), is_blurred(mode, ambiguous),
                          is_blurred(mode, unknown)};
    };
    EXPECT_EQ(row(blur_mode::none), (std::array{false, false, false}));
    EXPECT_EQ(row(blur_mode::unknown), (std::array{false, true, true}));
    EXPECT_EQ(row(blur_mode::known), (std::array{true, true, false}));
    EXPECT_EQ(row(blur_mode::all), (std::array{true, true, true}));
}

TEST(json_live, the_threshold_follows_from_one_bound_on_two_scales) {
    const auto threshold = [](const std::string& bounds) {
        return parse_live_answer("{" + bounds + R"("faces":[]})")->threshold();
    };
    EXPECT_NEAR(threshold(R"("distance_max":0.38,"similarity_min":0.5,)"), 0.38, 1e-6);
    // 1 / (1 + exp(10 (0.5 / 0.4 - 1))) = 0.0759; 1 / (1 + exp(10 (0.3 / 0.4 - 1))) = 0.9241
    EXPECT_NEAR(threshold(R"("distance_max":0.5,"similarity_min":0.0759,)"), 0.4, 1e-3);
    EXPECT_NEAR(threshold(R"("distance_max":0.3,"similarity_min":0.9241,)"), 0.4, 1e-3);
    EXPECT_EQ(threshold(""), 0) << "an older worker";
    EXPECT_EQ(threshold(R"("distance_max":2,"similarity_min":0,)"), 0) << "too far from it";
    EXPECT_EQ(threshold(R"("distance_max":0.01,"similarity_min":1,)"), 0);
}

TEST(json_live, a_workers_answer_is_read_and_told) {
    const auto answer = parse_live_answer(
        R"({"image":{"width":640,"height":480},"gallery":{"version":12,"people":2,"faces":3},)"
        R"("models":{"detector":"hog"},"faces":[)"
        R"({"box":{"left":-1,"top":2,"right":98,"bottom":101},"detection_score":0.5,"known":0},)"
        R"({"box":{"left":10,"top":2,"right":50,"bottom":40},"detection_score":1,"landmarks":[],)"
        R"("status":"known","label":"A\"da","person_id":"@4122641f37","distance":0.25,)"
        R"("similarity":0.9,"candidates":[],)"
        R"("embedding":[1,0.5],"quality":{"score":0.42,"yaw":-1e1,"odd":1,"roll":"x"}}],)"
        R"("truncated":true,"timing_ms":{"detect":31.5}})");
    ASSERT_TRUE(answer);
    ASSERT_EQ(answer->faces.size(), 2u);
    EXPECT_EQ(answer->faces[0].known, 0u);
    EXPECT_EQ(answer->faces[0].where, (face_box{-1, 2, 98, 101}));
    EXPECT_EQ(answer->faces[1].label,
              "A\"d\x1f"
              "7")
        << "the key of the person";
    EXPECT_EQ(answer->faces[1].similarity, 0.9);
    EXPECT_EQ(answer->faces[1].embedding, (std::vector<float>{1, 0.5}));
    const std::vector<named_face> named{
        {7, answer->faces[0].where, 0.5, face_status::unknown, "", {}, {}, false},
        {0, answer->faces[1].where, 1, face_status::known,
         "A\"d\x1f"
         "7",
         0.25, 0.9, true, "7"}};
    EXPECT_EQ(
        frame_json(17, 3, *answer, named, blur_mode::unknown, 36),
        R"({"type":"frame","seq":17,"dropped":3,"image":{"width":640,"height":480},)"
        R"("gallery":{"version":12,"people":2,"faces":3},"faces":[)"
        R"({"track":7,"box":{"left":-1,"top":2,"right":98,"bottom":101},"detection_score":0.5,)"
        R"("status":"unknown","label":null,"distance":null,"similarity":null,)"
        R"("embedded":false,"blur":true},)"
        R"({"track":null,"box":{"left":10,"top":2,"right":50,"bottom":40},"detection_score":1,)"
        R"("status":"known","label":"A\"d","person_id":"7","distance":0.25,"similarity":0.9,)"
        R"("embedded":true,"blur":false,"quality":{"score":0.42,"yaw":-10}}],)"
        R"("truncated":true,"timing_ms":{"detect":31.5,"session":36}})");
}

TEST(json_live, what_no_worker_writes_is_an_error_and_never_more) {
    std::string flood = R"({"faces":[],"timing_ms":{"m":1)";
    for (int i = 0; i < 100; ++i) flood += ",\"m" + std::to_string(i) + "\":1";
    for (const std::string& text :
         {std::string(), std::string("[]"), std::string("{}"), std::string(R"({"faces":1})"),
          std::string("{\"faces\":["), flood + "}}"}) {
        EXPECT_FALSE(parse_live_answer(text)) << text;
    }
    const auto odd = parse_live_answer(R"({"faces":[1,{"box":3,"known":0,"label":{}}]})");
    ASSERT_TRUE(odd);
    EXPECT_EQ(odd->faces.size(), 2u);
}

TEST(json_live, a_problem_says_about_which_frame_it_is) {
    EXPECT_EQ(
        problem_json(18, {errc::too_large, "Frame is larger than 1 MiB"}),
        R"({"type":"problem","seq":18,"error":"too_large","detail":"Frame is larger than 1 MiB"})");
    EXPECT_EQ(problem_json(0, {errc::internal, "secret"}),
              R"({"type":"problem","error":"internal","detail":"Internal error"})");
}

}  // namespace
}  // namespace vultus::api
