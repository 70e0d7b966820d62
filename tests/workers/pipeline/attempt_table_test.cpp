// Which jobs may start, and what is forgotten when.
#include "workers/pipeline/attempt_table.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace vultus {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

leased_job job(const std::string& id, std::uint64_t attempt = 1, bool solo = false) {
    leased_job one;
    one.job_id = id;
    one.attempt = attempt;
    one.solo = solo;
    return one;
}
attempt_id id(const std::string& name, std::uint64_t attempt = 1) {
    return {name, attempt};
}

TEST(attempt_table, a_repeated_job_message_changes_nothing) {
    attempt_table hand;
    EXPECT_TRUE(hand.add(job("a"), 0));
    EXPECT_FALSE(hand.add(job("a"), 0));
    EXPECT_THAT(hand.ask(64), ElementsAre(id("a")));
    EXPECT_FALSE(hand.add(job("a"), 0));
    EXPECT_THAT(hand.start({}, "w"), SizeIs(1));
    EXPECT_FALSE(hand.add(job("a"), 0));
    EXPECT_THAT(hand.ask(64), IsEmpty());
}

TEST(attempt_table, a_newer_attempt_drops_the_older_one) {
    attempt_table hand;
    hand.add(job("a", 1), 0);
    hand.ask(64);
    const auto first = hand.start({}, "w");
    ASSERT_THAT(first, SizeIs(1));
    EXPECT_TRUE(hand.add(job("a", 2), 0));
    EXPECT_TRUE(first[0].dropped->is_set());
    EXPECT_THAT(hand.all(), ElementsAre(id("a", 2)));
    EXPECT_FALSE(hand.add(job("a", 1), 0)) << "an old message that comes late";
}

TEST(attempt_table, those_that_redis_says_are_lost_do_not_start) {
    attempt_table hand;
    hand.add(job("a"), 0);
    hand.add(job("b"), 0);
    hand.ask(64);
    const auto tickets = hand.start({id("a")}, "w");
    ASSERT_THAT(tickets, SizeIs(1));
    EXPECT_EQ(tickets[0].id(), id("b"));
    EXPECT_EQ(tickets[0].worker_id, "w");
    EXPECT_THAT(hand.all(), ElementsAre(id("b")));
}

TEST(attempt_table, a_solo_job_waits_until_all_is_quiet_and_nobody_overtakes_it) {
    attempt_table hand;
    hand.add(job("a"), 0);
    EXPECT_THAT(hand.ask(64), ElementsAre(id("a")));
    hand.start({}, "w");
    hand.add(job("alone", 2, true), 0);
    hand.add(job("b"), 0);
    EXPECT_THAT(hand.ask(64), IsEmpty());
    hand.finish(id("a"));
    EXPECT_THAT(hand.ask(64), ElementsAre(id("alone", 2)));
    EXPECT_THAT(hand.ask(64), IsEmpty()) << "while Redis is asked";
    hand.start({}, "w");
    EXPECT_TRUE(hand.solo_running());
    EXPECT_THAT(hand.ask(64), IsEmpty()) << "while it runs";
    hand.finish(id("alone", 2));
    EXPECT_THAT(hand.ask(64), ElementsAre(id("b")));
}

TEST(attempt_table, asking_stops_at_a_solo_job_and_at_the_bound) {
    attempt_table hand;
    hand.add(job("a"), 0);
    hand.add(job("b"), 0);
    hand.add(job("alone", 1, true), 0);
    hand.add(job("c"), 0);
    EXPECT_THAT(hand.ask(1), ElementsAre(id("a")));
    EXPECT_THAT(hand.ask(64), ElementsAre(id("b")));
    EXPECT_THAT(hand.ask(64), IsEmpty());
}

TEST(attempt_table, when_redis_cannot_say_they_are_asked_about_again) {
    attempt_table hand;
    hand.add(job("a"), 0);
    hand.add(job("b"), 0);
    EXPECT_THAT(hand.ask(64), SizeIs(2));
    hand.ask_again();
    EXPECT_THAT(hand.ask(64), ElementsAre(id("a"), id("b")));
}

TEST(attempt_table, a_job_dropped_while_asked_about_does_not_start) {
    attempt_table hand;
    hand.add(job("a"), 3);
    hand.ask(64);
    EXPECT_EQ(hand.drop(id("a")), 3u);
    EXPECT_THAT(hand.start({}, "w"), IsEmpty());
    EXPECT_EQ(hand.drop(id("a")), std::nullopt);
    EXPECT_TRUE(hand.empty());
}

TEST(attempt_table, only_waiting_ones_are_taken_back_at_a_drain) {
    attempt_table hand;
    hand.add(job("runs"), 0);
    hand.ask(64);
    const auto running = hand.start({}, "w");
    hand.add(job("waits"), 0);
    EXPECT_THAT(hand.take_waiting(), ElementsAre(id("waits")));
    EXPECT_FALSE(running[0].dropped->is_set());
    EXPECT_THAT(hand.all(), ElementsAre(id("runs")));
}

TEST(attempt_table, a_fence_drops_everything) {
    attempt_table hand;
    hand.add(job("a"), 0);
    hand.ask(64);
    const auto running = hand.start({}, "w");
    hand.add(job("alone", 1, true), 0);
    EXPECT_THAT(hand.drop_all(), SizeIs(2));
    EXPECT_TRUE(running[0].dropped->is_set());
    EXPECT_TRUE(hand.empty());
    hand.add(job("alone", 2, true), 0);
    EXPECT_THAT(hand.ask(64), ElementsAre(id("alone", 2))) << "nothing counts as running any more";
}

}  // namespace
}  // namespace vultus
