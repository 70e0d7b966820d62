// Redis and the clock: readiness, the timers, gallery news, the drain of the broker itself.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/broker/core_support.hpp"

using namespace vultus;
using namespace vultus::broker;
using namespace vultus::broker::testing;
using ::testing::IsEmpty;
using ::testing::SizeIs;

namespace {

std::size_t count_of(duty which, const effects& all) {
    std::size_t count = 0;
    for (const run_duty& one : all_of<run_duty>(all)) count += one.which == which ? 1 : 0;
    return count;
}

TEST(store, is_prepared_once_per_connection_and_again_after_a_failure) {
    bench b(false);
    EXPECT_THAT(all_of<prepare_store>(b.tell(store_link{true})), SizeIs(1));
    EXPECT_THAT(all_of<prepare_store>(b.pass(milliseconds(2'000))), IsEmpty()) << "under way";
    b.tell(store_prepared{fail(errc::store_unavailable, "loading")});
    EXPECT_FALSE(b.it.ready());
    EXPECT_THAT(all_of<prepare_store>(b.pass(milliseconds(1'000))), SizeIs(1));
    b.tell(store_prepared{unix_time{5}});
    EXPECT_TRUE(b.it.ready());
    b.tell(store_link{false});
    EXPECT_FALSE(b.it.ready());
    EXPECT_THAT(b.pass(milliseconds(5'000)), IsEmpty())
        << "nothing is asked of a Redis that is away";
    EXPECT_THAT(all_of<prepare_store>(b.tell(store_link{true})), SizeIs(1));
}

TEST(store, settings_are_looked_at_every_ten_seconds_and_said_once) {
    bench b;
    EXPECT_THAT(all_of<check_store>(b.pass(milliseconds(9'750))), IsEmpty());
    EXPECT_THAT(all_of<check_store>(b.pass(milliseconds(500))), SizeIs(1));
    EXPECT_THAT(all_of<note>(b.tell(store_checked{fail(errc::store_unavailable, "no")})),
                SizeIs(1));
    EXPECT_FALSE(b.it.ready());
    EXPECT_THAT(all_of<note>(b.tell(store_checked{fail(errc::store_unavailable, "no")})),
                IsEmpty());
    b.tell(store_checked{{}});
    EXPECT_TRUE(b.it.ready());
}

TEST(store, an_unsafe_one_is_looked_at_until_it_is_safe) {
    bench b;
    b.tell(store_checked{fail(errc::store_unavailable, "no")});
    EXPECT_THAT(all_of<check_store>(b.pass(milliseconds(1'250))), SizeIs(1));
}

TEST(timers, run_at_their_pace_one_call_at_a_time) {
    bench b;
    effects all = b.pass(milliseconds(1'000));
    EXPECT_EQ(count_of(duty::reap, all), 1u) << "the first is not answered yet";
    EXPECT_EQ(count_of(duty::barrier, all), 1u);
    EXPECT_EQ(count_of(duty::collect, all), 1u);
    std::size_t reaps = 0, barriers = 0, collects = 0;
    for (const duty which : {duty::reap, duty::barrier, duty::collect})
        b.tell(duty_done{which, moved{}});
    for (int i = 0; i < 40; ++i) {
        all = b.pass(milliseconds(250));
        reaps += count_of(duty::reap, all);
        barriers += count_of(duty::barrier, all);
        collects += count_of(duty::collect, all);
        for (const run_duty& one : all_of<run_duty>(all)) b.tell(duty_done{one.which, moved{}});
    }
    EXPECT_EQ(reaps, 40u);
    EXPECT_EQ(barriers, 10u);
    EXPECT_EQ(collects, 2u) << "it found nothing";
}

TEST(timers, say_what_the_clock_of_redis_should_be) {
    bench b;
    b.pass(milliseconds(250));
    b.tell(duty_done{duty::reap, moved{0, false, false, unix_time{5'000'000}}});
    const auto calls = all_of<run_duty>(b.pass(milliseconds(250)));
    ASSERT_THAT(calls, SizeIs(1));
    EXPECT_EQ(calls[0].expected_now, unix_time{5'000'250});
    // Also over a restart of Redis: that is how a clock that jumped meanwhile is noticed.
    b.tell(store_link{false});
    b.tell(store_link{true});
    b.tell(store_prepared{unix_time{9'000'000}});
    b.tell(duty_done{duty::reap, fail(errc::unknown_outcome, "broke")});
    const auto later = all_of<run_duty>(b.pass(milliseconds(1'000)));
    ASSERT_FALSE(later.empty());
    EXPECT_EQ(later.back().expected_now, unix_time{5'001'250});
}

TEST(timers, a_new_broker_knows_no_time_and_counts_from_its_question) {
    bench b;  // it has read the clock of Redis' host, which may be what jumped
    for (const run_duty& one : all_of<run_duty>(b.pass(milliseconds(250)))) {
        EXPECT_EQ(one.expected_now, unix_time{0});
    }
    b.pass(milliseconds(2'000));  // a slow disk
    b.tell(duty_done{duty::reap, moved{0, false, false, unix_time{5'000'000}}});
    const auto calls = all_of<run_duty>(b.pass(milliseconds(250)));
    ASSERT_FALSE(calls.empty());
    EXPECT_EQ(calls[0].expected_now, unix_time{5'002'250});
}

TEST(timers, a_full_batch_is_followed_at_once_and_a_failure_waits) {
    bench b;
    b.pass(milliseconds(250));
    EXPECT_EQ(count_of(duty::reap, b.tell(duty_done{duty::reap, moved{100, false, true, {}}})), 1u);
    EXPECT_EQ(count_of(duty::reap, b.tell(duty_done{duty::reap, moved{99, false, false, {}}})), 0u);
    b.pass(milliseconds(250));
    b.tell(duty_done{duty::reap, fail(errc::store_unavailable, "away")});
    EXPECT_EQ(count_of(duty::reap, b.pass(milliseconds(750))), 0u);
    EXPECT_EQ(count_of(duty::reap, b.pass(milliseconds(250))), 1u);
}

TEST(timers, what_was_reaped_is_leased_at_once) {
    bench b;
    b.answer_empty(b.join("w"));
    b.answer_empty(b.pass(milliseconds(250)));
    EXPECT_THAT(all_of<lease>(b.tell(duty_done{duty::reap, moved{1, false, false, {}}})),
                SizeIs(1));
}

TEST(news, a_new_version_is_told_to_those_who_hold_the_collection) {
    bench b;
    protocol::ready hello;
    hello.worker_id = "w";
    hello.types = {"recognize"};
    hello.window = 4;
    hello.galleries = {{"people", 10}};
    const auto reads = all_of<read_gallery>(b.from_worker("w.1", hello));
    ASSERT_THAT(reads, SizeIs(1));
    EXPECT_EQ(reads[0].collection, "people");
    b.join("v");
    EXPECT_THAT((sent_to<protocol::reload>("w.1", b.tell(gallery_read{"people", 10}))), IsEmpty());
    b.from_api(protocol::submit{0, {"a change"}});
    const effects all = b.tell(gallery_read{"people", 11});
    EXPECT_EQ((sent_to<protocol::reload>("w.1", all)).at(0), (protocol::reload{"people", 11}));
    EXPECT_THAT((sent_to<protocol::reload>("v.1", all)), IsEmpty());
    EXPECT_THAT((sent_to<protocol::reload>("w.1", b.tell(gallery_read{"people", 11}))), IsEmpty());
    const auto beats = sent_to<protocol::broker_heartbeat>("w.1", b.pass(milliseconds(1'000)));
    ASSERT_THAT(beats, SizeIs(1));
    EXPECT_EQ(beats[0].galleries, (protocol::versions{{"people", 11}}));
    EXPECT_EQ(beats[0].interval_ms, 1'000u);
    EXPECT_EQ(beats[0].now_ms, 1'001'000);
}

TEST(news, that_a_collection_is_gone_is_told_too) {
    bench b;
    protocol::ready hello;
    hello.worker_id = "w";
    hello.types = {"recognize"};
    hello.window = 4;
    hello.galleries = {{"people", 10}};
    b.from_worker("w.1", hello);
    const effects all = b.tell(gallery_read{"people", 0});
    EXPECT_EQ((sent_to<protocol::reload>("w.1", all)).at(0), (protocol::reload{"people", 0}));
    const auto beats = sent_to<protocol::broker_heartbeat>("w.1", b.pass(milliseconds(1'000)));
    ASSERT_THAT(beats, SizeIs(1));
    EXPECT_EQ(beats[0].galleries, (protocol::versions{{"people", 0}}));
}

TEST(news, a_published_train_is_looked_at_at_once_even_during_a_read) {
    bench b;
    auto calls = all_of<lease>(b.join("w"));
    b.answer(calls[0], {job_named("a"), job_named("b")});
    const auto first = b.from_worker("w.1", protocol::done{"a", 1, "publishing", {}});
    EXPECT_THAT(all_of<read_gallery>(first), SizeIs(1));
    const auto second = b.from_worker("w.1", protocol::done{"b", 1, "publishing", {}});
    EXPECT_THAT(all_of<read_gallery>(second), IsEmpty()) << "one read at a time";
    EXPECT_THAT(all_of<read_gallery>(b.tell(gallery_read{"default", 5})), SizeIs(1)) << "once more";
    EXPECT_THAT(all_of<read_gallery>(b.tell(gallery_read{"default", 6})), IsEmpty());
}

TEST(news, however_many_submits_come_they_are_read_at_a_bounded_pace) {
    bench b;
    protocol::ready hello;
    hello.worker_id = "w";
    hello.window = 4;
    for (int i = 0; i < 40; ++i) hello.galleries["c" + std::to_string(i)] = 1;
    EXPECT_THAT(all_of<read_gallery>(b.from_worker("w.1", hello)), SizeIs(gallery_reads_max));
    std::set<std::string> seen;
    for (int i = 0; i < 100; ++i) {
        b.now += milliseconds(1);
        const effects all = b.from_api(protocol::submit{0, {"x"}});
        EXPECT_LE(all_of<read_gallery>(all).size(), gallery_reads_max);
        for (const read_gallery& one : all_of<read_gallery>(all)) {
            seen.insert(one.collection);
            b.tell(gallery_read{one.collection, 1});
        }
    }
    EXPECT_THAT(seen, IsEmpty()) << "the first sixteen were never answered";
    for (int i = 0; i < 40; ++i) b.tell(gallery_read{"c" + std::to_string(i), 1});
    for (int i = 0; i < 10; ++i) {
        for (const read_gallery& one : all_of<read_gallery>(b.pass(milliseconds(250)))) {
            seen.insert(one.collection);
            b.tell(gallery_read{one.collection, 1});
            b.keep_alive();
        }
    }
    EXPECT_THAT(seen, SizeIs(40)) << "each has its turn";
}

TEST(drain, waits_for_leases_then_says_bye_and_ends) {
    bench b;
    const auto calls = all_of<lease>(b.join("w"));
    EXPECT_THAT(all_of<finished>(b.tell(stop{})), IsEmpty());
    const effects all = b.answer(calls[0], {job_named("a")});
    EXPECT_THAT((sent_to<protocol::job>("w.1", all)), SizeIs(1)) << "a leased job is not held back";
    EXPECT_EQ((sent_to<protocol::bye>("w.1", all)).at(0).reason, "draining");
    EXPECT_THAT(all_of<finished>(all), SizeIs(1));
    EXPECT_THAT(all_of<finished>(b.tell(stop{})), IsEmpty()) << "once";
}

TEST(drain, ends_in_time_whatever_is_missing) {
    core_options options;
    options.drain_timeout = milliseconds(500);
    bench b(true, options);
    b.join("w");
    b.from_api(frame_named("f"));
    b.tell(stop{});
    b.pass(milliseconds(250));
    const effects all = b.pass(milliseconds(250));
    EXPECT_THAT(all_of<finished>(all), SizeIs(1));
    EXPECT_EQ((sent_to<protocol::answer, to_api>("api.1", all)).at(0).error, "draining");
}

TEST(clock, next_timer_is_never_far_and_never_in_a_tight_loop) {
    bench b;
    b.join("w");
    b.tell(tick{});
    EXPECT_GT(b.it.next_timer(), b.now);
    EXPECT_LE(b.it.next_timer(), b.now + limits::sweep);
    b.from_api(frame_named("f"));
    protocol::frame soon = frame_named("g");
    soon.deadline_ms = 17;
    b.from_api(soon);
    EXPECT_EQ(b.it.next_timer(), b.now + milliseconds(17));
}

}  // namespace
