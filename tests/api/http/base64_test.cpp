// Base64 as libraries and browsers write it. Every text is decoded whole and character by
// character; both must agree.
#include "api/http/base64.hpp"

#include <gtest/gtest.h>

#include "shared/base/limits.hpp"

namespace vultus::api {
namespace {

result<std::string> decode(std::string_view text, std::size_t most = limits::mib) {
    auto whole = base64_decode(text, most);
    base64_decoder slow(most);
    result<void> fed;
    for (const char c : text) {
        fed = slow.feed({&c, 1});
        if (!fed) break;
    }
    auto pieces = fed ? slow.finish() : result<std::string>(fail(fed.error()));
    EXPECT_EQ(whole.has_value(), pieces.has_value()) << text;
    if (whole && pieces) {
        EXPECT_EQ(*whole, *pieces);
    } else if (!whole && !pieces) {
        EXPECT_EQ(whole.error().code, pieces.error().code) << text;
    }
    return whole;
}

TEST(base64, of_rfc_4648) {
    EXPECT_EQ(*decode(""), "");
    EXPECT_EQ(*decode("Zg=="), "f");
    EXPECT_EQ(*decode("Zm8="), "fo");
    EXPECT_EQ(*decode("Zm9v"), "foo");
    EXPECT_EQ(*decode("+/+/"), "\xfb\xff\xbf");
}

TEST(base64, both_alphabets_and_no_padding) {
    EXPECT_EQ(*decode("-_-_"), "\xfb\xff\xbf");
    EXPECT_EQ(*decode("-_+/"), "\xfb\xff\xbf");
    EXPECT_EQ(*decode("Zg"), "f");
    EXPECT_EQ(*decode("Zm8"), "fo");
}

TEST(base64, broken_into_lines) {
    EXPECT_EQ(*decode("Zm9v\r\nZm9v\r\n"), "foofoo");
    EXPECT_EQ(*decode("Z\nm\n9\nv Zg\t=\n="), "foof");
    std::string lines, wanted;
    for (int i = 0; i < 2'000; ++i) {
        lines += "Zm9vYmFyZm9vYmFyZm9vYmFyZm9vYmFyZm9vYmFyZm9vYmFyZm9vYmFyZm9vYmFyZm9vYmFyZm9v\r\n";
        wanted += "foobarfoobarfoobarfoobarfoobarfoobarfoobarfoobarfoobarfoo";
    }
    EXPECT_EQ(*base64_decode(lines, limits::mib), wanted);
}

TEST(base64, as_a_data_uri) {
    for (const std::string prefix :
         {"data:image/jpeg;base64,", "data:;base64,", "DATA:image/png;name=a.png;BASE64,",
          "\ndata:image/jpeg;charset=utf-8;base64,"}) {
        EXPECT_EQ(*decode(prefix + "Zm9v"), "foo") << prefix;
    }
    EXPECT_EQ(decode("data:image/jpeg,Zm9v").error().code, errc::malformed);
    EXPECT_NE(decode("data:image/jpeg,Zm9v").error().detail.find("data:"), std::string::npos);
    EXPECT_FALSE(decode("data:image/jpeg;base64"));
    EXPECT_FALSE(decode("data:" + std::string(1'000, 'x')));
    // Digits that only look like the start of one.
    EXPECT_EQ(decode("data")->size(), 3u);
    EXPECT_EQ(decode("dat=")->size(), 2u);
    EXPECT_EQ(decode("databas=")->size(), 5u);
}

TEST(base64, what_is_none_is_refused_and_the_character_named) {
    for (const auto* bad : {"Z", "Zg=", "Zg==Zg==", "=g==", "Z===", "====", "Zm9v=", "Zm9vZ", "***",
                            "Zm9v.", "Z=g=", "Zg===", "\xff"}) {
        const auto read = decode(bad);
        ASSERT_FALSE(read) << bad;
        EXPECT_EQ(read.error().code, errc::malformed) << bad;
    }
    EXPECT_NE(decode("Zm9*").error().detail.find("\"*\""), std::string::npos);
}

TEST(base64, what_comes_out_is_bounded) {
    EXPECT_TRUE(decode("Zm9vZm8=", 5));
    EXPECT_TRUE(decode("Zm9vZm9v", 6));
    EXPECT_EQ(decode("Zm9vZm9v", 5).error().code, errc::too_large);
    EXPECT_EQ(decode("Zm9vZm8=", 4).error().code, errc::too_large);
    EXPECT_EQ(decode("Zm9vZg==", 3).error().code, errc::too_large);
}

}  // namespace
}  // namespace vultus::api
