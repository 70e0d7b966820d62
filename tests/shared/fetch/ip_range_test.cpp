// Which addresses a photo may come from.
#include "shared/fetch/ip_range.hpp"

#include <gtest/gtest.h>

namespace vultus {
namespace {

ip_class of(const char* text) {
    const auto address = parse_ip_address(text);
    EXPECT_TRUE(address) << text;
    return class_of(*address);
}

TEST(ip_range, addresses_of_the_internet_are_open) {
    for (const char* one :
         {"1.1.1.1", "8.8.8.8", "9.255.255.255", "11.0.0.0", "100.63.255.255", "100.128.0.0",
          "126.255.255.255", "128.0.0.1", "169.253.255.255", "169.255.0.0", "172.15.255.255",
          "172.32.0.0", "192.167.255.255", "192.169.0.0", "223.255.255.255", "2606:4700::1111",
          "2a00:1450:4001:81c::200e", "::ffff:8.8.8.8", "64:ff9b::8.8.8.8"}) {
        EXPECT_EQ(of(one), ip_class::open) << one;
    }
}

TEST(ip_range, addresses_of_a_network_at_home_are_inside) {
    for (const char* one :
         {"10.0.0.0", "10.255.255.255", "127.0.0.1", "127.255.255.255", "172.16.0.1",
          "172.31.255.255", "192.168.0.1", "100.64.0.1", "100.127.255.255", "198.18.0.1",
          "192.0.2.1", "203.0.113.9", "::1", "fc00::1", "fdff::1", "2001:db8::1",
          "::ffff:127.0.0.1", "::ffff:10.1.2.3", "64:ff9b::10.1.2.3"}) {
        EXPECT_EQ(of(one), ip_class::inside) << one;
    }
}

TEST(ip_range, what_no_photo_lies_at_is_blocked) {
    for (const char* one : {"0.0.0.0",
                            "0.1.2.3",
                            "169.254.0.1",
                            "169.254.169.254",
                            "192.0.0.192",
                            "224.0.0.1",
                            "239.255.255.255",
                            "240.0.0.1",
                            "255.255.255.255",
                            "100.100.100.200",
                            "168.63.129.16",
                            "::",
                            "fe80::1",
                            "febf::1",
                            "fec0::1",
                            "ff02::1",
                            "fd00:ec2::254",
                            "2002:a00:1::",
                            "2001::1",
                            "::127.0.0.1",
                            "64:ff9b:1::1",
                            "4000::1",
                            "::ffff:169.254.169.254",
                            "64:ff9b::169.254.169.254"}) {
        EXPECT_EQ(of(one), ip_class::blocked) << one;
    }
}

TEST(ip_range, an_address_has_one_spelling) {
    for (const char* other : {"", "1", "127.1", "127.0.1", "0177.0.0.1", "0x7f.0.0.1", "2130706433",
                              "127.0.0.1 ", " 127.0.0.1", "127.0.0.1.", "1.2.3.4.5", "1.2.3.256",
                              "[::1]", "fe80::1%eth0", "::1::", "12345::"}) {
        EXPECT_FALSE(parse_ip_address(other)) << other;
    }
    EXPECT_FALSE(parse_ip_address(std::string_view("127.0.0.1\0x", 11)));
    EXPECT_EQ(text_of(*parse_ip_address("::ffff:127.0.0.1")), "127.0.0.1");
    EXPECT_EQ(*parse_ip_address("::ffff:127.0.0.1"), *parse_ip_address("127.0.0.1"));
    EXPECT_EQ(text_of(*parse_ip_address("2001:0DB8::0001")), "2001:db8::1");
}

TEST(ip_range, a_range_holds_what_shares_its_prefix) {
    const auto net = parse_ip_range("10.20.0.0/14");
    ASSERT_TRUE(net);
    EXPECT_TRUE(net->contains(*parse_ip_address("10.20.0.0")));
    EXPECT_TRUE(net->contains(*parse_ip_address("10.23.255.255")));
    EXPECT_FALSE(net->contains(*parse_ip_address("10.24.0.0")));
    EXPECT_FALSE(net->contains(*parse_ip_address("10.19.255.255")));
    EXPECT_FALSE(net->contains(*parse_ip_address("::10.20.0.1")));
    EXPECT_TRUE(parse_ip_range("0.0.0.0/0")->contains(*parse_ip_address("9.9.9.9")));
    EXPECT_FALSE(parse_ip_range("0.0.0.0/0")->contains(*parse_ip_address("::1")));
    EXPECT_TRUE(parse_ip_range("fd00::/8")->contains(*parse_ip_address("fdff::1")));
    EXPECT_EQ(parse_ip_range("1.2.3.4"), parse_ip_range("1.2.3.4/32"));
    for (const char* bad : {"10.0.0.1/8", "10.0.0.0/33", "10.0.0.0/-1", "10.0.0.0/", "10.0.0.0/08",
                            "10.0.0.0/8x", "fd00::/129", "10/8", "/8", "fd00::1/64"}) {
        EXPECT_FALSE(parse_ip_range(bad)) << bad;
    }
}

}  // namespace
}  // namespace vultus
