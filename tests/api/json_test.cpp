// JSON in: submissions and their limits. JSON out: quoting, numbers, problems.
#include "api/json.hpp"

#include <gtest/gtest.h>

#include "api/problem.hpp"
#include "shared/limits.hpp"

namespace vultus::api {
namespace {

TEST(json, quotes_what_must_be_quoted) {
    EXPECT_EQ(json_quoted("a\"b\\c\n\x7f"), R"("a\"b\\c\u000a\u007f")");
    EXPECT_EQ(json_quoted("<script>\xC3\xBC"), "\"<script>\xC3\xBC\"");
    EXPECT_EQ(json_quoted("a\xff\xC3\xBC"), "\"a\\ufffd\xC3\xBC\"");
    EXPECT_EQ(json_quoted(std::string_view("\0", 1)), R"("\u0000")");
}

TEST(json, numbers_are_short_and_finite) {
    EXPECT_EQ(json_number(0.6), "0.6");
    EXPECT_EQ(json_number(0), "0");
    EXPECT_EQ(json_number(1.0 / 0.0), "null");
}

TEST(json, objects_and_arrays) {
    json_array list;
    list.raw("1").raw("{}");
    json_object object;
    object.add("a", "x").add("b", true).add("c", 1).add("d", 0.5).raw("e", list.take());
    EXPECT_EQ(object.take(), R"({"a":"x","b":true,"c":1,"d":0.5,"e":[1,{}]})");
    EXPECT_EQ(json_object{}.take(), "{}");
    EXPECT_EQ(json_array{}.take(), "[]");
}

TEST(json, a_submission) {
    const auto read = parse_json_submission(
        R"({"name":"Ada","image":"AQID","k":3,"distance_max":0.6,"durable":false})");
    ASSERT_TRUE(read);
    EXPECT_TRUE(read->has_image);
    EXPECT_EQ(read->image, "\x01\x02\x03");
    EXPECT_EQ(
        read->fields,
        (name_values{{"name", "Ada"}, {"k", "3"}, {"distance_max", "0.6"}, {"durable", "false"}}));
}

TEST(json, bad_submissions) {
    for (const auto* bad : {"", "[]", "1", "{", R"({"image":1})", R"({"image":"A"})",
                            R"({"image":"A*=="})", R"({"image":"AQID)", R"({"k":null})",
                            R"({"k":{}})", R"({"k":[1]})", R"({"a":"\xff"})", "{\"a\":\"\xff\"}"}) {
        const auto read = parse_json_submission(bad);
        ASSERT_FALSE(read) << bad;
        EXPECT_EQ(read.error().code, errc::malformed) << bad;
    }
}

TEST(json, depth_is_bounded) {
    const auto nested = [](std::size_t depth) {
        return std::string(depth, '[') + std::string(depth, ']');
    };
    EXPECT_TRUE(is_json(nested(limits::json_depth - 1)));
    EXPECT_TRUE(is_json(nested(limits::json_depth)));
    EXPECT_FALSE(is_json(nested(limits::json_depth + 1)));
    EXPECT_FALSE(is_json(nested(100'000)));
}

TEST(json, base64) {
    EXPECT_EQ(*base64_decode(""), "");
    EXPECT_EQ(*base64_decode("Zg=="), "f");
    EXPECT_EQ(*base64_decode("Zm8="), "fo");
    EXPECT_EQ(*base64_decode("Zm9v"), "foo");
    EXPECT_EQ(*base64_decode("+/+/"), "\xfb\xff\xbf");
    for (const auto* bad : {"Z", "Zg=", "Zg==Zg==", "=g==", "Z===", "Zm9\n", "-_-_"}) {
        EXPECT_FALSE(base64_decode(bad)) << bad;
    }
}

TEST(json, photo_size_is_bounded) {
    const auto body = [](std::size_t bytes) {
        return R"({"image":")" + std::string(bytes / 3 * 4, 'A') + R"("})";
    };
    const auto most = limits::body_bytes / 3 * 3;
    EXPECT_TRUE(parse_json_submission(body(most)));
    EXPECT_EQ(parse_json_submission(body(most + 3)).error().code, errc::too_large);
}

TEST(problem, has_the_members_of_rfc_9457) {
    const auto made = problem({errc::queue_full, "10,000 jobs wait"}, "abc", 7);
    EXPECT_EQ(made.status, 503);
    EXPECT_EQ(find_header(made.fields, "content-type"), "application/problem+json");
    EXPECT_EQ(find_header(made.fields, "retry-after"), "7");
    EXPECT_EQ(made.body, R"({"type":"/problems/queue_full","title":"The queue is full",)"
                         R"("status":503,"detail":"10,000 jobs wait","trace_id":"abc"})");
}

TEST(problem, a_defect_tells_nothing) {
    const auto made = problem({errc::internal, "std::bad_alloc at 0x1"}, "abc");
    EXPECT_EQ(made.status, 500);
    EXPECT_EQ(made.body.find("bad_alloc"), std::string::npos);
}

TEST(problem, every_code_has_an_error_status) {
    for (int i = 0; i <= static_cast<int>(errc::internal); ++i) {
        const auto status = http_status(static_cast<errc>(i));
        EXPECT_GE(status, 400);
        EXPECT_LE(status, 503);
        EXPECT_TRUE(status != 500 || static_cast<errc>(i) == errc::internal);
    }
}

}  // namespace
}  // namespace vultus::api
