// Page tokens: one word without special characters, and back.
#include "shared/model/page_token.hpp"

#include <gtest/gtest.h>

namespace vultus {
namespace {

constexpr std::string_view one_word =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

TEST(page_token, any_cursor_becomes_one_word_and_comes_back) {
    EXPECT_EQ(page_token(""), "");
    for (const std::string& cursor :
         {std::string("1764496800000 0193c1f2-0000-7000-8000-000000000000"), std::string("Ada"),
          std::string("a+b&c=d #%41"), std::string("Zo\xC3\xAB"), std::string("-x"),
          std::string("\xF4\x8F\xBF\xBF"), std::string(200, 'x'), std::string("\0", 1)}) {
        const auto token = page_token(cursor);
        EXPECT_EQ(token.find_first_not_of(one_word), std::string::npos) << token;
        EXPECT_NE(token.front(), '-') << "a command line would take it for an option";
        const auto back = cursor_in(token);
        ASSERT_TRUE(back) << token;
        EXPECT_EQ(*back, cursor);
    }
}

TEST(page_token, what_was_never_given_is_refused) {
    for (const std::string& bad : {std::string(), std::string("A"), std::string("AB"),
                                   std::string("a b"), std::string("QWRh="), std::string("QWRi\n"),
                                   std::string("1764496800000 x"), std::string(513, 'A')}) {
        EXPECT_FALSE(cursor_in(bad)) << bad;
    }
}

}  // namespace
}  // namespace vultus
