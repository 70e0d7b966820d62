// The server over a real socket: limits at n-1, n and n+1, refusals before the body, pipelining,
// slow and broken clients, and all methods on all routes.
#include <gtest/gtest.h>

#include "api/http/routes.hpp"
#include "shared/base/limits.hpp"
#include "tests/api/http/server_support.hpp"

namespace vultus::api::testing {
namespace {

using std::chrono::milliseconds;

class server : public ::testing::Test {
 protected:
    static void SetUpTestSuite() { shared_ = new running_api; }
    static void TearDownTestSuite() { delete std::exchange(shared_, nullptr); }
    static running_api& api() { return *shared_; }
    static running_api* shared_;
};
running_api* server::shared_ = nullptr;

const std::string host = "Host: localhost\r\n";

TEST_F(server, method_and_path_grid_has_no_defect) {
    const std::string paths[] = {"/api/train",
                                 "/api/recognize",
                                 "/api/faces",
                                 "/api/faces/ada",
                                 "/api/faces/ada/x",
                                 "/api/clear",
                                 "/api/rename?label=a&label_to=b",
                                 "/api/merge",
                                 "/api/jobs",
                                 "/api/jobs/x",
                                 "/api/jobs/01936a3e-8a52-7b02-9c1d-2e3f40516202",
                                 "/api/jobs/01936a3e-8a52-7b02-9c1d-2e3f40516202/events",
                                 "/api/jobs/01936a3e-8a52-7b02-9c1d-2e3f40516202/image",
                                 "/api/collections",
                                 "/api/collections/c",
                                 "/api/status",
                                 "/healthz/live",
                                 "/healthz/ready",
                                 "/metrics",
                                 "/openapi.json",
                                 "/",
                                 "/nothing",
                                 "/api",
                                 "/api/%",
                                 "//",
                                 "/api/jobs?page_size=0",
                                 "*"};
    for (const auto* method :
         {"GET", "HEAD", "POST", "DELETE", "OPTIONS", "PUT", "PATCH", "BREW"}) {
        for (const auto& path : paths) {
            const auto got = api().call(method, path);
            EXPECT_TRUE(got.complete) << method << " " << path;
            EXPECT_GE(got.status, 200) << method << " " << path;
            EXPECT_TRUE(got.status < 500 || got.status == 503) << method << " " << path;
            EXPECT_EQ(got.field("x-content-type-options"), "nosniff");
            if (got.status == 405) {
                EXPECT_NE(got.field("allow"), "");
            }
            if (got.status >= 400 && std::string_view(method) != "HEAD") {
                EXPECT_EQ(got.field("content-type"), "application/problem+json");
                EXPECT_EQ(member(got.body, "status"), std::to_string(got.status));
                EXPECT_EQ(member(got.body, "trace_id").size(), 32u);
            }
        }
    }
}

TEST_F(server, options_and_head) {
    const auto options = api().call("OPTIONS", "/api/jobs/x");
    EXPECT_EQ(options.status, 204);
    EXPECT_EQ(options.field("allow"), "GET, HEAD, DELETE, OPTIONS");
    EXPECT_EQ(options.field("access-control-allow-origin"), "");
    const auto head = api().call("HEAD", "/healthz/live");
    EXPECT_EQ(head.status, 200);
    EXPECT_EQ(head.field("content-length"), "6");
    connection one(api().port());
    one.send("HEAD /healthz/live HTTP/1.1\r\n" + host + "\r\nGET /healthz/live HTTP/1.1\r\n" +
             host + "\r\n");
    EXPECT_EQ(one.receive(true).status, 200);
    EXPECT_EQ(one.receive().body, "alive\n");  // no body of the HEAD came before
}

TEST_F(server, the_page_and_the_document) {
    const auto page = api().get("/");
    EXPECT_EQ(page.status, 200);
    EXPECT_EQ(page.field("content-type"), "text/html; charset=utf-8");
    EXPECT_EQ(page.field("content-security-policy"),
              "default-src 'self'; img-src 'self' blob:; object-src 'none'; base-uri 'none'; "
              "form-action 'none'; frame-ancestors 'none'");
    EXPECT_EQ(api().get("/openapi.json").field("content-type"), "application/json");
    for (const auto* path :
         {"/..", "/../main.cpp", "/%2e%2e/main.cpp", "/etc/passwd", "/main.cpp"}) {
        EXPECT_EQ(api().get(path).status, 404) << path;
    }
}

TEST_F(server, other_hosts_and_other_sites) {
    const auto with = [&](const std::string& fields, const std::string& method = "GET") {
        connection to(api().port());
        to.send(method + " /api/clear HTTP/1.1\r\n" + fields + "\r\n");
        return to.receive().status;
    };
    EXPECT_EQ(with("Host: evil.example\r\n"), 421);
    EXPECT_EQ(with("Host: localhost\r\nHost: localhost\r\n"), 400);
    EXPECT_EQ(with(""), 400);
    EXPECT_EQ(with("Host: localhost:5000\r\nOrigin: http://localhost:5000\r\n", "POST"), 202);
    EXPECT_EQ(with("Host: localhost\r\nOrigin: http://evil.example\r\n", "POST"), 403);
    EXPECT_EQ(with("Host: localhost\r\nOrigin: null\r\n", "POST"), 403);
    EXPECT_EQ(with("Host: localhost\r\nSec-Fetch-Site: cross-site\r\n", "POST"), 403);
    connection absolute(api().port());
    absolute.send("GET http://evil.example/healthz/live HTTP/1.1\r\nHost: localhost\r\n\r\n");
    EXPECT_EQ(absolute.receive().status, 421);
    connection ours(api().port());
    ours.send("GET http://localhost/healthz/live HTTP/1.1\r\nHost: localhost\r\n\r\n");
    EXPECT_EQ(ours.receive().status, 200);
}

TEST_F(server, refused_before_the_body) {
    const auto head = [&](const std::string& target, const std::string& fields) {
        connection to(api().port());
        to.send("POST " + target + " HTTP/1.1\r\n" + host + fields + "\r\n");  // no body follows
        auto got = to.receive();
        return got;
    };
    const std::string photo = "Content-Type: image/png\r\n";
    EXPECT_EQ(head("/api/recognize", photo).status, 411);
    EXPECT_EQ(head("/api/recognize", "Content-Type: jpeg\r\nContent-Length: 5\r\n").status, 415);
    EXPECT_EQ(head("/api/recognize", "Content-Type: text/plain\r\nContent-Length: 5\r\n").status,
              415);
    EXPECT_EQ(head("/api/recognize?x=1", photo + "Content-Length: 5\r\n").status, 400);
    EXPECT_EQ(head("/api/recognize", photo + "Content-Length: 5\r\nTrailer: x\r\n").status, 400);
    EXPECT_EQ(head("/api/recognize", photo + "Transfer-Encoding: gzip, chunked\r\n").status, 400);
    for (const std::string two :
         {"Content-Length: 5\r\nContent-Length: 5\r\n", "Content-Length: 5, 5\r\n",
          "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n"}) {
        EXPECT_EQ(head("/api/recognize", photo + two).status, 400) << two;
    }
    EXPECT_EQ(head("/api/recognize", photo + "Expect: tea\r\nContent-Length: 5\r\n").status, 400);
    const auto large = head("/api/recognize", photo + "Content-Length: 10485761\r\n");
    EXPECT_EQ(large.status, 413);
    EXPECT_EQ(large.field("connection"), "close");
    EXPECT_EQ(head("/api/recognize", photo + "Content-Length: 99999999999999999999999\r\n").status,
              400);
    EXPECT_EQ(head("/api/clear", "Content-Length: 100000\r\n").status, 413);
}

TEST_F(server, body_limit) {
    for (const auto extra : {-1, 0, 1}) {
        std::string body = png();
        body.resize(limits::body_bytes + static_cast<std::size_t>(extra + 0), 'x');
        connection to(api().port());
        to.send("POST /api/recognize HTTP/1.1\r\n" + host +
                "Content-Type: image/png\r\nContent-Length: " + std::to_string(body.size()) +
                "\r\n\r\n");
        to.send(body);  // a refusal must be readable although all was sent
        EXPECT_EQ(to.receive().status, extra <= 0 ? 202 : 413) << extra;
    }
}

TEST_F(server, chunked_bodies_are_bounded) {
    for (const auto extra : {-1, 0, 1}) {
        const std::size_t size = limits::body_bytes + static_cast<std::size_t>(extra);
        std::string body = png();
        body.resize(size, 'x');
        connection to(api().port());
        to.send("POST /api/recognize HTTP/1.1\r\n" + host +
                "Content-Type: image/png\r\nTransfer-Encoding: chunked\r\n\r\n");
        for (std::size_t at = 0; at < size; at += limits::mib) {
            const auto piece = std::string_view(body).substr(at, limits::mib);
            char length[32];
            std::snprintf(length, sizeof length, "%zx\r\n", piece.size());
            to.send(length);
            to.send(piece);
            to.send("\r\n");
        }
        to.send("0\r\n\r\n");
        EXPECT_EQ(to.receive().status, extra <= 0 ? 202 : 413) << extra;
    }
}

TEST_F(server, header_limit) {
    const std::string start = "GET /healthz/live HTTP/1.1\r\n" + host + "X: ";
    for (const auto extra : {-100, 100}) {
        const auto size = limits::header_bytes + static_cast<std::size_t>(extra);
        connection to(api().port());
        to.send(start + std::string(size - start.size() - 4, 'x') + "\r\n\r\n");
        EXPECT_EQ(to.receive().status, extra < 0 ? 200 : 413) << extra;
    }
    connection target(api().port());
    target.send("GET /" + std::string(limits::target_bytes, 'a') + " HTTP/1.1\r\n" + host + "\r\n");
    EXPECT_EQ(target.receive().status, 413);
}

TEST_F(server, hundred_continue) {
    connection to(api().port());
    const auto photo = png();
    to.send("POST /api/recognize HTTP/1.1\r\n" + host + "Content-Type: image/png\r\n" +
            "Expect: 100-continue\r\nContent-Length: " + std::to_string(photo.size()) + "\r\n\r\n");
    EXPECT_EQ(to.receive_until("\r\n\r\n"), "HTTP/1.1 100 Continue\r\n\r\n");
    to.send(photo);
    EXPECT_EQ(to.receive().status, 202);
    // Refused without an invitation to send the body.
    connection refused(api().port());
    refused.send("POST /api/recognize HTTP/1.1\r\n" + host + "Content-Type: text/plain\r\n" +
                 "Expect: 100-continue\r\nContent-Length: 5\r\n\r\n");
    EXPECT_EQ(refused.receive().status, 415);
}

TEST_F(server, pipelined_requests_are_answered_in_order) {
    connection to(api().port());
    std::string all;
    for (int i = 0; i < 20; ++i) {
        all += i % 2 == 0 ? "GET /healthz/live HTTP/1.1\r\n" : "GET /api/nothing HTTP/1.1\r\n";
        all += host + "\r\n";
    }
    to.send(all);
    for (int i = 0; i < 20; ++i) EXPECT_EQ(to.receive().status, i % 2 == 0 ? 200 : 404) << i;
}

TEST_F(server, old_clients_and_closing) {
    connection old(api().port());
    old.send("GET /healthz/live HTTP/1.0\r\n\r\n");
    EXPECT_EQ(old.receive().status, 200);
    EXPECT_TRUE(old.is_closed());
    connection close(api().port());
    close.send("GET /healthz/live HTTP/1.1\r\n" + host + "Connection: close\r\n\r\n");
    EXPECT_EQ(close.receive().field("connection"), "close");
    EXPECT_TRUE(close.is_closed());
    for (const auto* nonsense :
         {"hello\r\n\r\n", "GET / HTTP/9.9\r\n\r\n", "\x16\x03\x01\x02\r\n\r\n"}) {
        connection to(api().port());
        to.send(nonsense);
        EXPECT_EQ(to.receive().status, 400);
        EXPECT_TRUE(to.is_closed());
    }
}

TEST_F(server, a_reset_in_the_middle_of_a_body_costs_nothing) {
    for (int i = 0; i < 20; ++i) {
        connection to(api().port());
        to.send("POST /api/recognize HTTP/1.1\r\n" + host +
                "Content-Type: image/png\r\nContent-Length: 1000000\r\n\r\n" +
                std::string(1'000, 'x'));
        to.reset();
    }
    std::size_t left = 1;
    for (int i = 0; i < 2'000 && left > 0; ++i) {
        api().inside([&](application& app) { left = app.connections(); });
        std::this_thread::yield();
    }
    EXPECT_EQ(left, 0u);
    EXPECT_EQ(api().get("/healthz/live").status, 200);
}

TEST(server_times, slow_clients_are_told_and_closed) {
    running_api api([](api_settings& settings, server_settings& times) {
        times.header_time = times.body_time = milliseconds(30);
        times.body_rate = 1'000'000'000;
        settings.idle_time = std::chrono::seconds(1);
        times.first_byte_time = std::chrono::seconds(0);
        times.linger_time = milliseconds(20);
    });
    connection header(api.port());
    header.send("GET /healthz/live HTTP/1.1\r\nHo");
    EXPECT_EQ(header.receive().status, 408);
    EXPECT_TRUE(header.is_closed());
    connection body(api.port());
    body.send("POST /api/recognize HTTP/1.1\r\n" + host +
              "Content-Type: image/png\r\nContent-Length: 100\r\n\r\nabc");
    EXPECT_EQ(body.receive().status, 408);
    EXPECT_TRUE(body.is_closed());
    connection idle(api.port());
    EXPECT_TRUE(idle.is_closed());  // without a word: nothing was asked
}

TEST(server_bounds, idle_connections_give_way_the_longest_idle_first) {
    running_api api([](api_settings& settings, server_settings& timing) {
        settings.connections_max = 2;
        timing.yield_time = std::chrono::milliseconds(0);
    });
    const std::string ask = "GET /healthz/live HTTP/1.1\r\n" + host + "\r\n";
    connection first(api.port()), second(api.port());
    for (connection* one : {&first, &second}) {
        one->send(ask);
        EXPECT_EQ(one->receive().status, 200);
    }
    connection third(api.port());
    third.send(ask);
    EXPECT_EQ(third.receive().status, 200);
    EXPECT_TRUE(first.is_closed());
    second.send(ask);
    EXPECT_EQ(second.receive().status, 200);
}

}  // namespace
}  // namespace vultus::api::testing
