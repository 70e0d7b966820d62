// Whom a request is from: what proxies say, and what anybody may say.
#include "api/forwarded.hpp"

#include <gtest/gtest.h>

#include "api/login.hpp"

namespace vultus::api {
namespace {

const std::vector<std::string> proxies{"10.0.0.1", "10.0.0.2", "::1"};

std::string address(const headers& fields, const char* peer = "10.0.0.1") {
    return client_behind(fields, peer, proxies).address;
}

TEST(forwarded, counts_from_a_named_proxy_only) {
    const headers fields{{"X-Forwarded-For", "1.2.3.4"}, {"X-Forwarded-Proto", "https"}};
    EXPECT_EQ(address(fields), "1.2.3.4");
    EXPECT_TRUE(client_behind(fields, "10.0.0.1", proxies).secure);
    EXPECT_EQ(address(fields, "::ffff:10.0.0.1"), "1.2.3.4");
    EXPECT_EQ(address(fields, "::1"), "1.2.3.4");
    for (const char* peer : {"10.0.0.3", "1.2.3.4", "::2", "nothing", ""}) {
        EXPECT_EQ(address(fields, peer), peer);
        EXPECT_FALSE(client_behind(fields, peer, proxies).secure) << peer;
    }
    EXPECT_FALSE(client_behind(fields, "10.0.0.1", {}).secure) << "by default nobody is trusted";
    EXPECT_EQ(client_behind(fields, "10.0.0.1", {}).address, "10.0.0.1");
}

TEST(forwarded, of_a_chain_the_last_that_is_no_proxy_is_the_client) {
    EXPECT_EQ(address({{"X-Forwarded-For", "6.6.6.6, 1.2.3.4"}}), "1.2.3.4");
    EXPECT_EQ(address({{"X-Forwarded-For", "6.6.6.6, 1.2.3.4, 10.0.0.2"}}), "1.2.3.4");
    EXPECT_EQ(address({{"X-Forwarded-For", "6.6.6.6"}, {"x-forwarded-for", "1.2.3.4"}}), "1.2.3.4");
    EXPECT_EQ(address({{"X-Forwarded-For", "10.0.0.2,10.0.0.1"}}), "10.0.0.2");
    EXPECT_EQ(address({{"X-Forwarded-For", "2001:db8::7"}}), "2001:db8::7");
}

TEST(forwarded, what_is_no_address_is_nobodys) {
    for (const char* bad : {"", ",", "unknown", "1.2.3.4:80", "1.2.3", "6.6.6.6, x", "a b"}) {
        EXPECT_EQ(address({{"X-Forwarded-For", bad}}), "10.0.0.1") << bad;
    }
    EXPECT_EQ(address({{"Forwarded", "for=1.2.3.4"}}), "10.0.0.1");
}

TEST(forwarded, the_nearest_proxy_says_whether_it_came_over_tls) {
    const auto secure = [](const char* value) {
        return client_behind({{"X-Forwarded-Proto", value}}, "10.0.0.1", proxies).secure;
    };
    EXPECT_TRUE(secure("https"));
    EXPECT_TRUE(secure("http, HTTPS"));
    for (const char* plain : {"", "http", "https, http", "httpsx", "wss"}) {
        EXPECT_FALSE(secure(plain)) << plain;
    }
}

TEST(counted_as, an_address_or_its_network) {
    EXPECT_EQ(counted_as("1.2.3.4"), "1.2.3.4");
    EXPECT_EQ(counted_as("::ffff:1.2.3.4"), "1.2.3.4");
    EXPECT_EQ(counted_as("2001:db8:1:2:3:4:5:6"), "2001:db8:1:2::/64");
    EXPECT_EQ(counted_as("2001:db8:1:2::1"), counted_as("2001:db8:1:2:ffff::9"));
    EXPECT_NE(counted_as("2001:db8:1:2::1"), counted_as("2001:db8:1:3::1"));
}

}  // namespace
}  // namespace vultus::api
