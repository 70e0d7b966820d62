// Requests that RFC 9110 and 9112 allow clients and proxies to send, and the answers to them.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>

#include "api/http/header_fields.hpp"
#include "api/http/problem.hpp"
#include "api/http/response_head.hpp"
#include "tests/api/http/server_support.hpp"

namespace vultus::api::testing {
namespace {

const std::string host = "Host: localhost\r\n";
const std::string alive = "GET /healthz/live HTTP/1.1\r\n" + host + "\r\n";

class connection_manners : public ::testing::Test {
 protected:
    static void SetUpTestSuite() {
        shared_ = new running_api([](api_settings& settings, server_settings&) {
            settings.cors_origins = {"https://other.example"};
        });
    }
    static void TearDownTestSuite() { delete std::exchange(shared_, nullptr); }
    static running_api& api() { return *shared_; }
    static answer ask(const std::string& text) {
        connection to(api().port());
        to.send(text);
        return to.receive();
    }
    static running_api* shared_;
};
running_api* connection_manners::shared_ = nullptr;

TEST_F(connection_manners, empty_lines_before_a_request) {
    EXPECT_EQ(ask("\r\n" + alive).status, 200);
    EXPECT_EQ(ask("\r\n\r\n" + alive).status, 200);
    connection to(api().port());
    to.send(alive + "\r\n" + alive);
    EXPECT_EQ(to.receive().status, 200);
    EXPECT_EQ(to.receive().status, 200);
    for (const char c : "\r\n" + alive.substr(0, 10)) to.send(std::string(1, c));
    to.send(alive.substr(10));
    EXPECT_EQ(to.receive().status, 200);
    EXPECT_EQ(ask(std::string(200, '\n')).status, 400) << "bounded";
    std::string many;
    for (int i = 0; i < 9; ++i) many += "\r\n";
    EXPECT_EQ(ask(many + alive).status, 400);
}

TEST_F(connection_manners, the_absolute_form_of_both_schemes) {
    for (const std::string scheme : {"http", "https", "HTTPS", "Http"}) {
        const auto of = [&](const std::string& rest) {
            return ask("GET " + scheme + "://" + rest + " HTTP/1.1\r\n" + host + "\r\n").status;
        };
        EXPECT_EQ(of("localhost/healthz/live"), 200) << scheme;
        EXPECT_EQ(of("localhost:5000/healthz/live?x"), 200) << scheme;
        EXPECT_EQ(of("localhost"), 200) << scheme;
        EXPECT_EQ(of("evil.example/healthz/live"), 421) << scheme;
    }
    EXPECT_EQ(ask("GET ftp://localhost/ HTTP/1.1\r\n" + host + "\r\n").status, 400);
}

TEST_F(connection_manners, an_old_client_that_asks_keeps_its_connection) {
    connection old(api().port());
    for (int i = 0; i < 3; ++i) {
        old.send("GET /healthz/live HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
        const auto got = old.receive();
        EXPECT_EQ(got.status, 200);
        EXPECT_EQ(got.field("connection"), "keep-alive");
    }
    old.send("GET /healthz/live HTTP/1.0\r\n\r\n");
    EXPECT_EQ(old.receive().field("connection"), "close");
    EXPECT_TRUE(old.is_closed());
    EXPECT_EQ(ask(alive).field("connection"), "") << "of HTTP/1.1 it goes without saying";
    connection stream(api().port());
    stream.send("GET /api/events HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
    EXPECT_NE(stream.receive_until("\r\n\r\n").find("Connection: close"), std::string::npos);
}

TEST_F(connection_manners, a_list_on_several_lines_is_one_list) {
    const auto job =
        api().post_photo("/api/recognize", "Prefer: respond-async\r\nPrefer: wait=1\r\n");
    EXPECT_EQ(job.field("preference-applied"), "wait=1");
    const auto path = "/api/jobs/" + member(job.body, "id");
    const auto tag = api().get(path).field("etag");
    const auto two = "If-None-Match: \"x\"\r\nIf-None-Match: " + tag + "\r\n";
    EXPECT_EQ(api().get(path, two).status, 304);
    EXPECT_EQ(ask("GET /healthz/live HTTP/1.1\r\n" + host +
                  "Connection: keep-alive\r\nConnection: close\r\n\r\n")
                  .field("connection"),
              "close");
    connection twice(api().port());
    twice.send("POST /api/recognize HTTP/1.1\r\n" + host + "Content-Type: image/png\r\n" +
               "Content-Length: 9\r\nExpect: 100-continue\r\nExpect: 100-continue\r\n\r\n");
    EXPECT_EQ(twice.receive_until("\r\n\r\n"), "HTTP/1.1 100 Continue\r\n\r\n");
    connection live(api().port());
    live.send("GET /api/live HTTP/1.1\r\n" + host +
              "Connection: keep-alive\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n"
              "Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
              "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n");
    EXPECT_TRUE(live.receive_until("\r\n").starts_with("HTTP/1.1 101 "));
    // The second line counts for the rules, too: what asks for a WebSocket has to say from where.
    const auto foreign = ask("GET /api/live HTTP/1.1\r\n" + host +
                             "Origin: https://evil.example\r\nConnection: Upgrade\r\nUpgrade:\r\n"
                             "Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
                             "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n");
    EXPECT_EQ(foreign.status, 403);
    const auto trailers = "Trailer:\r\nTrailer: x\r\n\r\n";
    EXPECT_EQ(ask("GET /healthz/live HTTP/1.1\r\n" + host + trailers).status, 400);
}

TEST_F(connection_manners, scripts_of_a_friendly_site_may_read_what_they_need) {
    const auto got = api().get("/api/jobs", "Origin: https://other.example\r\n");
    const auto exposed = got.field("access-control-expose-headers");
    for (const auto* name :
         {"Location", "Retry-After", "ETag", "Preference-Applied", "RateLimit"}) {
        EXPECT_NE(exposed.find(name), std::string::npos) << name;
    }
    EXPECT_EQ(api().get("/api/jobs").field("access-control-expose-headers"), "");
    EXPECT_EQ(api()
                  .get("/api/jobs", "Origin: https://evil.example\r\n")
                  .field("access-control-expose-headers"),
              "");
}

TEST_F(connection_manners, a_status_line_says_what_it_means) {
    connection to(api().port());
    to.send("GET /api/live HTTP/1.1\r\n" + host + "\r\n");
    EXPECT_EQ(to.receive_until("\r\n"), "HTTP/1.1 426 Upgrade Required\r\n");
}

TEST_F(connection_manners, an_upgrade_is_offered_for_this_connection_alone) {
    const auto told = ask("GET /api/live HTTP/1.1\r\n" + host + "\r\n");
    EXPECT_EQ(told.field("upgrade"), "websocket");
    EXPECT_EQ(told.field("connection"), "Upgrade") << "RFC 9110, 7.8";
    EXPECT_EQ(told.field("sec-websocket-version"), "13");
    response answer;
    answer.with("Upgrade", "websocket");
    const auto head = head_of(answer, 0, false, true);
    EXPECT_NE(head.find("\r\nConnection: Upgrade\r\nConnection: close\r\n\r\n"), head.npos) << head;
}

TEST(refusals, say_what_their_status_asks_for) {
    for (int code = 0; code <= static_cast<int>(errc::internal); ++code) {
        const auto told = problem({static_cast<errc>(code), "why"}, "trace", 7);
        const auto has = [&](const char* name) { return !find_header(told.fields, name).empty(); };
        const int status = told.status;
        EXPECT_EQ(has("retry-after"), status == 503 || status == 429) << code;
        EXPECT_EQ(has("www-authenticate"), status == 401) << code;
        EXPECT_EQ(told.close, status == 413 || status == 408) << code;
    }
}

/// The numbers of three digits behind `mark` in the api's sources.
std::set<int> statuses_behind(const std::string& mark) {
    namespace fs = std::filesystem;
    std::set<int> found;
    for (const auto& file : fs::recursive_directory_iterator(VULTUS_SOURCE_DIR "/api")) {
        if (file.path().extension() != ".cpp") continue;
        std::stringstream text;
        text << std::ifstream(file.path()).rdbuf();
        const auto all = text.str();
        for (auto at = all.find(mark); at != std::string::npos; at = all.find(mark, at + 1)) {
            const auto* number = all.c_str() + at + mark.size();
            char* end = nullptr;
            const auto value = std::strtol(number, &end, 10);
            if (end - number == 3) found.insert(static_cast<int>(value));
        }
    }
    return found;
}

TEST(reasons, every_status_that_is_sent_has_its_phrase) {
    std::set<int> sent;
    for (int code = 0; code <= static_cast<int>(errc::internal); ++code) {
        sent.insert(http_status(static_cast<errc>(code)));
    }
    for (const auto* mark : {"status = ", "json_response(", "? 200 : ", "done ? "}) {
        sent.merge(statuses_behind(mark));
    }
    EXPECT_GE(sent.size(), 20u);
    EXPECT_TRUE(sent.contains(101) && sent.contains(202) && sent.contains(304));
    response answer;
    for (const int status : sent) {
        answer.status = status;
        const auto head = head_of(answer, 0, false, false);
        EXPECT_EQ(head.find("<unknown-status>"), std::string::npos) << status;
    }
    answer.status = 401;
    EXPECT_TRUE(head_of(answer, 0, false, false).starts_with("HTTP/1.1 401 Unauthorized\r\n"));
}

TEST(fields_of_several_lines, are_joined_where_they_are_lists_alone) {
    headers fields{{"Prefer", "a"}, {"X", "1"},
                   {"prefer", "b"}, {"X", "2"},
                   {"Accept", "c"}, {"Content-Length", "1"},
                   {"PREFER", "d"}, {"Content-Length", "1"}};
    join_lists(fields);
    EXPECT_EQ(fields, (headers{{"Prefer", "a, b, d"},
                               {"X", "1"},
                               {"X", "2"},
                               {"Accept", "c"},
                               {"Content-Length", "1"},
                               {"Content-Length", "1"}}));
    EXPECT_TRUE(is_list_of("a, A,,a", "a"));
    for (const auto* other : {"", ",", "a, b", "b"}) EXPECT_FALSE(is_list_of(other, "a")) << other;
}

}  // namespace
}  // namespace vultus::api::testing
