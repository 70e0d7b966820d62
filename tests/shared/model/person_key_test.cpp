// The key of a person, the rules for ids, and the folded name for a search.
#include "shared/model/person_key.hpp"

#include <gtest/gtest.h>

#include "shared/base/limits.hpp"
#include "shared/base/utf8.hpp"
#include "shared/model/job.hpp"
#include "shared/model/label.hpp"

namespace vultus {
namespace {

TEST(person_key, is_the_name_or_the_name_and_an_id) {
    EXPECT_EQ(name_of_key("Ada"), "Ada");
    EXPECT_EQ(id_of_key("Ada"), "");
    const auto key = key_for("Ada", "crm/7");
    EXPECT_EQ(key,
              "Ada\x1f"
              "crm/7");
    EXPECT_EQ(name_of_key(key), "Ada");
    EXPECT_EQ(id_of_key(key), "crm/7");
    EXPECT_FALSE(check_label(key)) << "no name can imitate a key";
    EXPECT_FALSE(normal_label(key));
}

TEST(person_key, ids_are_visible_ascii) {
    EXPECT_TRUE(check_person_id("01a22d48-b913-7000-9efb-e88c77ab7414"));
    EXPECT_TRUE(check_person_id(R"(!"\~)"));
    EXPECT_TRUE(check_person_id(std::string(limits::person_id_bytes, 'x')));
    EXPECT_FALSE(check_person_id(std::string(limits::person_id_bytes + 1, 'x')));
    for (const char* bad : {"", "a b", "a\n", "\x1f", "\x7f", "\xc3\xa9"}) {
        EXPECT_FALSE(check_person_id(bad)) << bad;
    }
    EXPECT_TRUE(
        check_external_id("Stra\xc3\x9f"
                          "e 7"));
    EXPECT_TRUE(check_external_id(std::string(limits::external_id_bytes, 'x')));
    EXPECT_FALSE(check_external_id(std::string(limits::external_id_bytes + 1, 'x')));
    for (const char* bad : {"", "a\n", "\xff",
                            "a\x1f"
                            "b"}) {
        EXPECT_FALSE(check_external_id(bad)) << bad;
    }
}

TEST(person_key, a_placeholder_gives_the_key_back) {
    for (const std::string key : {"Ada",
                                  "A\"\\\x1f"
                                  "1",
                                  "Zo\xc3\xab"}) {
        EXPECT_EQ(key_in_placeholder(person_placeholder(key)), key);
    }
    for (const char* other : {"", "@", "@4", "@4g", "41", "01a22d48-b913"}) {
        EXPECT_EQ(key_in_placeholder(other), "") << other;
    }
}

TEST(folded_name, is_without_case_accents_and_punctuation) {
    const std::pair<const char*, const char*> cases[] = {
        {"Ada Lovelace", "ada lovelace"},
        {"  \xc3\x84"
         "da  ",
         "ada"},
        {"Zo\xc3\xab O'Neill-Smith", "zoe o neill smith"},
        {"STRASSE", "strasse"},
        {"Stra\xc3\x9f"
         "e",
         "strasse"},
        {"\xce\x9f\xce\xb4\xcf\x85\xcf\x83\xcf\x83\xce\xb5\xcf\x8d\xcf\x82",
         "\xce\xbf\xce\xb4\xcf\x85\xcf\x83\xcf\x83\xce\xb5\xcf\x85\xcf\x83"},
        {"\xe5\xbc\xa0\xe4\xbc\x9f", "\xe5\xbc\xa0\xe4\xbc\x9f"},
        {"R2D2 (robot)", "r2d2 robot"},
        {"\xe2\x98\x86", "\xe2\x98\x86"},
        {"", ""},
        {"  ", ""},
    };
    for (const auto& [name, folded] : cases) EXPECT_EQ(folded_name(name), folded) << name;
    EXPECT_EQ(folded_name("Zoe\xcc\x88"), folded_name("Zo\xc3\xab")) << "decomposed";
}

TEST(folded_name, is_valid_and_short_whatever_is_folded) {
    std::string longest;
    while (longest.size() + 2 <= limits::label_bytes) longest += "\xc3\x9f";
    EXPECT_LE(folded_name(longest).size(), limits::label_bytes);
    std::string wide;  // a ligature that becomes many letters
    while (wide.size() + 3 <= limits::label_bytes) wide += "\xef\xb7\xba";
    const auto folded = folded_name(wide);
    EXPECT_LE(folded.size(), limits::label_bytes);
    EXPECT_TRUE(is_utf8(folded));
    EXPECT_FALSE(folded_name("\xff\xfe").empty()) << "a name of before the rules";
}

}  // namespace
}  // namespace vultus
