// JSON of requests: what is accepted, what is refused, with which member in the error, and after
// how many bytes.
#include "api/http/json_submission.hpp"

#include <gtest/gtest.h>

#include "api/http/routes.hpp"
#include "api/live/live_options.hpp"
#include "shared/base/json_bounds.hpp"
#include "shared/base/limits.hpp"

namespace vultus::api {
namespace {

result<json_submission> read_json(std::string_view body) {
    return parse_json_submission(body, "name k distance_max durable collection", true);
}

/// The refusal's detail; fails where the code is another one.
std::string refusal(std::string_view body, errc code = errc::malformed) {
    const auto read = read_json(body);
    EXPECT_FALSE(read) << body;
    if (read) return {};
    EXPECT_EQ(read.error().code, code) << body << ": " << read.error().detail;
    return read.error().detail;
}

bool names(const std::string& detail, std::string_view member) {
    return detail.find("\"" + std::string(member) + "\"") != std::string::npos;
}

TEST(json_submission, all_of_it) {
    const auto read =
        read_json(R"({"name":"Ada","image":"AQID","k":3,"distance_max":0.6,"durable":false})");
    ASSERT_TRUE(read);
    EXPECT_EQ(read->images, std::vector<std::string>{"\x01\x02\x03"});
    EXPECT_EQ(
        read->fields,
        (name_values{{"name", "Ada"}, {"k", "3"}, {"distance_max", "0.6"}, {"durable", "false"}}));
    EXPECT_EQ(read_json(R"({"k":3.0})")->fields.at("k"), "3");
    EXPECT_EQ(read_json(R"({"name":"a\"\u00e9\n"})")->fields.at("name"), "a\"\xC3\xA9\n");
    EXPECT_TRUE(read_json(" {} \r\n"));
}

TEST(json_submission, a_photo_as_everybody_sends_it) {
    for (const auto* body :
         {R"({"image":"AQID"})", R"({"photo":"AQID"})", R"({"file":"AQID"})", R"({"Image":"AQID"})",
          R"({"images":["AQID"]})", R"({"image":"data:image/jpeg;base64,AQID"})",
          R"({"image":"AQ\r\nID\n"})", R"({"image":"\u0041QID"})",
          "\xEF\xBB\xBF{\"image\":\"AQID\"}"}) {
        const auto read = read_json(body);
        ASSERT_TRUE(read) << body << read.error().detail;
        EXPECT_EQ(read->images, std::vector<std::string>{"\x01\x02\x03"}) << body;
    }
    EXPECT_EQ(read_json(R"({"image":"-_8"})")->images.at(0), "\xfb\xff");
    EXPECT_EQ(read_json(R"({"image":"\/\/8="})")->images.at(0), "\xff\xff");
    EXPECT_EQ(read_json(R"({"images":["AQID","BAUG"]})")->images.size(), 2u);
}

TEST(json_submission, urls_are_a_list_of_texts) {
    const auto read = [](std::string_view body) {
        return parse_json_submission(body, "name url urls", true);
    };
    EXPECT_EQ(read(R"({"urls":["http://a/","http://b/"]})")->fields.at("urls"),
              "http://a/\nhttp://b/\n");
    EXPECT_EQ(read(R"({"urls":"http://a/"})")->fields.at("urls"), "http://a/");
    EXPECT_EQ(read(R"({"url":"http://a/"})")->fields.at("url"), "http://a/");
    EXPECT_TRUE(read(R"({"urls":[]})")->fields.empty());
    EXPECT_TRUE(read(R"({"urls":["a"],"image":"AQID","images":["AQID"]})"));
    for (const auto* bad :
         {R"({"url":["http://a/"]})", R"({"name":["a"]})", R"({"urls":[1]})", R"({"urls":[true]})",
          R"({"urls":[null]})", R"({"urls":[["a"]]})", R"({"urls":[{}]})", R"({"urls":{}})",
          R"({"urls":["a"],"urls":["b"]})"}) {
        const auto told = read(bad);
        ASSERT_FALSE(told) << bad;
        EXPECT_EQ(told.error().code, errc::malformed) << bad;
    }
    EXPECT_EQ(read(R"({"urls":[1]})").error().detail,
              R"("urls" in JSON is a number; a URL must be a string)");
    std::string many = R"({"urls":["a")";
    for (std::size_t i = 1; i < limits::files_per_train; ++i) many += R"(,"a")";
    EXPECT_TRUE(read(many + "]}"));
    EXPECT_EQ(read(many + R"(,"a"]})").error().code, errc::too_large);
    EXPECT_EQ(
        read(R"({"urls":[")" + std::string(limits::field_bytes + 1, 'a') + R"("]})").error().code,
        errc::too_large);
    EXPECT_EQ(refusal(R"({"urls":["http://a/"]})", errc::bad_option).substr(0, 21),
              R"(Unknown option "urls")");
}

TEST(json_submission, names_of_photos) {
    for (const auto* good : {"file", "files", "files[]", "file[0]", "file1", "image", "images",
                             "IMAGE", "image2", "photo", "photos[]", "picture", "img", "upload"}) {
        EXPECT_TRUE(is_photo_name(good)) << good;
    }
    for (const auto* bad : {"", "name", "collection", "profile", "filename", "s", "[]", "1"}) {
        EXPECT_FALSE(is_photo_name(bad)) << bad;
    }
}

TEST(json_submission, what_is_wrong_is_named) {
    EXPECT_TRUE(names(refusal(R"({"kk":1})", errc::bad_option), "kk"));
    EXPECT_TRUE(names(refusal(R"({"nested":{"a":1}})", errc::bad_option), "nested"));
    EXPECT_TRUE(names(refusal(R"({"k":1,"k":2})"), "k"));
    EXPECT_TRUE(names(refusal(R"({"k":null})"), "k"));
    EXPECT_TRUE(names(refusal(R"({"k":[1]})"), "k"));
    EXPECT_TRUE(names(refusal(R"({"k":{}})"), "k"));
    EXPECT_TRUE(names(refusal(R"({"name":"x","image":1})"), "image"));
    EXPECT_TRUE(names(refusal(R"({"image":null})"), "image"));
    EXPECT_TRUE(names(refusal(R"({"image":{}})"), "image"));
    EXPECT_TRUE(names(refusal(R"({"image":[["AQID"]]})"), "image"));
    EXPECT_TRUE(names(refusal(R"({"photo":"A*=="})"), "photo"));
    EXPECT_TRUE(names(refusal(R"({"image":"A"})"), "image"));
    EXPECT_TRUE(names(refusal(R"({"k":1,"image":"AQID)"), "image")) << "cut short";
    EXPECT_TRUE(names(
        refusal("{\"k\":\"" + std::string(limits::field_bytes + 1, 'x') + "\"}", errc::too_large),
        "k"));
    EXPECT_TRUE(names(refusal("{\"k\":" + std::string(65, '1') + "}", errc::too_large), "k"));
    EXPECT_TRUE(names(refusal(R"({"k":1,"a b\u0000":1})", errc::bad_option), "a b\\u0000"));
}

TEST(json_submission, the_first_mistake_counts) {
    EXPECT_TRUE(names(refusal(R"({"one":1,"two":{}, broken)", errc::bad_option), "one"));
    EXPECT_TRUE(names(refusal(R"({"k":null,"two":2})"), "k"));
}

TEST(json_submission, what_is_no_object_of_json) {
    for (const std::string bad :
         {"", "{", "{]", "{'k':1}", "{\"k\":1,}", "{\"k\" 1}", "{}x", "{}{}", "{\"k\":01}",
          "{\"name\":\"\xff\"}", "{\"name\":\"\\x\"}", "nope"}) {
        EXPECT_NE(refusal(bad).find("JSON"), std::string::npos) << bad;
    }
    EXPECT_NE(refusal("[]").find("an array"), std::string::npos);
    EXPECT_NE(refusal("1").find("a number"), std::string::npos);
    EXPECT_NE(refusal("\"x\"").find("a string"), std::string::npos);
    EXPECT_NE(refusal("null").find("null"), std::string::npos);
    EXPECT_NE(refusal(std::string("{\0\"\0k\0", 6)).find("UTF-16"), std::string::npos);
    EXPECT_NE(refusal(std::string("\xFF\xFE{\0}\0", 6)).find("UTF-16"), std::string::npos);
    EXPECT_NE(refusal(std::string("\xFE\xFF\0{\0}", 6)).find("UTF-16"), std::string::npos);
    EXPECT_NE(refusal(std::string("\x1F\x8B\x08\0", 4)).find("gzip"), std::string::npos);
    EXPECT_TRUE(names(refusal("{\"k\":1e999999999}"), "k"));
}

TEST(json_submission, no_photo_where_none_is_wanted) {
    const auto read = parse_json_submission(R"({"image":"AQID"})", live_names, false);
    ASSERT_FALSE(read);
    EXPECT_TRUE(names(read.error().detail, "image"));
}

TEST(json_submission, what_never_ends_is_read_to_the_first_mistake_only) {
    std::string members = "{";
    for (int i = 0; i < 100'000; ++i) members += "\"key" + std::to_string(i) + "\":1,";
    EXPECT_TRUE(names(refusal(members, errc::bad_option), "key0"));
    EXPECT_NE(refusal(std::string(10'000'000, '[')).find("an array"), std::string::npos);
    EXPECT_TRUE(names(refusal("{\"k\":" + std::string(10'000'000, '['), errc::malformed), "k"));
    EXPECT_FALSE(names(refusal("{\"" + std::string(10'000'000, 'n') + "\":1}", errc::bad_option),
                       std::string(100, 'n')))
        << "a name is not given back at full length";
    EXPECT_TRUE(
        names(refusal("{\"k\":" + std::string(10'000'000, '7') + "}", errc::too_large), "k"));
}

/// Texts of the words of JSON in any order: whatever is taken is within the limits, and whatever
/// is refused says why.
TEST(json_submission, any_order_of_its_words) {
    const std::vector<std::string> words{
        "{",        "}",         "[",           "]",        ":", ",",      "\"k\"",
        "\"name\"", "\"image\"", "\"images\"",  "\"AQID\"", "1", "-2.5e3", "true",
        "null",     " ",         "\"\\u0041\"", "\"",       "x", "{\"k\":"};
    std::uint64_t seed = 17;
    std::size_t taken = 0;
    for (int i = 0; i < 50'000; ++i) {
        std::string text = i % 2 == 0 ? "{\"k\":" : "{\"images\":[";
        for (int n = i / 2 % 5; n >= 0; --n) {
            seed = seed * 6364136223846793005U + 1442695040888963407U;
            text += words[(seed >> 33U) % words.size()];
        }
        text += i % 2 == 0 ? "}" : "]}";
        const auto read = read_json(text);
        if (!read) {
            EXPECT_FALSE(read.error().detail.empty()) << text;
            continue;
        }
        ++taken;
        EXPECT_TRUE(check_json(text)) << text;
    }
    EXPECT_GT(taken, 10u);
}

TEST(json_submission, photos_are_bounded) {
    const auto body = [](std::size_t bytes) {
        return R"({"image":")" + std::string(bytes / 3 * 4, 'A') + R"("})";
    };
    const auto most = limits::body_bytes / 3 * 3;
    const auto fits = read_json(body(most));
    ASSERT_TRUE(fits);
    EXPECT_EQ(fits->images.at(0).size(), most);
    EXPECT_TRUE(names(refusal(body(most + 3), errc::too_large), "image"));
    const auto many = [](std::size_t photos) {
        std::string text = R"({"images":["AQID")";
        for (std::size_t i = 1; i < photos; ++i) text += R"(,"AQID")";
        return text + "]}";
    };
    EXPECT_EQ(read_json(many(limits::files_per_train))->images.size(), limits::files_per_train);
    EXPECT_FALSE(refusal(many(limits::files_per_train + 1), errc::too_large).empty());
}

}  // namespace
}  // namespace vultus::api
