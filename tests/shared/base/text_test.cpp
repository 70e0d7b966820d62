// Small text formats: JSON strings, times, stream ids, UTF-8.
#include <gtest/gtest.h>

#include "shared/base/json_quoted.hpp"
#include "shared/base/rfc3339.hpp"
#include "shared/base/stream_id.hpp"
#include "shared/base/utf8.hpp"

namespace vultus {
namespace {

TEST(text, a_json_string_is_escaped_and_valid) {
    EXPECT_EQ(json_quoted(""), "\"\"");
    EXPECT_EQ(json_quoted("a\"b\\c"), R"("a\"b\\c")");
    EXPECT_EQ(json_quoted(std::string_view("\0\n\x7f", 3)), R"("\u0000\u000a\u007f")");
    EXPECT_EQ(json_quoted("Zo\xc3\xab"), "\"Zo\xc3\xab\"");
    EXPECT_EQ(json_quoted("a\xff\xc3"), R"("a\ufffd\ufffd")");
    EXPECT_EQ(json_quoted("\xed\xa0\x80x"), R"("\ufffd\ufffd\ufffdx")");  // a surrogate
}

TEST(text, a_time_has_milliseconds_and_0_is_no_time) {
    using std::chrono::milliseconds;
    EXPECT_EQ(rfc3339(milliseconds{0}), "");
    EXPECT_EQ(rfc3339(milliseconds{1'700'000'000'007}), "2023-11-14T22:13:20.007Z");
    EXPECT_EQ(rfc3339(milliseconds{-1}), "1969-12-31T23:59:59.999Z");
}

TEST(text, stream_ids_are_ordered_as_numbers) {
    EXPECT_TRUE(is_before("9-5", "10-0"));
    EXPECT_TRUE(is_before("10-9", "10-10"));
    EXPECT_TRUE(is_before("10", "10-1"));
    EXPECT_FALSE(is_before("10-0", "10"));
    EXPECT_FALSE(is_before("10-1", "9-9"));
}

TEST(text, what_is_a_stream_id) {
    for (const char* good : {"0", "0-0", "1700000000000-12"})
        EXPECT_TRUE(is_stream_id(good)) << good;
    for (const char* bad :
         {"", "-", "1-", "-1", "1-2-3", "1 ", "+1", "a", "1-a", "99999999999999999999999"}) {
        EXPECT_FALSE(is_stream_id(bad)) << bad;
    }
}

TEST(text, utf8_is_taken_a_character_at_a_time) {
    std::string_view text = "a\xc3\xab\xf0\x9f\x98\x80";
    EXPECT_EQ(take_character(text), U'a');
    EXPECT_EQ(take_character(text), U'\u00eb');
    EXPECT_EQ(take_character(text), U'\U0001f600');
    EXPECT_EQ(take_character(text), std::nullopt);
    for (const char* bad : {"\x80", "\xc0\x80", "\xed\xa0\x80", "\xf4\x90\x80\x80", "\xc3"}) {
        EXPECT_FALSE(is_utf8(bad));
    }
}

}  // namespace
}  // namespace vultus
