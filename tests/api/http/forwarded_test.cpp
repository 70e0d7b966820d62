// The client of a request behind proxies, and forged fields.
#include "api/http/forwarded.hpp"

#include <gtest/gtest.h>

#include "api/access/login_service.hpp"

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
}

TEST(forwarded, the_standard_field_says_the_same) {
    const auto said = [](const char* value) { return address({{"Forwarded", value}}); };
    EXPECT_EQ(said("for=1.2.3.4"), "1.2.3.4");
    EXPECT_EQ(said("For=\"1.2.3.4:4711\";proto=https;by=10.0.0.1"), "1.2.3.4");
    EXPECT_EQ(said("proto=http; for=1.2.3.4:80"), "1.2.3.4");
    EXPECT_EQ(said("for=\"[2001:db8:cafe::17]:4711\""), "2001:db8:cafe::17");
    EXPECT_EQ(said("for=\"[2001:db8:cafe::17]\""), "2001:db8:cafe::17");
    EXPECT_EQ(said("for=\"[::ffff:1.2.3.4]:_port\""), "1.2.3.4");
    EXPECT_EQ(said("for=\"1.2\\.3.4\""), "1.2.3.4");
    EXPECT_EQ(said("for=6.6.6.6, for=1.2.3.4;host=\"a, b; c\""), "1.2.3.4");
    EXPECT_EQ(said("for=6.6.6.6, for=1.2.3.4 ,for=10.0.0.2, ,"), "1.2.3.4");
    EXPECT_EQ(said("for=unknown, for=1.2.3.4"), "1.2.3.4");
    EXPECT_EQ(address({{"Forwarded", "for=6.6.6.6"}, {"forwarded", "for=1.2.3.4"}}), "1.2.3.4");
    EXPECT_EQ(address({{"Forwarded", "for=1.2.3.4"}}, "1.1.1.1"), "1.1.1.1");
}

TEST(forwarded, of_the_standard_field_what_is_no_address_is_nobodys) {
    for (const char* bad : {"",
                            ",",
                            ";",
                            "for",
                            "for=",
                            "for=unknown",
                            "for=_hidden",
                            "for=\"_SEVKISEK\"",
                            "for=\"unknown:80\"",
                            "for=\"1.2.3.4:\"",
                            "for=\"1.2.3.4:123456\"",
                            "for=\"1.2.3.4:x\"",
                            "for=\"2001:db8::1\"",
                            "for=[1.2.3.4]",
                            "for=\"[::7\"",
                            "for=\"[::7]80\"",
                            "for=\"[::7]:\"",
                            "for=1.2.3.4;for=1.2.3.4",
                            "for = 1.2.3.4",
                            "for=\"1.2.3.4\"x",
                            "for=1.2.3.4 5.6.7.8",
                            "for=1.2.3.4;=x",
                            "1.2.3.4",
                            "by=1.2.3.4;proto=https",
                            "for=\"\"",
                            "for=\"1.2.3.4",
                            "for=\"1.2.3.4\\",
                            "for=\"[fe80::1%25eth0]\"",
                            "for=1.2.3.4\x01"}) {
        EXPECT_EQ(address({{"Forwarded", bad}}), "10.0.0.1") << bad;
    }
    EXPECT_EQ(address({{"Forwarded", "for=1.2.3.4, for=_hidden"}}), "10.0.0.1");
    EXPECT_EQ(address({{"Forwarded", "for=1.2.3.4, by=10.0.0.2"}}), "10.0.0.1");
    EXPECT_EQ(address({{"Forwarded", "for=1.2.3.4, for=_hidden, for=10.0.0.2"}}), "10.0.0.2");
}

TEST(forwarded, what_a_client_leaves_open_swallows_nothing_that_a_proxy_adds) {
    const std::string added[] = {"for=1.2.3.4", "for=\"1.2.3.4\"", "for=\"[2001:db8::7]:80\"",
                                 "for=1.2.3.4;by=\"10.0.0.1\"", "by=\"_p\";for=1.2.3.4"};
    for (const std::string open :
         {"for=\"", "for=6.6.6.6;x=\"", "for=6.6.6.6, \"", "for=\"6.6.6.6\\", "for=6.6.6.6;x=\"\\",
          "for=6.6.6.6;", "for=6.6.6.6,", "=", "for=[", "for=\"[6.6.6.6]\";by=\""}) {
        for (const auto& proxy : added) {
            for (const headers& fields : {headers{{"Forwarded", open + ", " + proxy}},
                                          headers{{"Forwarded", open}, {"Forwarded", proxy}}}) {
                const auto found = address(fields);
                EXPECT_TRUE(found == "1.2.3.4" || found == "2001:db8::7" || found == "10.0.0.1")
                    << fields[0].second << " gives " << found;
            }
        }
    }
}

TEST(forwarded, where_the_two_forms_differ_neither_counts) {
    const auto both = [](const char* usual, const char* standard) {
        return address({{"X-Forwarded-For", usual}, {"Forwarded", standard}});
    };
    EXPECT_EQ(both("1.2.3.4", "for=1.2.3.4"), "1.2.3.4");
    EXPECT_EQ(both("6.6.6.6, 1.2.3.4", "for=\"1.2.3.4:80\", for=10.0.0.2"), "1.2.3.4");
    EXPECT_EQ(both("1.2.3.4", "for=6.6.6.6"), "10.0.0.1") << "the proxy wrote the first";
    EXPECT_EQ(both("6.6.6.6", "for=1.2.3.4"), "10.0.0.1") << "the proxy wrote the second";
    EXPECT_EQ(both("1.2.3.4", "for=unknown"), "10.0.0.1");
    EXPECT_EQ(both("1.2.3.4", ""), "10.0.0.1");
    EXPECT_EQ(both("", "for=6.6.6.6"), "10.0.0.1");
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
    const auto by = [](const headers& fields) {
        return client_behind(fields, "10.0.0.1", proxies).secure;
    };
    EXPECT_TRUE(by({{"Forwarded", "for=1.2.3.4;proto=https"}}));
    EXPECT_TRUE(by({{"Forwarded", "proto=http, proto=\"HTTPS\";for=_a"}}));
    EXPECT_TRUE(by({{"Forwarded", "proto=http"}, {"Forwarded", "proto=https"}}));
    for (const char* plain :
         {"", "proto=http", "proto=https, proto=http", "proto=https, for=1.2.3.4",
          "proto=https;proto=https", "proto=https, x=\"", "for=https"}) {
        EXPECT_FALSE(by({{"Forwarded", plain}})) << plain;
    }
    EXPECT_TRUE(by({{"Forwarded", "proto=https"}, {"X-Forwarded-Proto", "https"}}));
    EXPECT_FALSE(by({{"Forwarded", "proto=https"}, {"X-Forwarded-Proto", "http"}}));
    EXPECT_FALSE(by({{"Forwarded", "proto=http"}, {"X-Forwarded-Proto", "https"}}));
    EXPECT_TRUE(by({{"Forwarded", "for=1.2.3.4"}, {"X-Forwarded-Proto", "https"}}));
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
