// The JSON texts: what is read with its ranges, what is written with its shape.
#include "workers/pipeline/results.hpp"

#include <gtest/gtest.h>

namespace vultus {
namespace {

recognized two_faces() {
    recognized seen;
    seen.width = 640;
    seen.height = 480;
    seen.detector = "hog";
    seen.embedding_model = "test";
    seen.min_face_px = 40;
    seen.version = 3'000'000'007;
    seen.people = 2;
    seen.faces_trained = 5;
    seen.distance_max = seen.threshold = 0.38;
    found_face face;
    face.detected = {{-4, 5, 60, 70}, 1.25};
    seen.faces = {face, face};
    seen.faces[0].quality = {0.8121, 130.42, 0.4371, 0.4819, {-6.21, 3.02, -2.41}};
    match known;
    known.status = match_status::known;
    known.label = "A \"q\" \\ \xF0\x9F\x98\x80";
    known.distance = 0.30004;
    known.margin = 1;
    known.candidates = {{known.label, 0.30004, "j-0"}};
    seen.matches = {known, match{}};
    seen.timing_ms = {{"total", 12.346}};
    return seen;
}

TEST(results, options_are_read_with_their_ranges) {
    const auto all = read_options(
        R"({"detector":"cnn","min_face_px":10,"distance_max":2,"k":100,"annotate":true,)"
        R"("embeddings":true,"num_jitters":100,"rotate":true,"quality":"strict",)"
        R"("top":100,"vectors":64,"model":"m/unit","first_bytes":7,"label":"Ada",)"
        R"("from_the_future":[1]})");
    ASSERT_TRUE(all) << all.error().detail;
    EXPECT_EQ(*all, (job_options{"cnn", 10, 2.0, 0.0, 100, true, true, 100, "", false, true,
                                 quality_gate::strict, 100, 64, "m/unit", 7, "Ada"}));
    for (const std::string_view name : detector_names) {
        EXPECT_EQ(read_options(R"({"detector":")" + std::string(name) + "\"}")->detector, name);
    }
    EXPECT_EQ(*read_options(""), job_options{});
    for (const double similarity : {0.0, 0.01, 0.5, 0.99}) {
        const auto read = read_options("{\"similarity_min\":" + std::to_string(similarity) + "}");
        EXPECT_EQ(read.value().similarity_min, similarity);
    }
    for (const char* bad : {R"({"min_face_px":9})",
                            R"({"min_face_px":2001})",
                            R"({"k":101})",
                            R"({"k":-1})",
                            R"({"top":101})",
                            R"({"vectors":65})",
                            R"({"vectors":-1})",
                            R"({"first_bytes":-1})",
                            R"({"model":1})",
                            R"({"label":null})",
                            R"({"num_jitters":0})",
                            R"({"num_jitters":101})",
                            R"({"distance_max":2.001})",
                            R"({"distance_max":-0.1})",
                            R"({"similarity_min":0.009})",
                            R"({"similarity_min":0.991})",
                            R"({"similarity_min":-0.5})",
                            R"({"similarity_min":"0.5"})",
                            R"({"detector":"yolo"})",
                            R"({"annotate":1})",
                            "[]",
                            "{",
                            R"({"k":"3"})",
                            R"({"detector":7})",
                            R"({"rotate":1})",
                            R"({"quality":"high"})",
                            R"({"quality":1})"}) {
        const auto read = read_options(bad);
        ASSERT_FALSE(read) << bad;
        EXPECT_EQ(read.error().code, errc::bad_option) << bad;
    }
}

TEST(results, a_recognize_says_all_that_the_api_promises) {
    recognized seen = two_faces();
    seen.false_match_rate = 0.001;
    EXPECT_EQ(
        json_of(seen),
        R"({"image":{"width":640,"height":480},)"
        R"("gallery":{"version":3000000007,"people":2,"faces":5},)"
        R"("models":{"detector":"hog","embedding":"test"},)"
        R"("min_face_px":40,"distance_max":0.38,"similarity_min":0.5,"false_match_rate":0.001,)"
        R"("stranger_rate":null,)"
        R"("faces":[{"box":{"left":-4,"top":5,"right":60,"bottom":70},"detection_score":1.25,)"
        R"("landmarks":[[0,0],[0,0],[0,0],[0,0],[0,0]],)"
        R"("quality":{"score":0.812,"size_px":130.4,"sharpness":0.437,"brightness":0.482,)"
        R"("yaw":-6.2,"pitch":3,"roll":-2.4},"status":"known",)"
        "\"label\":\"A \\\"q\\\" \\\\ \xF0\x9F\x98\x80\","
        R"("distance":0.3,"similarity":0.8913,"margin":1,)"
        R"("candidates":[{"label":"A \"q\" \\ )"
        "\xF0\x9F\x98\x80"
        R"(","distance":0.3,"similarity":0.8913,"face_id":"j-0"}]},)"
        R"({"box":{"left":-4,"top":5,"right":60,"bottom":70},"detection_score":1.25,)"
        R"("landmarks":[[0,0],[0,0],[0,0],[0,0],[0,0]],)"
        R"("quality":{"score":0,"size_px":0,"sharpness":0,"brightness":0,)"
        R"("yaw":0,"pitch":0,"roll":0},"status":"unknown","label":null,)"
        R"("distance":null,"similarity":null,"margin":null,"candidates":[]}],)"
        R"("timing_ms":{"total":12.35}})");
}

