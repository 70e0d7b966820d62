// Parsers of header fields, and decisions that depend only on them.
#include "api/http/header_fields.hpp"

#include <gtest/gtest.h>

namespace vultus::api {
namespace {

using std::chrono::seconds;

TEST(fields, media_types) {
    const auto form = parse_media_type("Multipart/Form-Data; charset=utf-8; boundary=\"a b;c\"");
    EXPECT_EQ(form.type, "multipart/form-data");
    EXPECT_EQ(form.boundary, "a b;c");
    EXPECT_EQ(parse_media_type("image/jpeg").type, "image/jpeg");
    EXPECT_EQ(parse_media_type("nonsense").type, "");
    EXPECT_EQ(parse_media_type("").type, "");
}

TEST(fields, prefer_wait) {
    EXPECT_EQ(prefer_wait("wait=5"), seconds(5));
    EXPECT_EQ(prefer_wait("respond-async, Wait=7; foo=1"), seconds(7));
    EXPECT_EQ(prefer_wait("wait=31"), seconds(30));
    EXPECT_EQ(prefer_wait("wait=0"), seconds(0));
    for (const auto* none : {"", "wait", "wait=", "wait=-1", "wait=x", "waits=3", "wait=3x"}) {
        EXPECT_FALSE(prefer_wait(none)) << none;
    }
}

TEST(fields, long_poll_wait) {
    EXPECT_EQ(*parse_wait("0"), seconds(0));
    EXPECT_EQ(*parse_wait("30"), seconds(30));
    for (const auto* bad : {"", "31", "-1", "x", "1.5"}) EXPECT_FALSE(parse_wait(bad)) << bad;
}

TEST(fields, entity_tags_compare_weakly) {
    EXPECT_TRUE(matches_tag("W/\"a-1\"", "W/\"a-1\""));
    EXPECT_TRUE(matches_tag("\"x\", \"a-1\"", "W/\"a-1\""));
    EXPECT_TRUE(matches_tag("*", "W/\"a-1\""));
    EXPECT_FALSE(matches_tag("", "W/\"a-1\""));
    EXPECT_FALSE(matches_tag("\"a-2\"", "W/\"a-1\""));
}

TEST(fields, our_hosts) {
    for (const auto* ours : {"localhost", "LOCALHOST:5000", "127.0.0.1:1", "[::1]:5000", "[::1]",
                             "10.0.0.7:80", "photos.example"}) {
        EXPECT_TRUE(is_our_host(ours, "10.0.0.7", {"photos.example"})) << ours;
    }
    for (const auto* other : {"", "evil.example", "localhost.evil.example", "127.0.0.2", "[::1",
                              "10.0.0.8", "photos.example.evil"}) {
        EXPECT_FALSE(is_our_host(other, "10.0.0.7", {"photos.example"})) << other;
    }
    EXPECT_TRUE(is_our_host("any.example", "10.0.0.7", {"*"}));
    for (const auto* ours :
         {"[0:0:0:0:0:0:0:1]:5000", "[::ffff:127.0.0.1]", "[::ffff:10.0.0.7]:1"}) {
        EXPECT_TRUE(is_our_host(ours, "10.0.0.7", {})) << ours;
    }
    EXPECT_TRUE(is_our_host("[FE80:0::1]:80", "fe80::1%eth0", {}));
    EXPECT_FALSE(is_our_host("[fe80::2]:80", "fe80::1%eth0", {}));
    EXPECT_FALSE(is_our_host("10.0.0.7", "", {})) << "nothing is no address";
}

TEST(fields, foreign_pages) {
    EXPECT_FALSE(is_foreign("", "", "localhost:5000", {}));
    EXPECT_FALSE(is_foreign("http://localhost:5000", "same-origin", "localhost:5000", {}));
    EXPECT_TRUE(is_foreign("http://localhost:5001", "same-site", "localhost:5000", {}));
    EXPECT_TRUE(is_foreign("http://evil.example", "", "localhost:5000", {}));
    EXPECT_TRUE(is_foreign("null", "", "localhost:5000", {}));
    EXPECT_TRUE(is_foreign("", "cross-site", "localhost:5000", {}));
    EXPECT_FALSE(
        is_foreign("http://app.example", "cross-site", "localhost:5000", {"http://app.example"}));
}

TEST(fields, trace_ids) {
    EXPECT_EQ(trace_id_of("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"),
              "0af7651916cd43dd8448eb211c80319c");
    for (const auto* bad :
         {"", "00-0af7", "00-00000000000000000000000000000000-b7ad6b7169203331-01",
          "ff-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
          "00-0AF7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"}) {
        EXPECT_EQ(trace_id_of(bad), "") << bad;
    }
}

TEST(fields, retry_after_follows_the_drain_rate) {
    EXPECT_EQ(retry_after_seconds(0, 100, 0), 1);
    EXPECT_EQ(retry_after_seconds(1'000, 100, 0), 10);
    EXPECT_EQ(retry_after_seconds(1'000, 100, 0.99), 13);
    EXPECT_EQ(retry_after_seconds(10'000, 0, 0), 120);
    EXPECT_EQ(retry_after_seconds(10'000, 0, 0.999), 150);
}

}  // namespace
}  // namespace vultus::api
