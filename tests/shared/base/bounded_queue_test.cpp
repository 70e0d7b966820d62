// Order, capacity, closing, and many threads at once.
#include "shared/base/bounded_queue.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <memory>
#include <thread>

namespace vultus {
namespace {

TEST(bounded_queue, gives_back_in_order_and_never_holds_more_than_its_capacity) {
    bounded_queue<int> queue(2);
    int one = 1, two = 2, three = 3;
    EXPECT_TRUE(queue.try_push(one));
    EXPECT_TRUE(queue.try_push(two));
    EXPECT_FALSE(queue.try_push(three));
    EXPECT_EQ(queue.size(), 2U);
    EXPECT_EQ(queue.pop(), 1);
    EXPECT_TRUE(queue.try_push(three));
    EXPECT_EQ(queue.pop(), 2);
    EXPECT_EQ(queue.pop(), 3);
    EXPECT_EQ(queue.try_pop(), std::nullopt);
}

TEST(bounded_queue, a_refused_value_stays_with_its_owner) {
    bounded_queue<std::unique_ptr<int>> queue(1);
    auto first = std::make_unique<int>(1);
    auto second = std::make_unique<int>(2);
    ASSERT_TRUE(queue.try_push(first));
    ASSERT_FALSE(queue.try_push(second));
    EXPECT_TRUE(second);
}

TEST(bounded_queue, closed_it_drains_and_ends) {
    bounded_queue<int> queue(4);
    EXPECT_TRUE(queue.push(1));
    queue.close();
    queue.close();
    int two = 2;
    EXPECT_TRUE(queue.closed());
    EXPECT_FALSE(queue.push(2));
    EXPECT_FALSE(queue.try_push(two));
    EXPECT_EQ(queue.pop(), 1);
    EXPECT_EQ(queue.pop(), std::nullopt);
    EXPECT_EQ(queue.pop_for(std::chrono::hours(1)), std::nullopt);
}

TEST(bounded_queue, closing_wakes_those_who_wait) {
    bounded_queue<int> empty(1);
    bounded_queue<int> full(1);
    ASSERT_TRUE(full.push(0));
    std::thread reader([&] { EXPECT_EQ(empty.pop(), std::nullopt); });
    std::thread writer([&] { EXPECT_FALSE(full.push(1)); });
    empty.close();
    full.close();
    reader.join();
    writer.join();
}

TEST(bounded_queue, nothing_is_lost_or_doubled_between_threads) {
    constexpr int writers = 4, readers = 4, each = 5'000;
    bounded_queue<int> queue(7);
    std::vector<std::atomic<int>> seen(writers * each);
    std::atomic<std::size_t> largest{0};
    std::vector<std::thread> writing, reading;
    for (int w = 0; w < writers; ++w) {
        writing.emplace_back([&, w] {
            for (int i = 0; i < each; ++i) ASSERT_TRUE(queue.push(w * each + i));
        });
    }
    for (int r = 0; r < readers; ++r) {
        reading.emplace_back([&, r] {
            for (;;) {
                const auto one = r % 2 == 0 ? queue.pop_for(std::chrono::hours(1)) : queue.pop();
                if (!one) return;
                largest = std::max<std::size_t>(largest, queue.size());
                ++seen[static_cast<std::size_t>(*one)];
            }
        });
    }
    for (auto& one : writing) one.join();
    queue.close();
    for (auto& one : reading) one.join();
    for (const auto& count : seen) ASSERT_EQ(count, 1);
    EXPECT_LE(largest, 7U);
}

}  // namespace
}  // namespace vultus
