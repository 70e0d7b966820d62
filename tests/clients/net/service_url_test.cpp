// URLs of a service, as given by users.
#include "clients/net/service_url.hpp"

#include <gtest/gtest.h>

namespace vultus::net {
namespace {

std::string is(std::string_view text) {
    const auto found = parse_service_url(text, "5000");
    if (!found) return std::string(name_of(found.error().code));
    return (found->tls ? "tls " : "plain ") + found->host + " " + found->port + " " +
           found->authority();
}

TEST(service_url, taken) {
    EXPECT_EQ(is("http://127.0.0.1:5000"), "plain 127.0.0.1 5000 127.0.0.1:5000");
    EXPECT_EQ(is("http://host/"), "plain host 5000 host:5000");
    EXPECT_EQ(is("host:81"), "plain host 81 host:81");
    EXPECT_EQ(is("ws://host"), "plain host 5000 host:5000");
    EXPECT_EQ(is("https://host"), "tls host 443 host:443");
    EXPECT_EQ(is("wss://host:5000//"), "tls host 5000 host:5000");
    EXPECT_EQ(is("https://[::1]:81"), "tls ::1 81 [::1]:81");
    EXPECT_EQ(is("[::1]"), "plain ::1 5000 [::1]:5000");
}

TEST(service_url, refused) {
    for (const char* bad : {"", "http://", "https://", "http://host:", "http://:5", "ftp://host",
                            "http://host:port", "http://host/api", "https://host:123456"}) {
        EXPECT_EQ(is(bad), "malformed") << bad;
    }
}

}  // namespace
}  // namespace vultus::net
