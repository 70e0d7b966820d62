// Too many connections, too many bytes, too many waiting requests: which are served and which are
// closed. Over a real socket. All connections come from one address, as in the worst flood, unless
// one is given.
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <unistd.h>

#include <atomic>
#include <thread>

#include "shared/base/descriptors.hpp"
#include "shared/base/limits.hpp"
#include "tests/api/access/access_support.hpp"
#include "tests/api/http/server_support.hpp"

namespace vultus::api::testing {
namespace {

using std::chrono::milliseconds;

const std::string host = "Host: localhost\r\n";
const std::string alive = "GET /healthz/live HTTP/1.1\r\n" + host + "\r\n";
const std::string first_byte = "G";  // a connection without one is not accepted
const std::string half = "GET /healthz/live HTTP/1.1\r\nHost: lo";
const std::string follow = "GET /api/events HTTP/1.1\r\n" + host + "\r\n";

std::string photo_head(std::size_t bytes) {
    return "POST /api/recognize HTTP/1.1\r\n" + host + "Content-Type: image/png\r\n" +
           "Content-Length: " + std::to_string(bytes) + "\r\n\r\n";
}

/// Waits until the loop has seen so many connections.
void until_there(running_api& api, std::size_t count) {
    std::size_t now = 0;
    for (int i = 0; i < 5'000 && now < count; ++i) {
        api.inside([&](application& app) { now = app.connections(); });
        std::this_thread::yield();
    }
    ASSERT_GE(now, count);
}

/// Waits until so many bytes of bodies are held.
void until_held(running_api& api, std::size_t bytes) {
    std::size_t now = 0;
    for (int i = 0; i < 100'000 && now < bytes; ++i) {
        api.inside([&](application& app) { now = app.body_bytes(); });
        std::this_thread::yield();
    }
    ASSERT_GE(now, bytes);
}

using many = std::vector<std::unique_ptr<connection>>;

many open(int port, std::size_t count, const std::string& text, const char* from = "127.0.0.1") {
    many all;
    for (std::size_t i = 0; i < count; ++i) {
        all.push_back(std::make_unique<connection>(port, from));
        if (!text.empty()) all.back()->send(text);
    }
    return all;
}

/// Eight connections, and no rest makes one of them give way.
void few(api_settings& settings, server_settings& timing) {
    settings.connections_max = 8;
    timing.yield_time = std::chrono::minutes(1);
}

TEST(scarcity, half_a_header_gives_way_to_a_whole_one) {
    running_api api(few);
    for (const auto& text : {first_byte, half}) {
        auto flood = open(api.port(), 40, text);
        for (int i = 0; i < 20; ++i) EXPECT_EQ(api.get("/healthz/live").status, 200) << i;
        for (int i = 0; i < 4; ++i) EXPECT_EQ(api.get("/api/jobs").status, 200) << i;
    }
}

TEST(scarcity, a_connection_takes_a_place_with_its_first_byte) {
    running_api api(few);
    auto silent = open(api.port(), 200, "");
    connection rests(api.port(), "127.0.0.2");
    rests.send(alive.substr(0, 1));
    until_there(api, 1);
    for (int i = 0; i < 20; ++i) EXPECT_EQ(api.get("/healthz/live").status, 200) << i;
    std::size_t there = 0;
    api.inside([&](application& app) { there = app.connections(); });
    EXPECT_LT(there, 5u) << "of 200";
    silent.back()->send(alive);
    EXPECT_EQ(silent.back()->receive().status, 200) << "its first byte came late";
    rests.send(alive.substr(1));
    EXPECT_EQ(rests.receive().status, 200);
}

TEST(scarcity, with_all_places_busy_health_is_told_and_others_are_refused_with_a_reason) {
    running_api api([](api_settings& settings, server_settings& timing) {
        few(settings, timing);
        settings.connections_max = 4;
    });
    auto streams = open(api.port(), 3, follow);
    for (auto& one : streams) {
        EXPECT_NE(one->receive_until("event: reread").find("200 OK"), std::string::npos);
    }
    connection body(api.port());
    body.send(photo_head(100) + "x");
    until_held(api, 1);
    EXPECT_EQ(api.get("/healthz/live").status, 200);
    EXPECT_EQ(api.get("/healthz/ready").status, 200);
    const auto full = api.get("/api/jobs");
    EXPECT_EQ(full.status, 503);
    EXPECT_EQ(member(full.body, "type"), "/problems/queue_full");
    EXPECT_NE(full.field("retry-after"), "");
    EXPECT_EQ(full.field("connection"), "close");
    auto rest = open(api.port(), 20, first_byte);  // and the reserve full of silence
    EXPECT_EQ(api.get("/healthz/live").status, 200);
    streams.clear();
}

TEST(scarcity, who_has_a_key_is_served_when_all_places_are_busy) {
    keyed_api keyed([](api_settings& settings) { settings.connections_max = 4; });
    running_api& api = keyed.api;
    const auto text = keyed.add(scope_set{scope::recognize, scope::read}, "*");
    keyed.settle(text);
    const auto key = keyed_api::field(text);
    auto bodies = open(api.port(), 4,
                       "POST /api/recognize HTTP/1.1\r\n" + host + key +
                           "Content-Type: image/png\r\nContent-Length: 100\r\n\r\nx");
    until_held(api, 4);
    EXPECT_EQ(api.get("/api/jobs").status, 401);
    EXPECT_EQ(api.get("/", "").status, 503) << "nobody in particular";
    EXPECT_EQ(api.get("/api/jobs", key).status, 200);
    EXPECT_EQ(api.get("/healthz/live").status, 200);
}

TEST(scarcity, a_body_takes_room_as_it_comes) {
    running_api api(
        [](api_settings& settings, server_settings&) { settings.inflight_body_bytes_max = 4'000; });
    const auto silent = open(api.port(), 26, photo_head(limits::body_bytes));
    until_there(api, 26);
    EXPECT_EQ(api.post_photo("/api/recognize").status, 202);
    const auto large =
        api.call("POST", "/api/recognize", std::string(4'001, 'x'), "Content-Type: image/png\r\n");
    EXPECT_EQ(large.status, 503) << "more than there is at all";
    EXPECT_EQ(member(large.body, "type"), "/problems/queue_full");
}

TEST(scarcity, a_body_counts_until_redis_has_it) {
    running_api api;
    const std::size_t size = 900'000;
    const std::string photo = png() + std::string(size - png().size(), 'x');
    api.redis.freeze();
    const auto refused = api.call("POST", "/api/recognize", photo, "Content-Type: image/png\r\n");
    EXPECT_EQ(refused.status, 503) << "no reply in time";
    std::size_t held = 0;
    api.inside([&](application& app) { held = app.body_bytes(); });
    EXPECT_EQ(held, size) << "the photo is in a command that is not written yet";
    api.redis.resume();
    for (int i = 0; i < 5'000 && held > 0; ++i) {
        api.inside([&](application& app) { held = app.body_bytes(); });
        std::this_thread::sleep_for(milliseconds(1));
    }
    EXPECT_EQ(held, 0u);
}

TEST(scarcity, a_body_that_rests_gives_way_to_one_that_comes) {
    running_api api([](api_settings& settings, server_settings& timing) {
        settings.inflight_body_bytes_max = 4'000;
        timing.yield_time = milliseconds(0);
    });
    const std::string begun = photo_head(5'000) + std::string(1'000, 'x');
    connection first(api.port()), second(api.port()), third(api.port());
    std::size_t held = 0;
    for (connection* one : {&first, &second, &third}) {
        one->send(begun);
        until_held(api, held += 1'000);
    }
    EXPECT_EQ(api.post_photo("/api/recognize").status, 202);
    const auto left = first.receive();
    EXPECT_EQ(left.status, 503);
    EXPECT_NE(left.field("retry-after"), "");
}

TEST(scarcity, a_slow_body_is_told_after_an_interval_and_a_steady_one_is_not) {
    running_api api([](api_settings&, server_settings& timing) {
        timing.body_time = milliseconds(1'000);
        timing.body_rate = 3;
    });
    connection slow(api.port()), steady(api.port());
    const auto photo = png() + std::string(1'000'000, 'x');
    slow.send(photo_head(photo.size()) + "xx");
    until_held(api, 2);
    steady.send(photo_head(photo.size()));
    std::atomic<int> told{0};
    std::thread waits([&] { told = slow.receive().status; });
    std::size_t sent = 0;
    while (told == 0) {  // byte for byte, longer than an interval
        steady.send(photo.substr(sent++, 1));
        std::size_t held = 0;
        while (held < sent && told == 0) {
            api.inside([&](application& app) { held = app.body_bytes(); });
        }
    }
    waits.join();
    EXPECT_EQ(told, 408);
    steady.send(photo.substr(sent));
    EXPECT_EQ(steady.receive().status, 202);
}

TEST(scarcity, streams_and_long_polls_leave_a_fourth_of_the_connections) {
    running_api api(few);  // six may wait; from the fifth on shares count
    auto streams = open(api.port(), 5, follow);
    for (auto& one : streams) one->receive_until("event: reread");
    const auto refused = api.get("/api/events");
    EXPECT_EQ(refused.status, 503);
    EXPECT_NE(refused.field("retry-after"), "");
    const auto job = api.post_photo("/api/recognize", "Prefer: wait=30\r\n");
    EXPECT_EQ(job.status, 202) << "answered at once";
    EXPECT_EQ(job.field("preference-applied"), "");
    EXPECT_EQ(api.get("/api/jobs/" + member(job.body, "id") + "?wait=30").status, 200);
}

TEST(scarcity, who_is_alone_keeps_its_connection_and_the_crowd_of_an_address_gives_way) {
    running_api api(few);
    connection alone(api.port(), "127.0.0.2");  // it rests longest
    alone.send(alive.substr(0, 1));
    until_there(api, 1);
    auto crowd = open(api.port(), 7, first_byte, "127.0.0.3");
    until_there(api, 8);
    for (int i = 0; i < 5; ++i) {
        connection next(api.port(), "127.0.0.4");
        next.send("GET /api/jobs HTTP/1.1\r\n" + host + "\r\n");
        EXPECT_EQ(next.receive().status, 200);
    }
    alone.send(alive.substr(1));
    EXPECT_EQ(alone.receive().status, 200);
}

TEST(scarcity, an_address_with_all_places_gives_one_to_another_in_the_middle_of_a_body) {
    running_api api([](api_settings& settings, server_settings& timing) {
        few(settings, timing);
        settings.connections_max = 4;
    });
    auto bodies = open(api.port(), 4, photo_head(100) + "x", "127.0.0.2");
    until_held(api, 4);
    connection same(api.port(), "127.0.0.2"), other(api.port(), "127.0.0.3");
    same.send("GET /api/jobs HTTP/1.1\r\n" + host + "\r\n");
    EXPECT_EQ(same.receive().status, 503);
    other.send("GET /api/jobs HTTP/1.1\r\n" + host + "\r\n");
    EXPECT_EQ(other.receive().status, 200);
}

TEST(scarcity, an_address_that_holds_its_share_of_places_to_wait_leaves_one_to_another) {
    running_api api(few);
    auto streams = open(api.port(), 5, follow, "127.0.0.2");
    for (auto& one : streams) one->receive_until("event: reread");
    connection same(api.port(), "127.0.0.2"), other(api.port(), "127.0.0.3");
    same.send(follow);
    EXPECT_EQ(same.receive().status, 503);
    other.send(follow);
    EXPECT_NE(other.receive_until("event: reread").find("200 OK"), std::string::npos);
    streams.clear();
}

TEST(scarcity, an_accept_without_descriptors_frees_one) {
    running_api api;
    auto idle = open(api.port(), 20, first_byte);
    until_there(api, 20);
    rlimit before{};
    ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &before), 0);
    rlimit low = before;
    low.rlim_cur = descriptors_open() + 16;
    ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &low), 0);
    std::vector<int> all;  // every descriptor that is left
    for (int one = ::dup(0); one >= 0; one = ::dup(0)) all.push_back(one);
    ASSERT_FALSE(all.empty());
    ::close(all.back());
    all.pop_back();
    connection next(api.port());  // takes the last one: the api has none for its end
    next.send(alive);
    const int status = next.receive().status;
    for (const int one : all) ::close(one);
    ::setrlimit(RLIMIT_NOFILE, &before);
    EXPECT_EQ(status, 200);
}

}  // namespace
}  // namespace vultus::api::testing
