// The longest turn of a loop that waits by itself: in CPU and wall time, without the wait.
#include "shared/base/turn_watch.hpp"

#include <gtest/gtest.h>

#include <thread>

namespace vultus {
namespace {

using std::chrono::milliseconds;
using std::chrono::nanoseconds;

TEST(turn_watch, a_turn_is_the_work_between_two_waits) {
    turn_watch watch;
    watch.end();  // before the first wait
    EXPECT_EQ(watch.longest_wall(), nanoseconds(0));
    watch.begin();
    std::this_thread::sleep_for(milliseconds(20));
    watch.end();
    const auto first = watch.longest_wall();
    EXPECT_GE(first, milliseconds(20));
    EXPECT_LT(watch.longest_cpu(), first);
    std::this_thread::sleep_for(first + milliseconds(20));  // the wait
    watch.end();
    EXPECT_EQ(watch.longest_wall(), first);
    watch.begin();
    for (const auto end = thread_cpu_time() + milliseconds(5); thread_cpu_time() < end;) {
    }
    watch.end();
    EXPECT_GE(watch.longest_cpu(), milliseconds(5));
}

TEST(turn_watch, the_longest_stays_and_a_slow_one_is_told) {
    turn_watch watch;
    EXPECT_FALSE(watch.note(milliseconds(99), milliseconds(500)));
    EXPECT_TRUE(watch.note(turn_watch::slow, turn_watch::slow));
    EXPECT_FALSE(watch.note(milliseconds(1), milliseconds(1)));
    EXPECT_EQ(watch.longest_cpu(), turn_watch::slow);
    EXPECT_EQ(watch.longest_wall(), milliseconds(500));
}

}  // namespace
}  // namespace vultus
