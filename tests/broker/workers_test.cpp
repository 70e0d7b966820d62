// Workers: who is alive, who is lost, what a heartbeat gives back, how one leaves.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/broker/core_support.hpp"

using namespace vultus;
using namespace vultus::broker;
using namespace vultus::broker::testing;
using ::testing::IsEmpty;
using ::testing::SizeIs;

namespace {

/// A worker "w" on "w.1" that was sent the jobs a (n = 1) and b (n = 2).
bench with_two_jobs() {
    bench b;
    auto calls = all_of<lease>(b.join("w"));
    b.answer(calls[0], {job_named("a")});
    calls = all_of<lease>(b.from_api(protocol::submit{0, {"b"}}));
    b.answer(calls[0], {job_named("b")});
    return b;
}

protocol::worker_heartbeat beat_of(std::uint64_t last_n, std::vector<attempt_id> running) {
    protocol::worker_heartbeat beat;
    beat.last_n = last_n;
    beat.running = std::move(running);
    return beat;
}

TEST(credits, a_job_that_was_received_and_is_not_named_has_returned) {
    bench b = with_two_jobs();
    b.from_worker("w.1", beat_of(2, {{"b", 1}}));
    EXPECT_THAT(b.at("w.1").jobs, SizeIs(1));
    EXPECT_EQ(b.at("w.1").jobs.count({"b", 1}), 1u);
}

TEST(credits, a_job_that_was_sent_later_than_the_heartbeat_is_still_out) {
    bench b = with_two_jobs();
    b.from_worker("w.1", beat_of(1, {{"a", 1}}));
    EXPECT_THAT(b.at("w.1").jobs, SizeIs(2));
}

TEST(credits, a_job_that_never_arrived_returns_after_a_lease) {
    bench b = with_two_jobs();
    for (milliseconds t(0); t < limits::lease - milliseconds(250); t += milliseconds(250)) {
        b.pass(milliseconds(250));
        b.from_worker("w.1", beat_of(1, {{"a", 1}}));
        ASSERT_THAT(b.at("w.1").jobs, SizeIs(2)) << t.count();
    }
    b.pass(milliseconds(250));
    b.from_worker("w.1", beat_of(1, {{"a", 1}}));
    EXPECT_THAT(b.at("w.1").jobs, SizeIs(1));
}

TEST(credits, a_repeated_done_gives_one_credit) {
    bench b = with_two_jobs();
    b.from_worker("w.1", protocol::done{"a", 1, "succeeded", {}});
    b.from_worker("w.1", protocol::done{"a", 1, "succeeded", {}});
    EXPECT_EQ(b.at("w.1").free() + b.at("w.1").reserved, 7u);
    b.from_worker("w.1", protocol::done{"b", 9, "succeeded", {}});
    EXPECT_THAT(b.at("w.1").jobs, SizeIs(1)) << "another attempt is not this one";
}

TEST(credits, what_runs_at_ready_counts_until_a_heartbeat_leaves_it_out) {
    bench b;
    protocol::ready hello;
    hello.worker_id = "w";
    hello.window = 2;
    hello.types = {"recognize"};
    hello.running = {{"a", 1}, {"b", 1}, {"c", 1}};
    EXPECT_THAT(all_of<lease>(b.from_worker("w.4", hello)), IsEmpty());
    EXPECT_THAT(b.at("w.4").jobs, SizeIs(2)) << "never more than the window";
    b.from_worker("w.4", beat_of(0, {{"b", 1}, {"c", 1}}));
    EXPECT_THAT(b.at("w.4").jobs, SizeIs(1));
}

TEST(liveness, any_message_counts_and_three_missed_heartbeats_end_it) {
    bench b;
    b.answer_empty(b.join("w"));
    b.pass(milliseconds(2'000));
    b.from_worker("w.1", protocol::done{"x", 1, "succeeded", {}});
    EXPECT_THAT(all_of<report_lost>(b.pass(milliseconds(3'000))), IsEmpty());
    const auto lost = all_of<report_lost>(b.pass(milliseconds(250)));
    ASSERT_THAT(lost, SizeIs(1));
    EXPECT_EQ(lost[0].worker_id, "w");
    EXPECT_EQ(lost[0].connection, "1");
    EXPECT_THAT(b.it.workers().all(), IsEmpty());
}

TEST(liveness, a_broker_that_slept_judges_nobody) {
    bench b;
    b.answer_empty(b.join("w"));
    b.now += std::chrono::seconds(15);
    EXPECT_THAT(all_of<report_lost>(b.tell(tick{})), IsEmpty());
    EXPECT_THAT(all_of<report_lost>(b.pass(milliseconds(3'250))), SizeIs(1)) << "but later";
}

TEST(liveness, an_unreachable_worker_is_lost_at_once_a_full_one_is_kept) {
    bench b;
    b.join("w");
    EXPECT_THAT(all_of<report_lost>(b.tell(send_failed{"w.1", false, protocol::reload{}})),
                IsEmpty());
    EXPECT_THAT(b.it.workers().all(), SizeIs(1));
    EXPECT_THAT(all_of<report_lost>(b.tell(send_failed{"w.1", true, protocol::reload{}})),
                SizeIs(1));
    EXPECT_THAT(all_of<report_lost>(b.tell(send_failed{"w.1", true, protocol::reload{}})),
                IsEmpty())
        << "once";
}

TEST(liveness, a_large_loss_is_reported_again_until_nothing_is_left) {
    bench b;
    const auto more = b.tell(loss_reported{"w", "1", moved{100, false, true, {}}});
    EXPECT_THAT(all_of<report_lost>(more), SizeIs(1));
    const auto last = b.tell(loss_reported{"w", "1", moved{7, false, false, {}}});
    EXPECT_THAT(all_of<report_lost>(last), IsEmpty());
}

TEST(connections, a_stranger_is_told_to_introduce_itself) {
    bench b;
    const auto byes = sent_to<protocol::bye>("w.1", b.from_worker("w.1", beat_of(3, {})));
    ASSERT_THAT(byes, SizeIs(1));
    EXPECT_EQ(byes[0].reason, "unknown");
    EXPECT_THAT(b.from_worker("w.1", protocol::bye{"leaving"}), IsEmpty()) << "no echo of a BYE";
}

TEST(connections, a_newer_connection_replaces_the_older_and_never_the_reverse) {
    bench b;
    b.join("w", 8, 4, 2);
    EXPECT_THAT(all_of<report_lost>(b.join("w", 8, 4, 10)), IsEmpty());
    EXPECT_THAT(b.it.workers().all(), SizeIs(1));
    EXPECT_EQ(b.it.workers().all().begin()->first, "w.10");
    b.join("w", 8, 4, 9);
    EXPECT_EQ(b.it.workers().all().begin()->first, "w.10");
}

TEST(connections, a_repeated_ready_does_not_count_jobs_anew) {
    bench b = with_two_jobs();
    b.join("w");
    EXPECT_THAT(b.at("w.1").jobs, SizeIs(2));
    EXPECT_EQ(b.at("w.1").last_n, 2u);
}

TEST(connections, a_routing_id_that_does_not_fit_the_name_is_refused) {
    bench b;
    protocol::ready hello;
    hello.worker_id = "w";
    hello.window = 1;
    for (const std::string routing_id : {"w", "x.1", "w.", "w.0", "w.1x", "ww.1"}) {
        const auto byes = sent_to<protocol::bye>(routing_id, b.from_worker(routing_id, hello));
        ASSERT_THAT(byes, SizeIs(1)) << routing_id;
        EXPECT_EQ(byes[0].reason, "malformed");
    }
    EXPECT_THAT(b.it.workers().all(), IsEmpty());
}

TEST(connections, one_worker_more_than_the_limit_is_refused) {
    bench b(false);
    for (std::size_t i = 0; i < limits::workers; ++i) b.join("w" + std::to_string(i));
    EXPECT_THAT(b.it.workers().all(), SizeIs(limits::workers));
    EXPECT_THAT((sent_to<protocol::bye>("x.1", b.join("x"))), SizeIs(1));
    EXPECT_THAT(b.it.workers().all(), SizeIs(limits::workers));
}

TEST(connections, another_version_gets_a_bye_on_the_side_it_came_from) {
    bench b;
    const effects worker_side = b.tell(undecodable{side::worker, "w.1"});
    EXPECT_EQ((sent_to<protocol::bye>("w.1", worker_side)).at(0).reason, "version");
    const effects api_side = b.tell(undecodable{side::api, "a"});
    EXPECT_EQ((sent_to<protocol::bye, to_api>("a", api_side)).at(0).reason, "version");
}

TEST(leaving, a_bye_is_not_a_loss) {
    bench b = with_two_jobs();
    EXPECT_THAT(all_of<report_lost>(b.from_worker("w.1", protocol::bye{"drained"})), IsEmpty());
    EXPECT_THAT(b.it.workers().all(), IsEmpty());
}

TEST(leaving, the_wish_to_drain_is_repeated_until_the_worker_answers) {
    bench b;
    b.answer_empty(b.join("w"));
    EXPECT_THAT((sent_to<protocol::drain>("w.1", b.from_api(protocol::drain_worker{"w"}))),
                SizeIs(1));
    EXPECT_THAT(all_of<lease>(b.from_api(protocol::submit{0, {"a"}})), IsEmpty());
    EXPECT_THAT((sent_to<protocol::drain>("w.1", b.pass(milliseconds(1'000)))), SizeIs(1));
    b.from_worker("w.1", protocol::drain{"operator"});
    EXPECT_THAT((sent_to<protocol::drain>("w.1", b.pass(milliseconds(1'000)))), IsEmpty());
    EXPECT_THAT(b.from_api(protocol::drain_worker{"nobody"}), IsEmpty());
}

TEST(cancelling, goes_to_whoever_has_the_job) {
    bench b = with_two_jobs();
    b.join("v");
    const effects all = b.from_api(protocol::cancel_request{"b"});
    const auto cancels = sent_to<protocol::cancel>("w.1", all);
    ASSERT_THAT(cancels, SizeIs(1));
    EXPECT_EQ(cancels[0], (protocol::cancel{"b", 1}));
    EXPECT_THAT((sent_to<protocol::cancel>("v.1", all)), IsEmpty());
    EXPECT_THAT(all_of<to_worker>(b.from_api(protocol::cancel_request{"other"})), IsEmpty());
}

TEST(status, names_every_worker_and_what_it_has) {
    bench b = with_two_jobs();
    b.pass(milliseconds(500));
    const auto replies =
        sent_to<protocol::status_reply, to_api>("api.1", b.from_api(protocol::status_request{"r"}));
    ASSERT_THAT(replies, SizeIs(1));
    EXPECT_EQ(replies[0].request_id, "r");
    ASSERT_THAT(replies[0].workers, SizeIs(1));
    const protocol::worker_status& line = replies[0].workers[0];
    EXPECT_EQ(line.worker_id, "w");
    EXPECT_EQ(line.state, "ready");
    EXPECT_EQ(line.window, 8u);
    EXPECT_EQ(line.outstanding, 2u);
    EXPECT_EQ(line.last_seen_ms, 500);
    EXPECT_EQ(line.galleries.count("default"), 1u);
}

TEST(status, tells_what_a_worker_said_of_its_load_last) {
    bench b = with_two_jobs();
    b.from_worker("w.1", protocol::worker_heartbeat{1, {{"a", 1}, {"b", 1}}, {}, 1, {1, 2, 3}});
    b.from_worker("w.1",
                  protocol::worker_heartbeat{1, {{"a", 1}, {"b", 1}}, {}, 2, {4, 5, 6, 0, 0, 7}});
    const auto replies =
        sent_to<protocol::status_reply, to_api>("api.1", b.from_api(protocol::status_request{"r"}));
    ASSERT_THAT(replies, SizeIs(1));
    EXPECT_EQ(replies[0].workers.at(0).load, (protocol::worker_load{4, 5, 6, 0, 0, 7}));
}

TEST(status, counts_those_who_were_not_let_in) {
    bench b;
    b.tell(peers_refused{2});
    b.tell(peers_refused{3});
    const auto replies =
        sent_to<protocol::status_reply, to_api>("api.1", b.from_api(protocol::status_request{"r"}));
    ASSERT_THAT(replies, SizeIs(1));
    EXPECT_EQ(replies[0].refused_peers, 5u);
}

TEST(status, tells_the_longest_turn_of_the_loop) {
    bench b;
    b.tell(turn_measured{std::chrono::microseconds(7), std::chrono::microseconds(9)});
    const auto replies =
        sent_to<protocol::status_reply, to_api>("api.1", b.from_api(protocol::status_request{"r"}));
    ASSERT_THAT(replies, SizeIs(1));
    EXPECT_EQ(replies[0].turn_cpu_us, 7u);
    EXPECT_EQ(replies[0].turn_wall_us, 9u);
}

TEST(status, tells_the_gpu_and_the_models_of_each_worker) {
    bench b;
    protocol::ready one;
    one.worker_id = "lean";
    one.window = one.frame_window = 4;
    one.detectors = {"hog", "cnn"};
    one.embedders = {"dlib_resnet_v1/unit"};
    one.gpu = "NVIDIA H200, 143771 MiB, compute 9.0";
    b.from_worker("lean.1", one);
    b.join("plain");
    const auto told =
        sent_to<protocol::status_reply, to_api>("api.1", b.from_api(protocol::status_request{"s"}));
    ASSERT_THAT(told, SizeIs(1));
    ASSERT_THAT(told[0].workers, SizeIs(2));
    EXPECT_EQ(told[0].workers[0].detectors, one.detectors);
    EXPECT_EQ(told[0].workers[0].embedders, one.embedders);
    EXPECT_EQ(told[0].workers[0].gpu, one.gpu);
    EXPECT_EQ(told[0].workers[1].gpu, "");
    EXPECT_THAT(told[0].workers[1].detectors, IsEmpty());
}

}  // namespace
