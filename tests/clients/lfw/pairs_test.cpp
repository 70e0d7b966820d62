// The pair files of LFW: both forms, folds, and each way of being wrong.
#include "clients/lfw/pairs.hpp"

#include <gtest/gtest.h>

namespace vultus::lfw {
namespace {

std::string matched(int count) {
    std::string text;
    for (int i = 0; i < count; ++i) text += "Ann_" + std::to_string(i) + "\t1\t2\n";
    return text;
}

std::string mismatched(int count) {
    std::string text;
    for (int i = 0; i < count; ++i) text += "Ann_" + std::to_string(i) + "\t1\tBob\t3\n";
    return text;
}

TEST(pairs, view_1_gets_ten_folds_of_both_kinds) {
    const auto list = read_pairs("20\n" + matched(20) + mismatched(20), "pairs.txt");
    ASSERT_TRUE(list.has_value()) << list.error().detail;
    EXPECT_EQ(list->folds, 10);
    ASSERT_EQ(list->pairs.size(), 40U);
    for (int i = 0; i < 40; ++i) {
        const photo_pair& pair = list->pairs[static_cast<std::size_t>(i)];
        EXPECT_EQ(pair.fold, i % 20 / 2) << i;
        EXPECT_EQ(pair.same(), i < 20) << i;
        EXPECT_EQ(pair.line, static_cast<std::size_t>(i) + 2);
    }
    EXPECT_EQ(list->pairs[3].first, (photo_id{"Ann_3", 1}));
    EXPECT_EQ(list->pairs[3].second, (photo_id{"Ann_3", 2}));
    EXPECT_EQ(list->pairs[23].second, (photo_id{"Bob", 3}));
}

TEST(pairs, view_2_has_its_own_folds) {
    const std::string text = "3\t2\n" + matched(2) + mismatched(2) + matched(2) + mismatched(2) +
                             matched(2) + mismatched(2);
    const auto list = read_pairs(text, "pairs.txt");
    ASSERT_TRUE(list.has_value()) << list.error().detail;
    EXPECT_EQ(list->folds, 3);
    ASSERT_EQ(list->pairs.size(), 12U);
    for (std::size_t i = 0; i < 12; ++i) {
        EXPECT_EQ(list->pairs[i].fold, static_cast<int>(i / 4)) << i;
        EXPECT_EQ(list->pairs[i].same(), i % 4 < 2) << i;
    }
}

TEST(pairs, carriage_returns_and_blank_lines_at_the_end_do_no_harm) {
    const auto list = read_pairs("1\r\nAnn\t1\t2\r\nAnn\t1\tBob\t9999\r\n\r\n \n", "pairs.txt");
    ASSERT_TRUE(list.has_value()) << list.error().detail;
    EXPECT_EQ(list->pairs[1].second, (photo_id{"Bob", 9999}));
    EXPECT_TRUE(read_pairs("1\nAnn 1 2\nAnn 1 Bob 3", "no newline at the end").has_value());
}

TEST(pairs, what_is_wrong_is_said_with_file_and_line) {
    const std::vector<std::pair<std::string, std::string>> cases{
        {"", "p.txt:1: empty"},
        {"\n", "p.txt:1: the first line"},
        {"0\n", "p.txt:1: the first line"},
        {"ten\n", "p.txt:1: the first line"},
        {"1 2 3\n", "p.txt:1: the first line"},
        {"1001 1\n", "p.txt:1: the first line"},
        {"1000001\n", "p.txt:1: the first line"},
        {"1\n", "p.txt:1: the file ends"},
        {"1\nAnn 1 2\n", "p.txt:2: the file ends"},
        {"1\nAnn 1 2\nAnn 1 Bob 2\nAnn 1 Bob 3\n", "p.txt:4: more pairs"},
        {"1\nAnn 1 Bob 2\nAnn 1 2\n", "p.txt:2: a matched pair"},
        {"1\nAnn 1 2\nAnn 1 2\n", "p.txt:3: a mismatched pair"},
        {"1\n\nAnn 1 Bob 2\n", "p.txt:2: a matched pair"},
        {"1\nAnn 0 2\n", "p.txt:2: a matched pair must be \"name number number\", numbers"},
        {"1\nAnn 1 10000\n", "p.txt:2: a matched pair must be \"name number number\", numbers"},
        {"1\nAnn 1 2x\n", "p.txt:2: a matched pair must be \"name number number\", numbers"},
        {"1\nAnn -1 2\n", "p.txt:2: a matched pair must be \"name number number\", numbers"},
        {"1\nAnn 2 2\n", "p.txt:2: a photo paired with itself"},
        {"1\nAnn 1 2\nAnn 1 Ann 2\n", "p.txt:3: a mismatched pair with one person"},
        {"1\n../Ann 1 2\n", "p.txt:2: a name must not be a path"},
        {"1\nAnn 1 2\nAnn 1 .. 2\n", "p.txt:3: a name must not be a path"},
    };
    for (const auto& [text, why] : cases) {
        const auto list = read_pairs(text, "p.txt");
        ASSERT_FALSE(list.has_value()) << text;
        EXPECT_EQ(list.error().code, errc::malformed);
        EXPECT_EQ(list.error().detail.substr(0, why.size()), why) << text;
    }
}

TEST(pairs, photos_lie_where_the_set_keeps_them) {
    EXPECT_EQ(path_of({"Abdullah_Gul", 13}), "Abdullah_Gul/Abdullah_Gul_0013.jpg");
    EXPECT_EQ(path_of({"A", 9999}), "A/A_9999.jpg");
    EXPECT_EQ(photo_named("Ann", "Ann_0042.jpg"), (photo_id{"Ann", 42}));
    for (const char* other : {"Ann_42.jpg", "Ann_0042.png", "Bob_0042.jpg", "Ann_0000.jpg",
                              "Ann_00x2.jpg", "Ann-0042.jpg", "", "Ann_0042.jpg~"}) {
        EXPECT_FALSE(photo_named("Ann", other).has_value()) << other;
    }
}

}  // namespace
}  // namespace vultus::lfw
