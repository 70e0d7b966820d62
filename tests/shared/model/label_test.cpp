// Names that look the same become one name; invisible names are refused.
#include "shared/model/label.hpp"

#include <gtest/gtest.h>
#include <rapidcheck.h>

#include <string>
#include <vector>

#include "shared/base/error.hpp"
#include "shared/base/limits.hpp"
#include "shared/model/job.hpp"

namespace vultus {
namespace {

std::string normal(const std::string& text) {
    const auto made = normal_label(text);
    return made ? *made : "refused: " + made.error().detail;
}

const std::string zoe = "Zo\u00EB";

TEST(label_form, what_looks_the_same_is_the_same) {
    for (const std::string same : {"Zo\u00EB",
                                   "Zoe\u0308",
                                   "Zo\u00EB ",
                                   " Zo\u00EB",
                                   "Zo\u00EB\u200B",
                                   "\uFEFFZo\u00EB",
                                   "Zo\u00EB\u00A0",
                                   "Zo\u00EB\u3000",
                                   "\tZo\u00EB\r\n",
                                   "Zo\u200B\u00EB",
                                   "Z\u00ADo\u00EB",
                                   "Zoe\u200B\u0308",
                                   "Zoe\u034F\u0308",
                                   "Zo\u00EB\u2060",
                                   "Zo\u00EB\u200D",
                                   "Zo\u200C\u00EB",
                                   "Zo\u00EB\uFE0F",
                                   "Zo\uFE00\u00EB",
                                   "Zo\u00EB\u180E",
                                   "Zo\u00EB\u3164",
                                   "Zo\u00EB\u2800",
                                   "Zo\u00EB\U000E0041",
                                   "Zo\u00EB \u200B \u00A0"}) {
        EXPECT_EQ(normal(same), zoe);
        EXPECT_EQ(is_old_label(same), same != zoe) << same;
    }
    EXPECT_EQ(normal("Ada \u00A0 Lovelace"), "Ada Lovelace");
    EXPECT_EQ(normal("\u5C71\u7530\u3000\u592A\u90CE"), "\u5C71\u7530 \u592A\u90CE");
    EXPECT_EQ(normal("\u1112\u1161\u11AB"), "\uD55C");  // Hangul, letter by letter
    EXPECT_EQ(normal("\u212B"), "\u00C5");              // Angstrom sign
}

TEST(label_form, what_a_script_needs_stays) {
    for (const std::string kept :
         {"\u0646\u0627\u0645\u0647\u200C\u0627\u06CC",      // Persian with a non-joiner
          "\u0915\u094D\u200D\u0937",                        // Devanagari with a joiner
          "\U0001F468\u200D\U0001F469",                      // an emoji of two
          "\u8FBB\U000E0100",                                // a variant of a Han character
          "\u2764\uFE0F", "\U0001F3F4\U000E0067\U000E007F",  // a red heart, a flag
          "a", "/", "Ada Lovelace", "O'Neil \"x\"", "...", "\uE000", "\U0010FFFF",
          "\u0622\u0646\u0627"}) {
        EXPECT_EQ(normal(kept), kept);
        EXPECT_FALSE(is_old_label(kept)) << kept;
    }
}

TEST(label_form, what_cannot_be_seen_is_refused) {
    for (const std::string bad : {"",       " ",          "\u200B",       "\uFEFF",
                                  "\u00A0", "\u3000",     "\u00AD",       "\u2060",
                                  "\u200D", "\u3164",     "\u115F\u1160", "\u2800",
                                  "\u0301", "\u20DD",     "\uFE0F",       "\U000E0041",
                                  "\u180E", "\u034F",     " \u200B\t",    "\u200C\u200C",
                                  "\uFFA0", "\U0001D159", "\u202F\u205F"}) {
        const auto made = normal_label(bad);
        ASSERT_FALSE(made) << bad;
        EXPECT_EQ(made.error().code, errc::bad_label);
        EXPECT_TRUE(is_old_label(bad));
    }
    EXPECT_EQ(normal("\u200B"), "refused: The name has no visible character");
}

TEST(label_form, the_old_rules_hold_for_the_new_form) {
    EXPECT_EQ(normal(" .. "), "refused: The name must not be \".\" or \"..\"");
    EXPECT_EQ(normal("a\u202Eb"), "refused: The name contains a text direction character");
    EXPECT_EQ(normal("a\nb"), "refused: The name contains a control character");
    EXPECT_EQ(normal("a\xFF"), "refused: The name is not valid UTF-8");
    EXPECT_EQ(normal(std::string("a\0b", 3)), "refused: The name contains a control character");
    // 200 bytes of the stored form, however it was sent.
    const std::string longest(limits::label_bytes, 'a');
    EXPECT_EQ(normal("  " + longest + "  "), longest);
    EXPECT_FALSE(normal_label(longest + "a"));
    EXPECT_FALSE(normal_label("a" + std::string(4 * limits::label_bytes, ' ')));
    std::string decomposed, whole;
    for (int i = 0; i < 100; ++i) decomposed += "e\u0308", whole += "\u00EB";
    EXPECT_EQ(normal(decomposed), whole);
}

TEST(label_form, is_its_own_form_and_good) {
    const std::vector<std::string> pieces{"a",      "e",      "\u0308",     "\u200B",     " ",
                                          "\u00A0", "\u200D", "\uFE0F",     "\u0628",     "\u5C71",
                                          "\n",     "\u202E", "\U0001F3F4", "\U000E0067", "\u3164",
                                          "\u1112", "\u1161", "\u034F",     ".",          "\xFF",
                                          "\u0301", "\u0323", "\u00AD",     "\u2764",     "\u0646"};
    EXPECT_TRUE(rc::check([&] {
        std::string text;
        for (const auto piece : *rc::gen::container<std::vector<std::size_t>>(
                 rc::gen::inRange<std::size_t>(0, pieces.size()))) {
            text += pieces[piece];
        }
        const auto made = normal_label(text);
        if (!made) return;
        RC_ASSERT(check_label(*made).has_value());
        const auto again = normal_label(*made);
        RC_ASSERT(again.has_value());
        RC_ASSERT(*again == *made);
    }));
}

}  // namespace
}  // namespace vultus
