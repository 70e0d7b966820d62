// api.fetch_urls: which hosts are allowed, and how far inside.
#include "shared/fetch/fetch_rules.hpp"

#include <gtest/gtest.h>

namespace vultus {
namespace {

/// "no", "open" or "inside" for a URL under the rules.
std::string reach(std::initializer_list<const char*> rules, const char* url) {
    std::vector<fetch_rule> read;
    for (const char* one : rules) {
        const auto rule = parse_fetch_rule(one);
        EXPECT_TRUE(rule) << one;
        if (rule) read.push_back(*rule);
    }
    const auto parsed = parse_photo_url(url);
    EXPECT_TRUE(parsed) << url;
    const auto found = allowed_reach(read, *parsed);
    return !found ? "no" : *found ? "inside" : "open";
}

TEST(fetch_rules, a_name_is_that_name_alone) {
    EXPECT_EQ(reach({"Photos.example.com"}, "https://photos.example.com/a"), "open");
    EXPECT_EQ(reach({"photos.example.com"}, "http://photos.example.com/a"), "open");
    EXPECT_EQ(reach({"photos.example.com"}, "http://a.photos.example.com/"), "no");
    EXPECT_EQ(reach({"photos.example.com"}, "http://example.com/"), "no");
    EXPECT_EQ(reach({"photos.example.com"}, "http://xphotos.example.com/"), "no");
    EXPECT_EQ(reach({}, "http://photos.example.com/"), "no");
}

TEST(fetch_rules, a_star_is_each_name_below_and_not_the_name) {
    EXPECT_EQ(reach({"*.example.com"}, "http://a.example.com/"), "open");
    EXPECT_EQ(reach({"*.example.com"}, "http://a.b.example.com/"), "open");
    EXPECT_EQ(reach({"*.example.com"}, "http://example.com/"), "no");
    EXPECT_EQ(reach({"*.example.com"}, "http://badexample.com/"), "no");
    EXPECT_EQ(reach({"*.example.com"}, "http://example.com.evil/"), "no");
}

TEST(fetch_rules, the_port_is_that_of_the_scheme_or_the_one_given) {
    EXPECT_EQ(reach({"a.example"}, "http://a.example:443/"), "no");
    EXPECT_EQ(reach({"a.example"}, "https://a.example:443/"), "open");
    EXPECT_EQ(reach({"a.example"}, "http://a.example:8080/"), "no");
    EXPECT_EQ(reach({"a.example:8080"}, "http://a.example:8080/"), "open");
    EXPECT_EQ(reach({"a.example:8080"}, "http://a.example/"), "no");
}

TEST(fetch_rules, addresses_inside_are_listed_by_themselves) {
    EXPECT_EQ(reach({"10.20.0.0/16"}, "http://10.20.3.4/"), "inside");
    EXPECT_EQ(reach({"10.20.0.0/16"}, "http://10.21.3.4/"), "no");
    EXPECT_EQ(reach({"10.20.0.0/16"}, "http://a.example/"), "no");
    EXPECT_EQ(reach({"[fd12::/48]:81"}, "http://[fd12::1]:81/"), "inside");
    EXPECT_EQ(reach({"127.0.0.1"}, "http://[::ffff:127.0.0.1]/"), "inside");
    EXPECT_EQ(reach({"8.8.8.8"}, "http://8.8.8.8/"), "inside");
    EXPECT_EQ(reach({"private:cameras.lan"}, "http://cameras.lan/"), "inside");
    EXPECT_EQ(reach({"private:*.lan:8080"}, "http://door.lan:8080/"), "inside");
    EXPECT_EQ(reach({"cameras.lan", "private:*.lan"}, "http://cameras.lan/"), "inside");
    // Hidden in a range that is allowed: where a cloud gives credentials.
    EXPECT_EQ(reach({"100.64.0.0/10"}, "http://100.100.100.200/"), "no");
    EXPECT_EQ(reach({"100.64.0.0/10"}, "http://100.100.100.201/"), "inside");
}

TEST(fetch_rules, blocked_addresses_are_reached_by_nobody) {
    EXPECT_TRUE(may_reach(*parse_ip_address("8.8.8.8"), false));
    EXPECT_FALSE(may_reach(*parse_ip_address("10.0.0.1"), false));
    EXPECT_TRUE(may_reach(*parse_ip_address("10.0.0.1"), true));
    EXPECT_FALSE(may_reach(*parse_ip_address("169.254.169.254"), true));
}

TEST(fetch_rules, refuses_other_entries) {
    for (const char* bad : {"",
                            "*",
                            "*.",
                            "*a.example",
                            "a.*.example",
                            "http://a",
                            "a/b",
                            "a b",
                            "a:0",
                            "a:65536",
                            "a:",
                            "a:b",
                            "::1",
                            "[::1",
                            "[a.example]",
                            "[10.0.0.0/8]",
                            "private:",
                            "private:*",
                            "private:10.0.0.1",
                            "private:[::1]",
                            "10.0.0.1/8",
                            "10.0.0.0/33",
                            "169.254.169.254",
                            "169.254.0.0/16",
                            "[fe80::]",
                            "224.0.0.1",
                            "0.0.0.0/0",
                            "[::]",
                            "[::/0]",
                            "0x7f.1",
                            "user@a.example",
                            "1.2.3"}) {
        EXPECT_FALSE(parse_fetch_rule(bad)) << bad;
    }
}

}  // namespace
}  // namespace vultus
