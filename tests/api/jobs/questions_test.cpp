// The options and bodies of detect, embed and verify, and vectors that a client brings.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "api/jobs/submission.hpp"
#include "shared/base/limits.hpp"
#include "tests/api/http/server_support.hpp"

namespace vultus::api {
namespace {

using ::testing::HasSubstr;
using testing::png;

std::string base64(const std::string& bytes) {
    constexpr std::string_view digits =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    std::string text;
    unsigned bits = 0, held = 0;
    for (const char c : bytes) {
        bits = bits << 8U | static_cast<unsigned char>(c);
        for (held += 8; held >= 6; held -= 6) text += digits[bits >> (held - 6) & 63U];
    }
    if (held > 0) text += digits[bits << (6 - held) & 63U];
    return text;
}

request with_json(const std::string& body) {
    request req;
    req.fields = {{"Content-Type", "application/json"}};
    req.body = body;
    return req;
}

request with_photos(int count) {
    request req;
    req.fields = {{"Content-Type", "multipart/form-data; boundary=b"}};
    std::string form;
    for (int i = 0; i < count; ++i) {
        form += "--b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.png\"\r\n\r\n" +
                png() + "\r\n";
    }
    req.body = form + "--b--\r\n";
    return req;
}

std::string list_of(std::size_t floats, const std::string& value = "0.5") {
    std::string text = "[" + value;
    for (std::size_t i = 1; i < floats; ++i) text += ",0";
    return text + "]";
}

std::string vectors(std::size_t count, const std::string& more = "", std::size_t floats = 128) {
    std::string text = "{\"embeddings\":[" + list_of(floats);
    for (std::size_t i = 1; i < count; ++i) text += "," + list_of(floats);
    return text + "]" + more + "}";
}

result<submitted> sent(job_type type, const std::string& body) {
    request req = with_json(body);
    return read_submission(type, req);
}

TEST(questions, name_no_collection_unless_asked_to) {
    for (const job_type type : {job_type::detect, job_type::embed}) {
        request req = with_photos(1);
        const auto read = read_submission(type, req);
        ASSERT_TRUE(read) << read.error().detail;
        EXPECT_EQ(read->what.collection, "");
        EXPECT_TRUE(read->what.durable);
    }
    EXPECT_EQ(parse_options(job_type::detect, {{"collection", "team"}})->collection, "team");
    EXPECT_EQ(parse_options(job_type::verify, {{"person", "Ada"}})->collection, "default");
    EXPECT_EQ(parse_options(job_type::verify, {})->collection, "");
}

TEST(questions, know_their_own_options) {
    EXPECT_TRUE(parse_options(job_type::embed, {{"embedder", "omz_0095/unit"}}));
    for (const auto& [type, name] :
         {std::pair(job_type::detect, "embedder"), std::pair(job_type::detect, "k"),
          std::pair(job_type::embed, "person"), std::pair(job_type::verify, "top"),
          std::pair(job_type::verify, "annotate"), std::pair(job_type::recognize, "person")}) {
        const auto refused = parse_options(type, {{name, "1"}});
        ASSERT_FALSE(refused) << name;
        EXPECT_EQ(refused.error().code, errc::bad_option);
        EXPECT_THAT(refused.error().detail, HasSubstr(name));
    }
    EXPECT_EQ(parse_options(job_type::verify, {{"person", "Ada"}, {"embedder", "m"}}).error().code,
              errc::bad_option);
    EXPECT_EQ(parse_options(job_type::embed, {{"embedder", "a b"}}).error().code, errc::bad_option);
    EXPECT_EQ(parse_options(job_type::verify, {{"person", "\x01"}}).error().code, errc::bad_label);
}

TEST(questions, a_verify_takes_two_photos_or_one_and_a_person) {
    for (const auto& [photos, person, good] :
         {std::tuple(2, false, true), std::tuple(1, true, true), std::tuple(1, false, false),
          std::tuple(2, true, false), std::tuple(3, false, false)}) {
        request req = with_photos(photos);
        if (person) req.query = {{"person", "Ada"}};
        const auto read = read_submission(job_type::verify, req);
        EXPECT_EQ(read.has_value(), good) << photos << person;
        if (!good) {
            EXPECT_EQ(read.error().code, errc::malformed);
            EXPECT_THAT(read.error().detail, HasSubstr("verify"));
        }
    }
}

TEST(questions, each_photo_of_a_verify_has_to_be_one) {
    const std::string good = base64(png()), bad = base64("no photo at all");
    const auto read = sent(job_type::verify, "{\"images\":[\"" + good + "\",\"" + bad + "\"]}");
    ASSERT_FALSE(read);
    EXPECT_THAT(read.error().detail, HasSubstr("Photo 2: "));
    EXPECT_TRUE(sent(job_type::verify, "{\"images\":[\"" + good + "\",\"" + good + "\"]}"));
}

TEST(questions, vectors_travel_as_one_packed_photo) {
    const auto read = sent(job_type::recognize, R"({"embeddings":[)" + list_of(128, "-1.5") + "," +
                                                    list_of(128, "2") + R"(],"top":7})");
    ASSERT_TRUE(read) << read.error().detail;
    EXPECT_EQ(read->what.options.vectors, 2);
    EXPECT_EQ(read->what.options.top, 7);
    EXPECT_FALSE(read->what.options.embeddings);
    ASSERT_EQ(read->images.size(), 1u);
    const std::string_view bytes = read->images[0];
    ASSERT_EQ(bytes.size(), 2u * 128 * 4);
    EXPECT_EQ(bytes.substr(0, 4), std::string_view("\x00\x00\xC0\xBF", 4)) << "little-endian";
    EXPECT_EQ(bytes.substr(512, 4), std::string_view("\x00\x00\x00\x40", 4));
    EXPECT_THAT(to_json(read->what.options), HasSubstr(R"("vectors":2)"));
}

TEST(questions, as_many_vectors_as_allowed_and_no_more) {
    const std::string model = R"(,"name":"Ada","model":"m")";
    EXPECT_TRUE(sent(job_type::recognize, vectors(limits::vectors_per_job)));
    EXPECT_EQ(sent(job_type::recognize, vectors(limits::vectors_per_job + 1)).error().code,
              errc::too_large);
    EXPECT_TRUE(sent(job_type::train, vectors(limits::files_per_train, model)));
    EXPECT_EQ(sent(job_type::train, vectors(limits::files_per_train + 1, model)).error().code,
              errc::too_large);
    EXPECT_EQ(sent(job_type::recognize, R"({"embeddings":[]})").error().code, errc::bad_option);
    for (const std::size_t floats : {128U, 256U, 512U}) {
        EXPECT_TRUE(sent(job_type::recognize, vectors(1, "", floats)));
    }
}

/// Each mistake has a sentence of its own.
TEST(questions, bad_vectors_are_refused_one_by_one) {
    const auto refused = [](const std::string& list, const std::string& more = "") {
        const auto read = sent(job_type::recognize, "{\"embeddings\":" + list + more + "}");
        if (read) return std::string("taken");
        EXPECT_TRUE(read.error().code == errc::bad_option || read.error().code == errc::malformed);
        return read.error().detail;
    };
    EXPECT_THAT(refused("[" + list_of(127) + "]"), HasSubstr("embeddings[0] has 127 numbers"));
    EXPECT_THAT(refused("[" + list_of(128) + "," + list_of(256) + "]"),
                HasSubstr("embeddings[1] has 256 numbers, not 128"));
    EXPECT_THAT(refused("[" + list_of(128) + "," + list_of(128, "0") + "]"),
                HasSubstr("embeddings[1] is zero"));
    EXPECT_THAT(refused("[" + list_of(128, "1e39") + "]"), HasSubstr("out of range"));
    EXPECT_NE(refused("[" + list_of(128, "1e999") + "]"), "taken");
    EXPECT_NE(refused("[" + list_of(128, "NaN") + "]"), "taken");
    EXPECT_THAT(refused("[" + list_of(513) + "]"), HasSubstr("more than 512"));
    for (const std::string list :
         {"[1,2]", "[[true]]", R"([["1"]])", "[[null]]", "[[[1]]]", "[{}]", "[[1],2]"}) {
        EXPECT_NE(refused(list), "taken") << list;
    }
    EXPECT_THAT(refused("[" + list_of(128) + "]", R"(,"image":")" + base64(png()) + "\""),
                HasSubstr("one or the other"));
    for (const std::string option : {"detector\":\"hog", "min_face_px\":\"40", "annotate\":\"1"}) {
        EXPECT_THAT(refused("[" + list_of(128) + "]", ",\"" + option + "\""),
                    HasSubstr("requires a photo"));
    }
}

TEST(questions, vectors_of_a_train_name_their_model) {
    const auto refused = sent(job_type::train, vectors(1, R"(,"name":"Ada")"));
    ASSERT_FALSE(refused);
    EXPECT_THAT(refused.error().detail, HasSubstr("model is missing"));
    EXPECT_EQ(sent(job_type::train, vectors(1, R"(,"name":"Ada","model":"m","quality":"strict")"))
                  .error()
                  .code,
              errc::bad_option);
    EXPECT_EQ(parse_options(job_type::recognize, {{"model", "m"}}).error().code, errc::bad_option);
}

TEST(questions, vectors_are_compared_with_the_model_of_the_gallery) {
    const auto given = sent(job_type::recognize, vectors(1, R"(,"model":"a/plain")"));
    ASSERT_TRUE(given);
    EXPECT_TRUE(check_model(*given, "a/plain", 128));
    EXPECT_TRUE(check_model(*given, "", 0)) << "nothing is known yet: the worker decides";
    EXPECT_EQ(check_model(*given, "b/plain", 128).error().code, errc::model_mismatch);
    EXPECT_EQ(check_model(*given, "a/plain", 256).error().code, errc::bad_option);
    const auto of_any = sent(job_type::recognize, vectors(1));
    EXPECT_THAT(check_model(*of_any, "b/unit", 128).error().detail, HasSubstr("length 1"));
    const auto unit = sent(job_type::recognize, "{\"embeddings\":[" + list_of(128, "-1") + "]}");
    EXPECT_TRUE(check_model(*unit, "b/unit", 128));
}

}  // namespace
}  // namespace vultus::api