TEST(results, an_ambiguous_face_names_the_winner) {
    recognized seen = two_faces();
    seen.matches[0].status = match_status::ambiguous;
    seen.matches[0].candidates = {{"nearest", 0.3, "j-0"}, {"winner", 0.31, "j-1"}};
    seen.matches[0].label = "winner";
    EXPECT_NE(json_of(seen).find(R"("status":"ambiguous","label":"winner")"), std::string::npos);
}

TEST(results, a_face_size_that_was_raised_is_told) {
    recognized seen = two_faces();
    EXPECT_EQ(json_of(seen).find("min_face_px_raised"), std::string::npos);
    seen.min_face_px = 81;
    seen.min_face_px_raised = true;
    EXPECT_NE(json_of(seen).find(R"("min_face_px":81,"min_face_px_raised":true,"distance_max")"),
              std::string::npos);
}

TEST(results, animated_and_truncated_appear_only_when_true) {
    recognized seen = two_faces();
    EXPECT_EQ(json_of(seen).find("animated"), std::string::npos);
    EXPECT_EQ(json_of(seen).find("truncated"), std::string::npos);
    seen.animated = seen.truncated = true;
    EXPECT_NE(json_of(seen).find(R"("height":480,"animated":true})"), std::string::npos);
    EXPECT_NE(json_of(seen).find(R"(],"truncated":true)"), std::string::npos);
}

TEST(results, an_estimated_rate_is_said_only_when_it_is_one) {
    recognized seen = two_faces();
    EXPECT_EQ(json_of(seen).find("extrapolated"), std::string::npos);
    seen.extrapolated = true;
    const std::string said = R"("stranger_rate":null,"stranger_rate_extrapolated":true,"faces")";
    EXPECT_NE(json_of(seen).find(said), std::string::npos);
}

// The threshold is the service's, whatever the request asked for: so a similarity means the same in
// each answer, and the answer says which one its distance_max is.
TEST(results, a_similarity_does_not_depend_on_the_distance_of_the_request) {
    recognized seen = two_faces();
    seen.distance_max = 0.5;
    const std::string text = json_of(seen);
    EXPECT_NE(text.find(R"("distance_max":0.5,"similarity_min":0.0408,)"), std::string::npos);
    EXPECT_NE(text.find(R"("distance":0.3,"similarity":0.8913,)"), std::string::npos);
}

