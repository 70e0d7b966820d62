// What api and fetcher tell each other.
#include "shared/fetch/fetch_messages.hpp"

#include <gtest/gtest.h>

namespace vultus {
namespace {

TEST(fetch_messages, an_order_arrives_as_it_was_given) {
    const fetch_order order{*parse_photo_url("https://a.example:8443/x?y"), true, 1'000,
                            std::chrono::milliseconds(9'999), "/etc/a b.pem"};
    const std::string text = text_of(order);
    EXPECT_TRUE(is_whole_order(text));
    EXPECT_FALSE(is_whole_order(text.substr(0, text.size() - 1)));
    const auto read = parse_fetch_order(text);
    ASSERT_TRUE(read);
    EXPECT_EQ(read->url, order.url);
    EXPECT_EQ(read->inside, true);
    EXPECT_EQ(read->bytes_max, 1'000u);
    EXPECT_EQ(read->time, order.time);
    EXPECT_EQ(read->authorities, order.authorities);
    EXPECT_FALSE(parse_fetch_order(text.substr(1, text.size() - 2)));
    EXPECT_FALSE(parse_fetch_order(text + "x"));
    EXPECT_FALSE(parse_fetch_order("http\na\nport\n/\nopen\n1\n1\n\n"));
}

TEST(fetch_messages, an_answer_is_one_line) {
    fetch_answer photo;
    photo.bytes = 12;
    EXPECT_EQ(text_of(photo), "photo 12\n");
    fetch_answer redirect;
    redirect.redirect = "http://a/\nphoto 12";
    EXPECT_EQ(text_of(redirect), "redirect http://a/ photo 12\n");
    fetch_answer failed;
    failed.why = error{errc::fetch_failed, "no\r\nphoto 1"};
    EXPECT_EQ(text_of(failed), "failed fetch_failed no  photo 1\n");
    EXPECT_EQ(parse_fetch_answer("photo 12")->bytes, 12u);
    EXPECT_EQ(parse_fetch_answer("redirect http://a/")->redirect, "http://a/");
    EXPECT_EQ(parse_fetch_answer("failed too_large it is")->why, (error{errc::too_large, "it is"}));
}

TEST(fetch_messages, a_fetcher_that_was_taken_over_claims_nothing_else) {
    for (const char* line : {"", "photo", "photo -1", "photo 1x", "photo 99999999999999999999",
                             "redirect", "redirect ", "failed", "failed unauthorized x",
                             "failed store_unavailable x", "failed nothing x", "other 1"}) {
        EXPECT_FALSE(parse_fetch_answer(line)) << line;
    }
}

}  // namespace
}  // namespace vultus
