// The checks before a JSON tree is built: members, depth, numbers, and whether the text is JSON.
#include "shared/base/json_bounds.hpp"

#include <gtest/gtest.h>

namespace vultus {
namespace {

std::string object_of(std::size_t members) {
    std::string text = "{";
    for (std::size_t i = 0; i < members; ++i) {
        text += (i > 0 ? ",\"m" : "\"m") + std::to_string(i) + "\":1";
    }
    return text + "}";
}

errc code_of(const std::string& text) {
    const auto checked = check_json(text);
    return checked ? errc::internal : checked.error().code;
}

TEST(json_bounds, takes_what_is_json) {
    for (const std::string good :
         {"{}", "[]", "1", "\"x\"", "null", " [1,2.5e3,{\"a\":[true]}]\n"}) {
        EXPECT_TRUE(check_json(good)) << good;
    }
    EXPECT_TRUE(check_json("[\"" + std::string(300'000, 'x') + "\"]")) << "in several pieces";
}

TEST(json_bounds, refuses_what_is_not) {
    for (const std::string bad :
         {"", " ", "{", "[1", "{}x", "{} {}", "nul", "{\"a\":}", "\"\xff\""}) {
        EXPECT_EQ(code_of(bad), errc::malformed) << bad;
    }
    EXPECT_EQ(code_of("[]" + std::string(100'000, ' ') + "x"), errc::malformed);
}

TEST(json_bounds, members_of_one_object) {
    EXPECT_TRUE(check_json(object_of(limits::json_members - 1)));
    EXPECT_TRUE(check_json(object_of(limits::json_members)));
    EXPECT_EQ(code_of(object_of(limits::json_members + 1)), errc::too_large);
    const auto full = object_of(limits::json_members);
    EXPECT_TRUE(check_json("[" + full + "," + full + "]")) << "each object has its own count";
    EXPECT_TRUE(check_json("{\"a\":" + full + ",\"b\":" + full + "}"));
    EXPECT_EQ(code_of("{\"a\":" + object_of(limits::json_members + 1) + "}"), errc::too_large);
    EXPECT_EQ(code_of(object_of(1'000'000)), errc::too_large);
}

TEST(json_bounds, depth) {
    const auto nested = [](std::size_t depth) {
        return std::string(depth, '[') + std::string(depth, ']');
    };
    EXPECT_TRUE(check_json(nested(limits::json_depth)));
    EXPECT_EQ(code_of(nested(limits::json_depth + 1)), errc::malformed);
    EXPECT_EQ(code_of(nested(1'000'000)), errc::malformed);
}

TEST(json_bounds, numbers_and_names) {
    const auto number = [](std::size_t digits) { return "0." + std::string(digits - 2, '1'); };
    EXPECT_TRUE(check_json(number(limits::json_number_bytes)));
    EXPECT_EQ(code_of(number(limits::json_number_bytes + 1)), errc::too_large);
    EXPECT_EQ(code_of("[1," + number(1'000'000) + "]"), errc::too_large);
    const auto named = [](std::size_t bytes) { return "{\"" + std::string(bytes, 'n') + "\":1}"; };
    EXPECT_TRUE(check_json(named(limits::field_bytes)));
    EXPECT_EQ(code_of(named(limits::field_bytes + 1)), errc::too_large);
}

}  // namespace
}  // namespace vultus