TEST(results, a_result_that_would_be_too_long_leaves_details_out) {
    recognized seen = two_faces();
    seen.embeddings = true;
    match crowded;
    const candidate long_name{std::string(200, 'x'), 0.5, std::string(38, 'f')};
    crowded.candidates.assign(100, long_name);
    seen.faces.assign(limits::faces_per_image, seen.faces.front());
    seen.matches.assign(limits::faces_per_image, crowded);
    const std::string text = json_of(seen);
    EXPECT_LE(text.size(), limits::result_bytes);
    EXPECT_NE(text.find(R"("quality":{"score":)"), std::string::npos) << "130 bytes a face";
    EXPECT_NE(text.find("embedding\":["), std::string::npos) << "the candidates go first";
    EXPECT_EQ(text.find("xxxx"), std::string::npos);
}

TEST(results, a_train_has_one_verdict_per_photo) {
    const std::vector<train_file> files{{"j-0", {}}, {"", {errc::no_face, "nobody was found"}}};
    EXPECT_EQ(json_of(files), R"({"files":[{"index":0,"state":"accepted","face_id":"j-0"},)"
                              R"({"index":1,"state":"refused","reason":"no_face",)"
                              R"("detail":"nobody was found"}]})");
    EXPECT_EQ(sentence_of({files[1], files[1]}),
              "No usable photo: photo 1: no_face, photo 2: no_face");
}

TEST(results, a_train_tells_what_it_measured_and_whom_a_photo_looks_like) {
    const face_quality measured{0.5, 40, 0.25, 0.75, {1, 2, 3}};
    const std::string said = R"("quality":{"score":0.5,"size_px":40,"sharpness":0.25,)"
                             R"("brightness":0.75,"yaw":1,"pitch":2,"roll":3})";
    EXPECT_EQ(list_of(std::vector<train_file>{{"j-0", {}, measured}}),
              R"([{"index":0,"state":"accepted","face_id":"j-0",)" + said + "}]");
    const train_file other{
        "", {errc::looks_like_other, "d"}, measured, compared_face{"x-1", 0.25, 0.9}};
    EXPECT_EQ(list_of(std::vector<train_file>{other}),
              R"([{"index":0,"state":"refused","reason":"looks_like_other","detail":"d",)" + said +
                  R"(,"other":{"face_id":"x-1","distance":0.25,"similarity":0.9}}])");
}

TEST(results, a_calibrate_says_what_was_compared) {
    gallery_calibration found;
    found.version = 3 * epoch_factor;
    found.embedding_model = "net/plain";
    found.people = 40;
    found.faces = 90;
    found.people_compared = found.people_with_two = 30;
    found.faces_compared = 60;
    found.genuine = {0, 7};
    found.impostors = {1, 0, 5};
    found.genuine_pairs = 7;
    found.impostor_pairs = 6;
    found.comparisons = {{0.001, 0.25, 0.5}};
    found.strangers = {{0.05, 0.125, 1}};
    found.distance_max = 0.38;
    found.true_match_rate = 1;
    found.suspicious = {{"A \"q\"", "j-0", 0.5, "B", "j-1", 0.25}};
    found.suspicious_left_out = 2;
    EXPECT_EQ(
        json_of(found),
        R"({"gallery":{"version":3000000000,"people":40,"faces":90},"embedding":"net/plain",)"
        R"("compared":{"people":30,"people_with_two":30,"faces":60,"all":false},)"
        R"("genuine":{"pairs":7,"bin_width":0.02,"counts":[0,7]},)"
        R"("impostors":{"pairs":6,"bin_width":0.02,"counts":[1,0,5]},)"
        R"("comparisons":[{"false_match_rate":0.001,"distance":0.25,"similarity":0.9684,)"
        R"("true_match_rate":0.5}],"strangers":[{"stranger_rate":0.05,"distance":0.125,)"
        R"("similarity":0.9988,"true_match_rate":1}],)"
        R"("now":{"distance_max":0.38,"false_match_rate":null,"true_match_rate":1,)"
        R"("stranger_rate":null},)"
        R"("suspicious":[{"label":"A \"q\"","face_id":"j-0","distance":0.5,"similarity":0.0408,)"
        R"("nearer":{"label":"B","distance":0.25,"similarity":0.9684,"face_id":"j-1"}}],)"
        R"("suspicious_left_out":2})");
}

