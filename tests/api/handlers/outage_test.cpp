// Outages: a full queue, Redis stopped, frozen or unsafe, and the shutdown of the api.
#include <gtest/gtest.h>

#include <future>

#include "shared/store/redis_blocking.hpp"
#include "shared/store/worker_store.hpp"
#include "tests/api/http/server_support.hpp"

namespace vultus::api::testing {
namespace {

using std::chrono::milliseconds;

const std::string found = R"({"image":{"width":8,"height":8},"faces":[]})";

TEST(handlers_alone, a_full_queue_says_when_to_come_back) {
    running_api api([](api_settings& settings, server_settings&) { settings.queue_jobs_max = 2; });
    EXPECT_EQ(api.post_photo("/api/recognize").status, 202);
    EXPECT_EQ(api.post_photo("/api/recognize").status, 202);
    const auto full = api.post_photo("/api/recognize");
    EXPECT_EQ(full.status, 503);
    EXPECT_EQ(member(full.body, "type"), "/problems/queue_full");
    EXPECT_GT(std::stoi(full.field("retry-after")), 0);
}

TEST(handlers_alone, redis_gone_is_503_and_recovers) {
    running_api api;
    const auto accepted = api.post_photo("/api/recognize");
    auto poll = std::async(std::launch::async,
                           [&] { return api.get(accepted.field("location") + "?wait=30"); });
    api.redis.kill();
    for (const auto& away : {api.post_photo("/api/recognize"), api.call("POST", "/api/clear")}) {
        EXPECT_EQ(away.status, 503) << away.body;
        EXPECT_NE(away.field("retry-after"), "");
    }
    EXPECT_EQ(api.get("/healthz/ready").status, 503);
    EXPECT_EQ(api.get("/healthz/live").status, 200);
    EXPECT_EQ(api.get("/api/status").status, 503);
    api.redis.start();
    api.wait_until_ready();
    fake_worker worker(api.redis.address());
    worker.complete(worker.lease(), found);
    const auto waited = poll.get();
    EXPECT_EQ(api.get(accepted.field("location")).status, 200);
    EXPECT_TRUE(waited.status == 200 || waited.status == 503) << waited.status;
}

TEST(handlers_alone, a_frozen_redis_is_503) {
    running_api api;
    api.redis.freeze();
    const auto away = api.post_photo("/api/recognize");
    api.redis.resume();
    EXPECT_EQ(away.status, 503);
    api.wait_until_ready();
    EXPECT_EQ(api.get("/api/faces").status, 200);
}

TEST(handlers_alone, a_redis_that_would_lose_jobs_is_not_used) {
    running_api api;
    redis_blocking redis(api.redis.address());
    EXPECT_TRUE(redis.call({"CONFIG", "SET", "appendfsync", "everysec"}));
    answer ready;
    for (int i = 0; i < 2'000 && ready.status != 503; ++i) {
        ready = api.get("/healthz/ready");
        std::this_thread::sleep_for(milliseconds(10));
    }
    EXPECT_EQ(ready.status, 503);
    EXPECT_EQ(api.post_photo("/api/recognize").status, 503);
    EXPECT_EQ(api.call("POST", "/api/clear").status, 503);
}

protocol::answer answer_to(const protocol::frame& frame, const char* error = "") {
    protocol::answer told;
    told.frame_id = frame.frame_id;
    told.error = error;
    told.result = found;
    return told;
}

TEST(handlers_alone, a_photo_with_a_silent_broker_is_asked_of_the_next) {
    zmq_context context;
    std::optional<zmq_socket> silent;  // connected, and reads nothing
    running_api api([&](api_settings& settings, server_settings&) {
        auto& endpoints = settings.common.broker_api_endpoints;
        endpoints.push_back(endpoints.front() + ".silent");
        silent.emplace(std::move(*zmq_socket::router(context, endpoints.back(), {})));
    });
    api.broker->on_frame([](const protocol::frame& frame) { return answer_to(frame); });
    milliseconds longest{0}, last{0};
    for (int i = 0; i < 4; ++i) {  // they take turns
        const boot_time begin = boot_now();
        EXPECT_EQ(api.post_photo("/api/recognize?durable=false").status, 200);
        last = boot_now() - begin;
        longest = std::max(longest, last);
    }
    EXPECT_GE(longest, limits::heartbeat * 2);
    EXPECT_LT(last, limits::heartbeat * 2) << "it is known to be silent: nobody waits for it";
}

TEST(handlers_alone, an_unstored_photo_names_its_models_for_the_broker) {
    running_api api;
    std::string named;
    api.broker->on_frame([&](const protocol::frame& frame) {
        named += frame.detector + '|' + frame.embedder + ' ';
        return answer_to(frame);
    });
    EXPECT_EQ(api.post_photo("/api/recognize?durable=false").status, 200);
    EXPECT_EQ(named, "| ") << "no worker has registered: the worker decides";
    registration who;
    who.worker_id = "w-1-cpu-0a";
    who.detectors = {"yunet", "hog"};
    who.embedders = {{"omz_0095/unit", 256}};
    who.proposed = {"yunet", "omz_0095/unit"};
    redis_blocking redis(api.redis.address());
    ASSERT_TRUE(redis.call(worker_store(store_context(0)).register_worker(who)));
    named.clear();
    EXPECT_EQ(api.post_photo("/api/recognize?durable=false").status, 200);
    EXPECT_EQ(api.post_photo("/api/recognize?durable=false&detector=cnn").status, 200);
    EXPECT_EQ(named, "yunet|omz_0095/unit cnn|omz_0095/unit ");
}

TEST(handlers_alone, a_photo_of_a_collection_with_another_model_is_sent_once_more) {
    running_api api;
    std::atomic<int> asked{0};
    api.broker->on_frame([&](const protocol::frame& frame) {
        return answer_to(frame, ++asked < 2 ? "model_mismatch" : "");
    });
    EXPECT_EQ(api.post_photo("/api/recognize?durable=false").status, 200);
    EXPECT_EQ(asked, 2);
    api.broker->on_frame(
        [](const protocol::frame& frame) { return answer_to(frame, "model_mismatch"); });
    EXPECT_EQ(api.post_photo("/api/recognize?durable=false").status, 422);
}

TEST(handlers_alone, a_photo_waits_a_moment_for_a_worker_to_come_back) {
    running_api api;
    std::atomic<int> asked{0};
    api.broker->on_frame([&](const protocol::frame& frame) {
        return answer_to(frame, ++asked < 4 ? "no_worker" : "");
    });
    EXPECT_EQ(api.post_photo("/api/recognize?durable=false").status, 200);
    EXPECT_EQ(asked, 4);
    api.broker->on_frame(
        [](const protocol::frame& frame) { return answer_to(frame, "no_worker"); });
    const boot_time begin = boot_now();
    EXPECT_EQ(api.post_photo("/api/recognize?durable=false").status, 503);
    EXPECT_LT(boot_now() - begin, limits::wait / 2) << "a moment, and not all of its time";
}

TEST(handlers_alone, from_the_signal_on_every_answer_ends_its_connection) {
    running_api api([](api_settings& settings, server_settings&) {
        settings.drain_grace = milliseconds(2'000);
    });
    const std::string ask = "GET /healthz/live HTTP/1.1\r\nHost: localhost\r\n\r\n";
    connection one(api.port());
    one.send(ask);
    EXPECT_NE(one.receive().field("connection"), "close");
    auto drained = std::async(std::launch::async, [&] { api.drain(); });
    while (api.get("/healthz/ready").status == 200) {
    }
    one.send(ask);
    const auto told = one.receive();
    EXPECT_EQ(told.status, 200);
    EXPECT_EQ(told.field("connection"), "close");
    drained.get();
}

TEST(handlers_alone, draining_ends_streams_and_long_polls) {
    running_api api([](api_settings& settings, server_settings&) {
        settings.drain_timeout = milliseconds(20'000);
    });
    const auto path = api.post_photo("/api/recognize").field("location");
    connection stream(api.port());
    stream.send("GET " + path + "/events HTTP/1.1\r\nHost: localhost\r\n\r\n");
    stream.receive_until("\n\n");
    connection poll(api.port());
    poll.send("GET " + path + "?wait=30 HTTP/1.1\r\nHost: localhost\r\n\r\n");
    std::size_t waiting = 0;
    while (waiting < 2) {
        api.inside([&](application& app) { waiting = app.parts().events.waiters(); });
    }
    connection idle(api.port());
    idle.send("GET /healthz/live HTTP/1.1\r\nHost: localhost\r\n\r\n");
    EXPECT_EQ(idle.receive().status, 200);
    auto drained = std::async(std::launch::async, [&] { api.drain(); });
    const auto told = poll.receive();
    EXPECT_EQ(told.status, 200);
    EXPECT_EQ(told.field("connection"), "close");
    stream.receive_until("0\r\n\r\n");
    EXPECT_TRUE(idle.is_closed());
    drained.get();
}

}  // namespace
}  // namespace vultus::api::testing
