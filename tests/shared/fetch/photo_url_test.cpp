// URLs of photos: one spelling, or none.
#include "shared/fetch/photo_url.hpp"

#include <gtest/gtest.h>

namespace vultus {
namespace {

TEST(photo_url, reads_what_browsers_write) {
    const auto plain = parse_photo_url("HTTPS://Photos.Example.com/a/b.jpg?w=1&h=%20");
    ASSERT_TRUE(plain) << plain.error().detail;
    EXPECT_EQ(*plain, (photo_url{true, "photos.example.com", 443, "/a/b.jpg?w=1&h=%20"}));
    EXPECT_EQ(*parse_photo_url("http://a.example"), (photo_url{false, "a.example", 80, "/"}));
    EXPECT_EQ(*parse_photo_url("http://a:8080?x"), (photo_url{false, "a", 8080, "/?x"}));
    EXPECT_EQ(*parse_photo_url("http://192.0.2.1:1/"), (photo_url{false, "192.0.2.1", 1, "/"}));
    EXPECT_EQ(*parse_photo_url("http://[2001:DB8::1]:65535/"),
              (photo_url{false, "2001:db8::1", 65535, "/"}));
    EXPECT_EQ(parse_photo_url("http://[::ffff:127.0.0.1]/")->host, "127.0.0.1");
    EXPECT_EQ(parse_photo_url("http://xn--exmple-cua.com/")->host, "xn--exmple-cua.com");
    EXPECT_EQ(parse_photo_url("http://a_b.example/")->host, "a_b.example");
}

TEST(photo_url, its_text_reads_back_as_itself) {
    for (const char* text : {"http://a.example/", "https://a.example:8443/x?y=z",
                             "http://[2001:db8::1]:81/x", "https://192.0.2.1/"}) {
        EXPECT_EQ(text_of(*parse_photo_url(text)), text);
    }
}

TEST(photo_url, refuses_what_two_parsers_read_differently) {
    for (const char* text : {"",
                             "http",
                             "http:",
                             "http:/a/",
                             "http://",
                             "http:///a",
                             "ftp://a/",
                             "file:///etc/passwd",
                             "gopher://a/",
                             "javascript:alert(1)",
                             "//a/b",
                             "/a",
                             "a/b",
                             "http://a@b/",
                             "http://a:b@c/",
                             "http://@a/",
                             "http://a/#b",
                             "http://a#@b/",
                             "http://a\\@b/",
                             "http://a/\\b",
                             "http://a b/",
                             "http://a/b c",
                             "http://a/\t",
                             "http://a/\r\nHost: b",
                             "http://a:/",
                             "http://a:0/",
                             "http://a:65536/",
                             "http://a:080/",
                             "http://a:8x/",
                             "http://a:-1/",
                             "http://:80/",
                             "http://a..b/",
                             "http://.a/",
                             "http://a./",
                             "http://2130706433/",
                             "http://0x7f000001/",
                             "http://0x7f.0.0.1/",
                             "http://0177.0.0.1/",
                             "http://127.1/",
                             "http://127.0.0.1./",
                             "http://1.2.3.4.5/",
                             "http://a.0x1/",
                             "http://[127.0.0.1]/",
                             "http://[::1/",
                             "http://[::1]a/",
                             "http://[fe80::1%25eth0]/",
                             "http://[/",
                             "http://[]/",
                             "http://::1/",
                             "http://fotos.ex\xC3\xA4mple/",
                             "http://a/\xC3\xA4",
                             "http://a%2eb/",
                             "http://a\"b/",
                             " http://a/",
                             "http://a/ "}) {
        const auto read = parse_photo_url(text);
        ASSERT_FALSE(read) << text << " has the host " << read->host;
        EXPECT_EQ(read.error().code, errc::bad_option) << text;
    }
    EXPECT_FALSE(parse_photo_url(std::string_view("http://a\0.b/", 12)));
}

TEST(photo_url, has_a_largest_size) {
    const std::string most = "http://a/" + std::string(photo_url_bytes - 9, 'x');
    EXPECT_TRUE(parse_photo_url(most));
    EXPECT_EQ(parse_photo_url(most + "x").error().code, errc::too_large);
    const std::string label(63, 'a');
    const std::string name = label + "." + label + "." + label + "." + std::string(61, 'a');
    EXPECT_TRUE(is_host_name(name));
    EXPECT_FALSE(is_host_name(name + "a"));
    EXPECT_TRUE(is_host_name(label));
    EXPECT_FALSE(is_host_name(label + "a"));
}

}  // namespace
}  // namespace vultus
