// The calls about the time of the functions: the commands, and how replies are parsed.
#include "shared/store/service_clock.hpp"

#include "shared/store/job_reader.hpp"
#include "shared/store/store_context.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace vultus {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

redis_reply reply_of(const std::vector<std::string>& words) {
    redis_reply all;
    all.type = redis_reply::kind::array;
    for (const auto& word : words) {
        redis_reply one;
        one.type = redis_reply::kind::text;
        one.text = word;
        all.items.push_back(std::move(one));
    }
    return all;
}

TEST(service_clock, is_read_with_what_waits_for_an_operator) {
    const store_context store;
    auto call = service_clock(store).read();
    EXPECT_THAT(call.words, ElementsAre("FCALL", "vultus1_clock", "1", "vultus:{0}:"));
    const auto seen =
        call.parse(reply_of({"ok", "1000", "91000", "suspicious", "-90000", "900", "0", "999"}));
    ASSERT_TRUE(seen);
    EXPECT_EQ(seen->state, clock_state::suspicious);
    EXPECT_EQ(seen->now, unix_time{1'000});
    EXPECT_EQ(seen->host, unix_time{91'000});
    EXPECT_EQ(seen->ahead, std::chrono::milliseconds{90'000});
    EXPECT_EQ(seen->since, unix_time{900});
    EXPECT_EQ(seen->quiet_until, unix_time{0});
    EXPECT_EQ(seen->swept, unix_time{999});
}

TEST(service_clock, is_accepted_by_somebody) {
    auto call = service_clock(store_context{}).accept("vultusctl:root@host");
    EXPECT_EQ(call.words.back(), "vultusctl:root@host");
    EXPECT_EQ(*call.parse(reply_of({"ok", "1", "-5000"})), std::chrono::milliseconds{-5'000});
    EXPECT_FALSE(call.parse(reply_of({"no"})));
}

TEST(service_clock, its_state_is_in_the_counters) {
    queue_stats queue;
    EXPECT_EQ(clock_state_of(queue), clock_state::steady) << "an older library tells none";
    EXPECT_THAT(description_of(clock_state::steady), IsEmpty());
    queue.counters["clock_off_ms"] = 5;
    EXPECT_EQ(clock_state_of(queue), clock_state::slewing);
    queue.counters["clock_quiet_until_ms"] = 5;
    EXPECT_EQ(clock_state_of(queue), clock_state::quiet);
    queue.counters["clock_suspicious_ms"] = 5;
    EXPECT_EQ(clock_state_of(queue), clock_state::suspicious);
    EXPECT_THAT(description_of(clock_state::suspicious), HasSubstr("vultusctl clock"));
}

}  // namespace
}  // namespace vultus
