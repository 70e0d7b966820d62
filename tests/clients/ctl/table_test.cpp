// Terminal output: tables, escaped text, spans, sizes, times.
#include "clients/ctl/output/table.hpp"

#include <gtest/gtest.h>

#include "clients/ctl/output/text.hpp"

using namespace vultus::ctl;
using std::chrono::milliseconds;

TEST(table, columns_line_up_and_lines_end_without_blanks) {
    const table rows{{{"label"}, {"faces", side::right}, {"note"}},
                     {{"Ann", "2", "x"}, {"Bertram", "10", ""}}};
    EXPECT_EQ(print(rows),
              "label    faces  note\n"
              "Ann          2  x\n"
              "Bertram     10\n");
}

TEST(table, short_rows_and_no_rows) {
    EXPECT_EQ(print(table{{{"a"}, {"b"}}, {{"1"}}}), "a  b\n1\n");
    EXPECT_EQ(print(table{{{"a"}, {"b"}}, {}}), "a  b\n(none)\n");
}

TEST(table, wide_and_combining_characters_keep_the_columns) {
    const table rows{{{"label"}, {"n"}}, {{"田中", "1"}, {"Ve\xcc\x81ra", "2"}, {"😀", "3"}}};
    EXPECT_EQ(print(rows),
              "label  n\n"
              "田中   1\n"
              "Ve\xcc\x81ra   2\n"
              "😀     3\n");
}

TEST(table, too_long_a_row_is_a_defect) {
    EXPECT_DEATH(print(table{{{"a"}}, {{"1", "2"}}}), "no more cells");
}

TEST(text, a_stored_text_cannot_steer_the_terminal) {
    EXPECT_EQ(visible("a\x1b[2Jb\n\x7f"), "a\\x1b[2Jb\\x0a\\x7f");
    EXPECT_EQ(visible("x\xe2\x80\xaey"), "x\\u{202e}y");  // right-to-left override
    EXPECT_EQ(visible("\xc2\x9b"), "\\u{9b}");            // C1 control
    EXPECT_EQ(visible("\xff\xc0\x80z\xed\xa0\x80"), "\\xff\\xc0\\x80z\\xed\\xa0\\x80");
    EXPECT_EQ(visible("Zoë 田 😀"), "Zoë 田 😀");
    EXPECT_EQ(visible("\xe7\x94"), "\\xe7\\x94");  // cut in the middle
}

TEST(text, widths) {
    EXPECT_EQ(width(""), 0U);
    EXPECT_EQ(width("abc"), 3U);
    EXPECT_EQ(width("ë"), 1U);
    EXPECT_EQ(width("e\xcc\x88"), 1U);
    EXPECT_EQ(width("田😀"), 4U);
}

TEST(text, spans) {
    EXPECT_EQ(about(milliseconds{0}), "0 ms");
    EXPECT_EQ(about(milliseconds{999}), "999 ms");
    EXPECT_EQ(about(milliseconds{1'000}), "1.0 s");
    EXPECT_EQ(about(milliseconds{59'940}), "59.9 s");
    EXPECT_EQ(about(milliseconds{60'000}), "1 min");
    EXPECT_EQ(about(milliseconds{3'600'000}), "1 h");
    EXPECT_EQ(about(milliseconds{172'800'000}), "2 d");
}

TEST(text, sizes) {
    EXPECT_EQ(bytes(0), "0 B");
    EXPECT_EQ(bytes(1'023), "1023 B");
    EXPECT_EQ(bytes(1'024), "1.0 KiB");
    EXPECT_EQ(bytes(1'536), "1.5 KiB");
    EXPECT_EQ(bytes(2ULL << 30U), "2.0 GiB");
    EXPECT_EQ(bytes(5'000ULL << 40U), "5000.0 TiB");
}