TEST(results, a_stored_face_and_its_label) {
    EXPECT_EQ(face_json("j", unix_time(1'772'443'800'120), {{1, 2, 3, 4}, 0.5}, "00ff", 0.8126),
              R"({"job_id":"j","created_at":"2026-03-02T09:30:00.120Z",)"
              R"("box":{"left":1,"top":2,"right":3,"bottom":4},"detection_score":0.5,)"
              R"("quality_score":0.813,"photo":"00ff"})");
    EXPECT_EQ(read_label(R"({"label":"\u00e9","job_id":"j"})").value(), "\xC3\xA9");
    EXPECT_FALSE(read_label(R"({"job_id":"j"})"));
    EXPECT_FALSE(read_label("no json"));
}

TEST(results, objects_of_many_members_are_refused_before_they_are_read) {
    std::string flood = R"({"label":"Ada")";
    for (int i = 0; i < 100; ++i) flood += ",\"m" + std::to_string(i) + "\":1";
    EXPECT_FALSE(read_label(flood + "}"));
    EXPECT_EQ(read_options(flood + "}").error().code, errc::bad_option);
}

TEST(results, without_a_photo_nothing_of_a_photo_is_said) {
    recognized seen = two_faces();
    seen.without_photo = true;
    seen.detector.clear();
    const std::string text = json_of(seen);
    for (const char* word : {"image", "box", "landmarks", "quality", "min_face_px", "detector"}) {
        EXPECT_EQ(text.find('"' + std::string(word) + '"'), std::string::npos) << word;
    }
    EXPECT_NE(text.find(R"("faces":[{"status":"known","label":)"), std::string::npos) << text;
}

TEST(results, a_detect_names_nobody_and_an_embed_its_model) {
    recognized seen = two_faces();
    seen.embedding_model.clear();
    const std::string found = json_of_found(seen, false);
    EXPECT_EQ(found.find("\"label\""), std::string::npos);
    EXPECT_EQ(found.find("gallery"), std::string::npos);
    EXPECT_EQ(found.find("embedding"), std::string::npos);
    seen.embedding_model = "m/unit";
    seen.dimension = 128;
    for (found_face& face : seen.faces) face.vector = embedding(128);
    const std::string embedded = json_of_found(seen, true);
    EXPECT_NE(embedded.find(R"("embedding":"m/unit"},"dimension":128,)"), std::string::npos);
    EXPECT_NE(embedded.find(R"("embedding":[0,0,)"), std::string::npos);
}

TEST(results, a_verify_without_a_pair_has_no_distance) {
    recognized seen = two_faces();
    seen.photos = {seen};
    seen.photos[0].faces_found = seen.faces.size();
    verification none;
    none.label = "Ada \"x\"";
    const std::string text = json_of(seen, none);
    EXPECT_TRUE(text.starts_with(R"({"same":false,"distance":null,"similarity":null,)")) << text;
    EXPECT_NE(text.find(R"("compared":null,"person":{"label":"Ada \"x\"","faces":0})"),
              std::string::npos);
    none.label =
        "Al\x1f"
        "7";
    seen.person_ids = true;
    EXPECT_NE(
        json_of(seen, none).find(R"("person":{"label":"Al","person_id":"@416c1f37","faces":0})"),
        std::string::npos)
        << "the key has the id, the answer a placeholder for what the store knows";
}

}  // namespace
}  // namespace vultus
