// The longest turn of the loop: measured in CPU and wall time, counted when it is too long.
#include "api/http/loop_watch.hpp"

#include <gtest/gtest.h>

#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <ctime>
#include <functional>
#include <thread>

namespace vultus::api {
namespace {

using std::chrono::milliseconds;

double value_of(const metrics& measured, const std::string& name) {
    const auto text = "\n" + measured.text();
    const auto at = text.find("\n" + name + " ");
    EXPECT_NE(at, std::string::npos) << name << " in\n" << text;
    return at == std::string::npos ? -1 : std::stod(text.substr(at + name.size() + 2));
}

double longest(const metrics& measured, const std::string& clock) {
    return value_of(measured, "vultus_api_loop_longest_turn_seconds{clock=\"" + clock + "\"}");
}

void use_the_cpu_for(milliseconds time) {
    const auto now = [] {
        timespec used{};
        clock_gettime(CLOCK_THREAD_CPUTIME_ID, &used);
        return std::chrono::seconds(used.tv_sec) + std::chrono::nanoseconds(used.tv_nsec);
    };
    for (const auto end = now() + time; now() < end;) {
    }
}

TEST(loop_watch, there_before_the_first_turn) {
    metrics measured;
    loop_watch watch(measured);
    EXPECT_EQ(longest(measured, "processor"), 0);
    EXPECT_EQ(longest(measured, "wall"), 0);
    EXPECT_EQ(value_of(measured, "vultus_api_loop_slow_turns_total"), 0);
}

TEST(loop_watch, a_turn_that_computes_counts_whether_it_was_waited_for_or_not) {
    for (const bool waited : {false, true}) {
        metrics measured;
        loop_watch watch(measured);
        asio::io_context io;
        asio::steady_timer timer(io, milliseconds(20));
        const auto work = [] { use_the_cpu_for(loop_watch::slow_turn + milliseconds(10)); };
        if (waited) {
            timer.async_wait([&](auto) { work(); });
        } else {
            asio::post(io, work);
        }
        watch.run(io);
        EXPECT_GE(longest(measured, "processor"), 0.11);
        EXPECT_GE(longest(measured, "wall"), 0.11);
        EXPECT_EQ(value_of(measured, "vultus_api_loop_slow_turns_total"), 1);
    }
}

TEST(loop_watch, a_turn_that_sleeps_counts_by_the_wall_and_waiting_is_no_turn) {
    metrics measured;
    loop_watch watch(measured);
    asio::io_context io;
    asio::steady_timer timer(io, milliseconds(300));
    timer.async_wait([](auto) {});
    asio::post(io, [] { std::this_thread::sleep_for(milliseconds(60)); });
    watch.run(io);
    EXPECT_GE(longest(measured, "wall"), 0.06);
    EXPECT_LT(longest(measured, "processor"), 0.06);
    EXPECT_EQ(value_of(measured, "vultus_api_loop_slow_turns_total"), 0);
}

TEST(loop_watch, ends_when_nothing_is_left_and_many_turns_are_many) {
    metrics measured;
    loop_watch watch(measured);
    asio::io_context io;
    int left = 1'000;
    std::function<void()> again = [&] {
        if (--left > 0) asio::post(io, again);
    };
    asio::post(io, again);
    watch.run(io);
    EXPECT_EQ(left, 0);
    EXPECT_TRUE(io.stopped());
}

}  // namespace
}  // namespace vultus::api
