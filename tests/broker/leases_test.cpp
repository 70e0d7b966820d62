// Leases and credits: who leases, how many, when, and what happens when a reply comes late.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/broker/core_support.hpp"

using namespace vultus;
using namespace vultus::broker;
using namespace vultus::broker::testing;
using ::testing::IsEmpty;
using ::testing::SizeIs;

namespace {

TEST(leases, a_new_worker_is_asked_for_at_once) {
    bench b;
    const effects all = b.join("w");
    const auto calls = all_of<lease>(all);
    ASSERT_THAT(calls, SizeIs(1));
    EXPECT_EQ(calls[0].request.worker_id, "w");
    EXPECT_EQ(calls[0].request.connection, "1") << "Redis compares numbers";
    EXPECT_EQ(calls[0].request.most, 8u);
    EXPECT_EQ(calls[0].request.outstanding, 0u);
    EXPECT_EQ(calls[0].request.types, (std::vector<std::string>{"recognize", "train"}));
    EXPECT_THAT((sent_to<protocol::broker_heartbeat>("w.1", all)), SizeIs(1));
}

TEST(leases, the_jobs_of_a_reply_go_out_in_one_message_with_a_number) {
    bench b;
    const auto calls = all_of<lease>(b.join("w"));
    const effects all = b.answer(calls[0], {job_named("a"), job_named("b")});
    const auto messages = sent_to<protocol::job>("w.1", all);
    ASSERT_THAT(messages, SizeIs(1));
    EXPECT_EQ(messages[0].n, 1u);
    EXPECT_THAT(messages[0].jobs, SizeIs(2));
    EXPECT_THAT(b.at("w.1").jobs, SizeIs(2));
    EXPECT_EQ(b.at("w.1").free(), 6u);
}

TEST(leases, an_empty_queue_is_not_asked_again_before_a_reason) {
    bench b;
    b.answer_empty(b.join("w"));
    EXPECT_THAT(all_of<lease>(b.tell(tick{})), IsEmpty());
    const auto after_submit = all_of<lease>(b.from_api(protocol::submit{0, {"a"}}));
    EXPECT_THAT(after_submit, SizeIs(1));
    b.answer(after_submit[0], {job_named("a")});
    EXPECT_THAT(all_of<lease>(b.from_worker("w.1", protocol::done{"a", 1, "succeeded", {}})),
                IsEmpty());
    EXPECT_THAT(all_of<lease>(b.pass(milliseconds(250))), SizeIs(1)) << "the sweep looks again";
}

TEST(leases, what_one_worker_lacks_the_models_for_is_offered_to_another_at_once) {
    bench b;
    b.answer_empty(b.join("lean"));
    b.answer_empty(b.join("full"));
    const auto first = all_of<lease>(b.from_api(protocol::submit{0, {"a"}}));
    ASSERT_THAT(first, SizeIs(1));
    const auto passed = [&](const lease& call) {
        leased_jobs none;
        none.left = none.passed = 1;
        return b.tell(leased{call.ticket, none});
    };
    const auto second = all_of<lease>(passed(first[0]));
    ASSERT_THAT(second, SizeIs(1));
    EXPECT_NE(second[0].request.worker_id, first[0].request.worker_id);
    EXPECT_THAT(all_of<lease>(passed(second[0])), IsEmpty()) << "both lack them";
    EXPECT_THAT(all_of<lease>(b.from_api(protocol::submit{0, {"b"}})), ::testing::Not(IsEmpty()))
        << "the new job may need others";
}

TEST(leases, a_worker_that_lacks_the_models_is_asked_again_with_the_next_sweep) {
    bench b;
    b.answer_empty(b.join("w"));
    const auto first = all_of<lease>(b.from_api(protocol::submit{0, {"a"}}));
    ASSERT_THAT(first, SizeIs(1));
    leased_jobs none;
    none.left = none.passed = 1;
    EXPECT_THAT(all_of<lease>(b.tell(leased{first[0].ticket, none})), IsEmpty());
    EXPECT_THAT(all_of<lease>(b.tell(tick{})), IsEmpty());
    EXPECT_THAT(all_of<lease>(b.pass(milliseconds(500))), ::testing::Not(IsEmpty()));
}

TEST(leases, one_submit_of_one_job_is_one_call_whatever_number_is_idle) {
    bench b;
    for (const char* id : {"u", "v", "w"}) b.answer_empty(b.join(id));
    EXPECT_THAT(all_of<lease>(b.from_api(protocol::submit{0, {"a"}})), SizeIs(1));
    EXPECT_THAT(all_of<lease>(b.from_api(protocol::submit{0, {"b"}})), IsEmpty())
        << "the call under way may take two";
}

TEST(leases, a_submit_during_a_call_is_not_forgotten) {
    bench b;
    b.answer_empty(b.join("w"));
    const auto first = all_of<lease>(b.from_api(protocol::submit{0, {"a"}}));
    b.from_api(protocol::submit{0, {"b"}});
    const auto second = all_of<lease>(b.answer(first[0], {job_named("a")}));
    EXPECT_THAT(second, SizeIs(1)) << "b may have come after the reply was made";
}

TEST(leases, a_full_reply_means_more_and_the_window_is_the_end) {
    bench b;
    auto calls = all_of<lease>(b.join("w", 2));
    EXPECT_EQ(calls[0].request.most, 2u);
    const effects all = b.answer(calls[0], {job_named("a"), job_named("b")});
    EXPECT_THAT(all_of<lease>(all), IsEmpty()) << "no credit left";
    calls = all_of<lease>(b.from_worker("w.1", protocol::done{"a", 1, "succeeded", {}}));
    ASSERT_THAT(calls, SizeIs(1));
    EXPECT_EQ(calls[0].request.most, 1u);
    EXPECT_EQ(calls[0].request.outstanding, 1u);
}

TEST(leases, a_backlog_is_shared_and_the_less_busy_worker_comes_first) {
    bench b;
    b.answer_empty(b.join("v", 16));
    b.answer_empty(b.join("w", 16));
    const auto calls =
        all_of<lease>(b.from_api(protocol::submit{0, std::vector<std::string>(100, "x")}));
    ASSERT_THAT(calls, SizeIs(2));
    EXPECT_NE(calls[0].request.worker_id, calls[1].request.worker_id);
    EXPECT_EQ(calls[0].request.most, 4u) << "a quarter of the window while another is free";
    const auto next = all_of<lease>(
        b.answer(calls[0], {job_named("a"), job_named("b"), job_named("c"), job_named("d")}));
    ASSERT_THAT(next, SizeIs(1));
    EXPECT_EQ(next[0].request.worker_id, calls[0].request.worker_id) << "the other is being served";
    EXPECT_EQ(next[0].request.outstanding, 4u);
}

TEST(leases, at_most_four_calls_are_under_way) {
    bench b(false);
    for (int i = 0; i < 6; ++i) b.join("w" + std::to_string(i));
    b.from_api(protocol::submit{0, std::vector<std::string>(1'000, "x")});
    b.tell(store_link{true});
    EXPECT_THAT(all_of<lease>(b.tell(store_prepared{unix_time{1}})), SizeIs(4));
}

TEST(leases, a_solo_job_keeps_others_from_its_worker) {
    bench b;
    const auto calls = all_of<lease>(b.join("w"));
    b.answer(calls[0], {job_named("a", 2, true)});
    EXPECT_THAT(all_of<lease>(b.from_api(protocol::submit{0, {"b"}})), IsEmpty());
    const effects freed = b.from_worker("w.1", protocol::done{"a", 2, "failed", {}});
    EXPECT_THAT(all_of<lease>(freed), SizeIs(1));
}

TEST(leases, a_worker_that_ran_dry_is_asked_again_after_a_short_reply_while_it_was_busy) {
    bench b;
    auto calls = all_of<lease>(b.join("w", 4));
    b.answer(calls[0], {job_named("a")});
    calls = all_of<lease>(b.from_api(protocol::submit{0, {"b"}}));
    EXPECT_THAT(all_of<lease>(b.answer(calls[0], {})), IsEmpty());
    calls = all_of<lease>(b.from_worker("w.1", protocol::done{"a", 1, "succeeded", {}}));
    ASSERT_THAT(calls, SizeIs(1)) << "a solo job may have waited for an idle worker";
    EXPECT_EQ(calls[0].request.outstanding, 0u);
}

TEST(leases, a_reply_for_a_worker_that_is_gone_hands_the_jobs_back) {
    bench b;
    const auto calls = all_of<lease>(b.join("w"));
    b.from_worker("w.1", protocol::bye{"drained"});
    const auto back = all_of<hand_back>(b.answer(calls[0], {job_named("a", 3)}));
    ASSERT_THAT(back, SizeIs(1));
    EXPECT_EQ(back[0].attempt, (attempt_id{"a", 3}));
    EXPECT_EQ(back[0].worker_id, "w");
}

TEST(leases, a_reply_for_a_worker_that_drains_hands_the_jobs_back) {
    bench b;
    const auto calls = all_of<lease>(b.join("w"));
    b.from_worker("w.1", protocol::drain{"operator"});
    const effects all = b.answer(calls[0], {job_named("a")});
    EXPECT_THAT(all_of<hand_back>(all), SizeIs(1));
    EXPECT_THAT((sent_to<protocol::job>("w.1", all)), IsEmpty());
}

TEST(leases, a_reply_for_the_older_connection_goes_to_the_newer_within_its_window) {
    bench b;
    const auto calls = all_of<lease>(b.join("w", 2));
    protocol::ready again;
    again.worker_id = "w";
    again.types = {"recognize"};
    again.window = 2;
    again.running = {{"r", 1}};
    b.from_worker("w.2", again);
    const effects all = b.answer(calls[0], {job_named("a"), job_named("b")});
    std::size_t held = b.at("w.2").jobs.size() + b.at("w.2").reserved;
    EXPECT_LE(held, 2u);
    EXPECT_EQ(all_of<hand_back>(all).size() + b.at("w.2").jobs.size(), 3u) << "r, a and b";
}

TEST(leases, a_failed_call_backs_off_and_tries_again) {
    bench b;
    auto calls = all_of<lease>(b.join("w"));
    effects all = b.tell(leased{calls[0].ticket, fail(errc::store_unavailable, "away")});
    EXPECT_THAT(all_of<lease>(all), IsEmpty());
    EXPECT_THAT(all_of<lease>(b.from_api(protocol::submit{0, {"a"}})), IsEmpty());
    calls = all_of<lease>(b.pass(milliseconds(1'000)));
    EXPECT_THAT(calls, SizeIs(1)) << "one, not one for each turn of the loop";
}

TEST(leases, a_full_send_queue_hands_the_jobs_back_and_keeps_the_worker) {
    bench b;
    const auto calls = all_of<lease>(b.join("w"));
    const auto messages = sent_to<protocol::job>("w.1", b.answer(calls[0], {job_named("a")}));
    const effects all = b.tell(send_failed{"w.1", false, messages[0]});
    EXPECT_THAT(all_of<hand_back>(all), SizeIs(1));
    EXPECT_THAT(b.at("w.1").jobs, IsEmpty());
    EXPECT_THAT(all_of<report_lost>(all), IsEmpty());
}

TEST(leases, none_while_redis_is_away_unsafe_or_the_broker_drains) {
    bench away(false);
    EXPECT_THAT(all_of<lease>(away.join("w")), IsEmpty());

    bench unsafe;
    unsafe.answer_empty(unsafe.join("w"));
    unsafe.tell(store_checked{fail(errc::store_unavailable, "appendfsync is everysec")});
    EXPECT_THAT(all_of<lease>(unsafe.from_api(protocol::submit{0, {"a"}})), IsEmpty());
    EXPECT_THAT(all_of<lease>(unsafe.tell(store_checked{{}})), SizeIs(1));

    bench drains;
    drains.answer_empty(drains.join("w"));
    drains.tell(stop{});
    EXPECT_THAT(all_of<lease>(drains.from_api(protocol::submit{0, {"a"}})), IsEmpty());
}

TEST(leases, a_reply_for_an_earlier_connection_is_handed_back) {
    bench b;
    const auto before = all_of<lease>(b.join("w"));
    b.join("w", 8, 4, 2);
    const effects all = b.answer(before.at(0), {job_named("a"), job_named("b")});
    EXPECT_THAT(all_of<hand_back>(all), SizeIs(2));
    EXPECT_THAT(b.at("w.2").jobs, IsEmpty()) << "its own lease may bring a job that must be alone";
}

}  // namespace
