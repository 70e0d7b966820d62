// Frames: each is answered exactly once, by the worker that owns it, or with the reason why not.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "tests/broker/core_support.hpp"

using namespace vultus;
using namespace vultus::broker;
using namespace vultus::broker::testing;
using ::testing::IsEmpty;
using ::testing::SizeIs;

namespace {

std::vector<protocol::frame> frames_at(const std::string& connection, const effects& all) {
    return sent_to<protocol::frame>(connection, all);
}

std::vector<protocol::answer> answers(const effects& all, const std::string& api = "api.1") {
    return sent_to<protocol::answer, to_api>(api, all);
}

protocol::answer answer_to(const protocol::frame& one) {
    protocol::answer reply;
    reply.frame_id = one.frame_id;
    reply.attempt = one.attempt;
    reply.version = 7;
    reply.result = "{}";
    return reply;
}

core_options bounds(std::size_t count, std::size_t bytes, std::size_t of_api) {
    core_options options;
    options.broker_id = "b";
    options.frames = {count, bytes, of_api};
    return options;
}

TEST(frames, go_to_a_worker_and_their_answer_to_the_api_under_its_own_name) {
    bench b;
    b.join("w");
    const auto sent = frames_at("w.1", b.from_api(frame_named("f")));
    ASSERT_THAT(sent, SizeIs(1));
    EXPECT_EQ(sent[0].attempt, 1u);
    EXPECT_EQ(sent[0].deadline_ms, 2'000);
    EXPECT_EQ(sent[0].image, "xxxxxxxxxx");
    const auto replies = answers(b.from_worker("w.1", answer_to(sent[0])));
    ASSERT_THAT(replies, SizeIs(1));
    EXPECT_EQ(replies[0].frame_id, "f");
    EXPECT_EQ(replies[0].version, 7u);
    EXPECT_EQ(replies[0].result, "{}");
    EXPECT_TRUE(b.it.frames().empty());
    EXPECT_THAT(answers(b.from_worker("w.1", answer_to(sent[0]))), IsEmpty()) << "once";
}

TEST(frames, are_forwarded_without_a_copy) {
    bench b;
    b.join("w");
    const protocol::frame photo = frame_named("f", 1'000'000);
    const auto sent = frames_at("w.1", b.from_api(photo));
    ASSERT_THAT(sent, SizeIs(1));
    EXPECT_EQ(sent[0].image.data(), photo.image.data());
    b.join("x");
    const auto again = frames_at("x.1", b.from_worker("w.1", protocol::bye{"gone"}));
    ASSERT_THAT(again, SizeIs(1)) << "the worker was lost";
    EXPECT_EQ(again[0].image.data(), photo.image.data());
    b.from_worker("x.1", answer_to(again[0]));
    EXPECT_TRUE(b.it.frames().empty());
    EXPECT_EQ(photo.image.owner().use_count(), 3) << "here, and in the two effects";
}

TEST(frames, of_two_apis_with_one_name_do_not_meet) {
    bench b;
    b.join("w");
    const auto one = frames_at("w.1", b.from_api(frame_named("1"), "api.1"));
    const auto two = frames_at("w.1", b.from_api(frame_named("1"), "api.2"));
    ASSERT_THAT(two, SizeIs(1));
    EXPECT_NE(one[0].frame_id, two[0].frame_id);
    EXPECT_THAT(answers(b.from_worker("w.1", answer_to(two[0])), "api.2"), SizeIs(1));
    EXPECT_THAT(frames_at("w.1", b.from_api(frame_named("1"), "api.1")), IsEmpty()) << "repeated";
}

protocol::ready hello(const std::string& id, const std::string& gpu, std::uint32_t window = 8) {
    protocol::ready who;
    who.worker_id = id;
    who.types = {"recognize", "train"};
    who.window = window;
    who.frame_window = 4;
    who.gpu = gpu;
    return who;
}

protocol::frame looking_with(const std::string& detector, const std::string& id) {
    protocol::frame one = frame_named(id);
    one.detector = detector;
    return one;
}

/// Workers "plain" and "GPU", both idle.
bench mixed_pool() {
    bench b;
    b.from_worker("plain.1", hello("plain", ""));
    b.from_worker("gpu.1", hello("gpu", "NVIDIA H200, 143771 MiB, compute 9.0"));
    return b;
}

TEST(frames, cnn_goes_to_a_gpu_and_hog_to_a_cpu) {
    bench b = mixed_pool();
    for (const std::string n : {"1", "2"}) {
        EXPECT_THAT(frames_at("gpu.1", b.from_api(looking_with("cnn", "c" + n))), SizeIs(1));
        EXPECT_THAT(frames_at("plain.1", b.from_api(looking_with("hog", "h" + n))), SizeIs(1));
    }
}

TEST(frames, one_of_an_older_api_suits_a_cpu_whatever_its_options_contain) {
    bench b = mixed_pool();
    protocol::frame one = looking_with("", "1");
    one.options = R"({"detector":"cnn"})";
    EXPECT_THAT(frames_at("plain.1", b.from_api(one)), SizeIs(1));
}

protocol::ready with_models(const std::string& id, std::vector<std::string> detectors,
                            std::vector<std::string> embedders = {"dlib_resnet_v1/unit"}) {
    protocol::ready who = hello(id, "");
    who.detectors = std::move(detectors);
    who.embedders = std::move(embedders);
    return who;
}

protocol::frame needing(const std::string& detector, const std::string& embedder,
                        const std::string& id) {
    protocol::frame one = looking_with(detector, id);
    one.embedder = embedder;
    return one;
}

TEST(frames, go_to_a_worker_that_has_both_models) {
    bench b;
    b.from_worker("lean.1", with_models("lean", {"hog"}));
    b.from_worker("full.1", with_models("full", {"hog", "centerface"},
                                        {"dlib_resnet_v1/unit", "omz_0095/unit"}));
    for (int i = 0; i < 4; ++i) {
        const std::string n = std::to_string(i);
        EXPECT_THAT(frames_at("full.1", b.from_api(needing("hog", "omz_0095/unit", "o" + n))),
                    SizeIs(1));
    }
    // The window of `full` is used: its frames wait and hold up nobody.
    EXPECT_THAT(frames_at("full.1", b.from_api(needing("centerface", "", "c"))), IsEmpty());
    EXPECT_THAT(frames_at("lean.1", b.from_api(needing("hog", "dlib_resnet_v1/unit", "h"))),
                SizeIs(1));
    EXPECT_THAT(frames_at("lean.1", b.from_api(needing("", "", "any"))), SizeIs(1));
    EXPECT_EQ(b.it.frames().waiting(), 1u);
}

TEST(frames, that_no_worker_has_the_models_for_are_refused_with_their_name) {
    bench b;
    b.from_worker("lean.1", with_models("lean", {"hog"}));
    b.from_worker("old.1", hello("old", ""));
    const auto refused = [&](const std::string& detector, const std::string& embedder) {
        const auto told =
            answers(b.from_api(needing(detector, embedder, detector + "-x")), "api.1");
        EXPECT_THAT(told, SizeIs(1)) << detector << " " << embedder;
        if (told.empty()) return std::string();
        EXPECT_EQ(told[0].error, "no_worker");
        return told[0].detail;
    };
    EXPECT_EQ(refused("yunet", ""), "No connected worker has the model yunet");
    EXPECT_EQ(refused("hog", "omz_0095/unit"), "No connected worker has the model omz_0095/unit");
    EXPECT_THAT(answers(b.from_api(needing("cnn", "dlib_resnet_v1/plain", "o")), "api.1"),
                IsEmpty())
        << "a worker that lists nothing has hog, cnn and dlib's";
    EXPECT_TRUE(refused("cnn", "omz_0095/unit") ==
                "No connected worker has the model omz_0095/unit");
}

TEST(frames, that_waited_for_a_worker_that_left_are_refused) {
    bench b;
    b.from_worker("lean.1", with_models("lean", {"hog"}));
    b.from_worker("full.1", with_models("full", {"hog", "yunet"}));
    for (int i = 0; i < 5; ++i) b.from_api(needing("yunet", "", std::to_string(i)));
    ASSERT_EQ(b.it.frames().waiting(), 1u);
    const effects after = b.from_worker("full.1", protocol::bye{"gone"});
    EXPECT_THAT(answers(after, "api.1"), SizeIs(5));
    EXPECT_TRUE(b.it.frames().empty());
}

TEST(frames, what_one_kind_has_too_much_of_goes_to_the_other) {
    for (const std::string detector : {"cnn", "hog"}) {
        bench b = mixed_pool();
        const std::string own = detector == "cnn" ? "gpu.1" : "plain.1";
        const std::string other = detector == "cnn" ? "plain.1" : "gpu.1";
        std::vector<std::string> went;
        for (int i = 0; i < 8; ++i) {
            const auto sent = b.from_api(looking_with(detector, std::to_string(i)));
            went.push_back(frames_at(own, sent).empty() ? other : own);
        }
        // Half of its own window first; then in turns, and all credits of both are used.
        EXPECT_EQ(went[0], own) << detector;
        EXPECT_EQ(went[1], own) << detector;
        EXPECT_THAT(std::vector(went.begin() + 2, went.end()), ::testing::Contains(other));
        EXPECT_EQ(std::count(went.begin(), went.end(), own), 4) << detector;
    }
}

TEST(frames, of_an_idle_pool_jobs_go_to_the_gpu_first) {
    bench b = mixed_pool();
    worker_table table;
    for (const auto& [connection, one] : b.it.workers().all()) {
        worker idle = one;
        idle.ticket = idle.reserved = 0;
        table.add(idle);
    }
    EXPECT_EQ(table.next_for_lease(b.now, true, true)->who.worker_id, "gpu");
    table.by_id("gpu")->jobs[{"a", 1}] = {};
    EXPECT_EQ(table.next_for_lease(b.now, true, true)->who.worker_id, "plain") << "spills over";
}

TEST(frames, without_a_worker_are_refused_at_once) {
    bench b;
    EXPECT_EQ(answers(b.from_api(frame_named("f"))).at(0).error, "no_worker");
    b.join("w", 8, 0);
    EXPECT_EQ(answers(b.from_api(frame_named("g"))).at(0).error, "no_worker") << "it takes none";
}

TEST(frames, wait_when_the_window_is_full_and_follow_in_order) {
    bench b;
    b.join("w", 8, 1);
    const auto first = frames_at("w.1", b.from_api(frame_named("f")));
    EXPECT_THAT(frames_at("w.1", b.from_api(frame_named("g"))), IsEmpty());
    EXPECT_THAT(frames_at("w.1", b.from_api(frame_named("h"))), IsEmpty());
    b.now += milliseconds(300);
    const effects all = b.from_worker("w.1", answer_to(first[0]));
    const auto next = frames_at("w.1", all);
    ASSERT_THAT(next, SizeIs(1));
    EXPECT_EQ(next[0].deadline_ms, 1'700) << "what is left of its time";
    EXPECT_EQ(answers(b.from_worker("w.1", answer_to(next[0]))).at(0).frame_id, "g");
}

TEST(frames, the_newest_waiting_one_of_a_live_session_wins) {
    bench b;
    b.join("w", 8, 1);
    b.from_api(frame_named("in hand", 10, "cam"));
    b.from_api(frame_named("old", 10, "cam"));
    b.from_api(frame_named("other", 10, "cam 2"));
    const auto refused = answers(b.from_api(frame_named("new", 10, "cam")));
    ASSERT_THAT(refused, SizeIs(1));
    EXPECT_EQ(refused[0].frame_id, "old");
    EXPECT_EQ(refused[0].error, "queue_full");
    EXPECT_EQ(b.it.frames().waiting(), 2u);
}

TEST(frames, over_the_budget_are_refused_and_live_ones_push_out_the_oldest) {
    for (const std::size_t size : {9u, 10u, 11u}) {
        bench b(true, bounds(100, 20, 20));
        b.join("w", 8, 1);
        b.from_api(frame_named("f", 10));
        const auto refused = answers(b.from_api(frame_named("g", size)));
        EXPECT_EQ(refused.empty(), size <= 10) << size;
    }
    bench b(true, bounds(100, 30, 20));
    b.join("w", 8, 1);
    b.from_api(frame_named("in hand", 10));
    b.from_api(frame_named("a", 10, "cam a"));
    const auto over = answers(b.from_api(frame_named("b", 10, "cam b")));
    ASSERT_THAT(over, SizeIs(1)) << "the api's own budget";
    EXPECT_EQ(over[0].frame_id, "a");
    EXPECT_THAT(answers(b.from_api(frame_named("c", 10), "api.2"), "api.2"), IsEmpty());
    EXPECT_THAT(answers(b.from_api(frame_named("d", 1), "api.2"), "api.2"), SizeIs(1));
    EXPECT_EQ(b.it.frames().bytes(), 30u);
}

TEST(frames, are_bounded_in_number) {
    bench b(true, bounds(2, 1'000, 1'000));
    b.join("w", 8, 1);
    EXPECT_THAT(answers(b.from_api(frame_named("a"))), IsEmpty());
    EXPECT_THAT(answers(b.from_api(frame_named("b"))), IsEmpty());
    EXPECT_THAT(answers(b.from_api(frame_named("c"))), SizeIs(1));
}

TEST(frames, that_are_too_late_are_answered_and_the_late_answer_is_dropped) {
    bench b;
    b.join("w", 8, 1);
    const auto sent = frames_at("w.1", b.from_api(frame_named("f")));
    EXPECT_THAT(answers(b.pass(milliseconds(1'999))), IsEmpty());
    const auto late = answers(b.pass(milliseconds(1)));
    ASSERT_THAT(late, SizeIs(1));
    EXPECT_EQ(late[0].error, "deadline_exceeded");
    EXPECT_THAT(b.at("w.1").frames, SizeIs(1)) << "the worker still has it";
    EXPECT_THAT(answers(b.from_worker("w.1", answer_to(sent[0]))), IsEmpty());
    EXPECT_THAT(b.at("w.1").frames, IsEmpty());
    protocol::frame dead = frame_named("g");
    dead.deadline_ms = 0;
    EXPECT_EQ(answers(b.from_api(dead)).at(0).error, "deadline_exceeded");
}

TEST(frames, of_a_worker_that_drains_go_to_the_next) {
    bench b;
    b.join("w");
    const auto first = frames_at("w.1", b.from_api(frame_named("f")));
    ASSERT_THAT(first, SizeIs(1));
    b.join("v");
    protocol::answer leaving = answer_to(first[0]);
    leaving.error = "draining";
    const effects then = b.from_worker("w.1", leaving);
    EXPECT_THAT(answers(then), IsEmpty()) << "the api need not know";
    const auto second = frames_at("v.1", then);
    ASSERT_THAT(second, SizeIs(1));
    EXPECT_THAT(answers(b.from_worker("v.1", answer_to(second[0]))), SizeIs(1));
    EXPECT_THAT(frames_at("w.1", b.from_api(frame_named("g"))), IsEmpty()) << "it takes no more";
}

TEST(frames, of_a_lost_worker_are_sent_once_more_then_given_up) {
    bench b;
    b.join("v");
    const auto first = frames_at("v.1", b.from_api(frame_named("f")));
    ASSERT_THAT(first, SizeIs(1));
    b.join("w");
    const auto second = frames_at("w.1", b.tell(send_failed{"v.1", true, first[0]}));
    ASSERT_THAT(second, SizeIs(1));
    EXPECT_EQ(second[0].attempt, 2u);
    EXPECT_THAT(answers(b.from_worker("v.1", answer_to(first[0]))), IsEmpty()) << "not its owner";
    protocol::answer wrong = answer_to(second[0]);
    wrong.attempt = 1;
    EXPECT_THAT(answers(b.from_worker("w.1", wrong)), IsEmpty()) << "not this attempt";
    b.join("x");
    const effects given_up = b.tell(send_failed{"w.1", true, second[0]});
    EXPECT_EQ(answers(given_up).at(0).error, "no_worker");
    EXPECT_THAT(frames_at("x.1", given_up), IsEmpty());
}

TEST(frames, that_wait_are_answered_when_the_last_worker_goes) {
    bench b;
    b.join("w", 8, 1);
    b.from_api(frame_named("f"));
    b.from_api(frame_named("g"));
    const auto replies = answers(b.tell(send_failed{"w.1", true, protocol::reload{}}));
    ASSERT_THAT(replies, SizeIs(2));
    EXPECT_EQ(replies[0].error, "no_worker");
}

TEST(frames, keep_away_from_a_solo_job_and_from_a_worker_that_drains) {
    bench b;
    const auto calls = all_of<lease>(b.join("v"));
    b.answer(calls[0], {job_named("a", 2, true)});
    EXPECT_THAT(frames_at("v.1", b.from_api(frame_named("f"))), IsEmpty());
    EXPECT_THAT(frames_at("w.1", b.join("w")), SizeIs(1));
    b.from_worker("w.1", protocol::drain{"operator"});
    EXPECT_THAT(b.from_api(frame_named("g")), IsEmpty()) << "it waits for the solo job's end";
    EXPECT_THAT(frames_at("v.1", b.from_worker("v.1", protocol::done{"a", 2, "failed", {}})),
                SizeIs(1));
}

TEST(frames, a_credit_returns_when_heartbeats_do_not_name_the_frame) {
    bench b;
    b.join("w", 8, 1);
    protocol::frame longer = frame_named("f");
    longer.deadline_ms = 20'000;
    b.from_api(longer);
    b.from_worker("w.1", protocol::worker_heartbeat{});
    EXPECT_THAT(b.at("w.1").frames, SizeIs(1)) << "it may be on its way";
    b.pass(milliseconds(3'000));
    b.from_worker("w.1", protocol::worker_heartbeat{});
    EXPECT_THAT(b.at("w.1").frames, IsEmpty());
}

TEST(frames, are_refused_while_draining_and_those_in_hand_are_waited_for) {
    bench b;
    b.join("w", 8, 1);
    const auto sent = frames_at("w.1", b.from_api(frame_named("f")));
    b.from_api(frame_named("waits"));
    effects all = b.tell(stop{});
    EXPECT_EQ(answers(all).at(0).frame_id, "waits");
    EXPECT_EQ(answers(all).at(0).error, "draining");
    EXPECT_EQ(answers(b.from_api(frame_named("g"))).at(0).error, "draining");
    for (const lease& call : all_of<lease>(all)) b.answer(call, {});
    all = b.from_worker("w.1", answer_to(sent[0]));
    EXPECT_EQ(answers(all).at(0).frame_id, "f");
}

TEST(frames, what_a_worker_had_goes_to_its_next_connection) {
    bench b;
    b.join("w");
    b.from_api(frame_named("f"));
    ASSERT_THAT(b.at("w.1").frames, SizeIs(1));
    const effects all = b.join("w", 8, 4, 2);
    EXPECT_THAT((sent_to<protocol::frame>("w.2", all)), SizeIs(1));
}

}  // namespace
