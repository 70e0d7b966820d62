// Written JSON: quoting, numbers, problems; and JSON that workers stored.
#include "api/http/json.hpp"

#include <gtest/gtest.h>

#include "api/http/problem.hpp"
#include "shared/base/limits.hpp"

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

TEST(json, depth_is_bounded) {
    const auto nested = [](std::size_t depth) {
        return std::string(depth, '[') + std::string(depth, ']');
    };
    EXPECT_TRUE(is_json(nested(limits::json_depth - 1)));
    EXPECT_TRUE(is_json(nested(limits::json_depth)));
    EXPECT_FALSE(is_json(nested(limits::json_depth + 1)));
    EXPECT_FALSE(is_json(nested(100'000)));
}

TEST(json, what_workers_wrote_is_measured_before_it_is_read) {
    const auto face = R"({"label":"Ada","job_id":"x","box":{"left":1},"detection_score":1.5)";
    EXPECT_EQ(
        trained_face_json("f", std::string(face) + "}", true),
        R"({"face_id":"f","picture":true,"job_id":"x","box":{"left":1},"detection_score":1.5})");
    std::string flood = face;
    for (int i = 0; i < 100; ++i) flood += ",\"m" + std::to_string(i) + "\":1";
    EXPECT_EQ(trained_face_json("f", flood + "}", false), R"({"face_id":"f","picture":false})");
    EXPECT_EQ(known_labels(R"({"faces":[{"status":"known","label":"A","person_id":"@411f37"}]})"),
              std::vector<std::string>{"A\x1f"
                                       "7"})
        << "the key of the person";
    EXPECT_EQ(known_labels(R"({"faces":[{"status":"known","label":"Ada"},{"status":"unknown"}]})"),
              std::vector<std::string>{"Ada"});
    EXPECT_TRUE(known_labels(R"({"faces":[)" + flood + "}]}").empty());
}

TEST(problem, has_the_members_of_rfc_9457) {
    const auto made = problem({errc::queue_full, "10,000 jobs wait"}, "abc", 7);
    EXPECT_EQ(made.status, 503);
    EXPECT_EQ(find_header(made.fields, "content-type"), "application/problem+json");
    EXPECT_EQ(find_header(made.fields, "retry-after"), "7");
    EXPECT_EQ(made.body, R"({"type":"/problems/queue_full","title":"Queue full",)"
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
