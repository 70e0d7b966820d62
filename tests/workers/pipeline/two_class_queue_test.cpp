// The live class goes first, the other has its turn; closing and waiting as in bounded_queue.
#include "workers/pipeline/two_class_queue.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <string>
#include <thread>
#include <vector>

namespace vultus {
namespace {

void put(two_class_queue<int>& queue, std::vector<int> live, std::vector<int> others) {
    for (int value : live) EXPECT_TRUE(queue.try_push_live(value));
    for (int value : others) EXPECT_TRUE(queue.push(value));
}

std::string order(two_class_queue<int>& queue) {
    queue.close();
    std::string text;
    while (auto one = queue.pop()) text += std::to_string(*one) + " ";
    return text;
}

TEST(two_class_queue, live_goes_first_and_the_other_lane_has_its_turn) {
    two_class_queue<int> queue(10, 10, 2);
    put(queue, {1, 2, 3, 4, 5}, {60, 70, 80});
    EXPECT_EQ(order(queue), "1 2 60 3 4 70 5 80 ");
}

TEST(two_class_queue, live_alone_waits_for_nobody_and_turns_are_not_saved_up) {
    two_class_queue<int> queue(10, 10, 2);
    put(queue, {1, 2, 3, 4}, {});
    for (int i = 0; i < 4; ++i) queue.pop();
    put(queue, {5, 6, 7}, {80});
    EXPECT_EQ(order(queue), "80 5 6 7 ") << "four live ones were in a row";
}

TEST(two_class_queue, each_lane_has_its_own_room) {
    two_class_queue<int> queue(1, 1, 4);
    int one = 1, two = 2;
    EXPECT_TRUE(queue.try_push_live(one));
    EXPECT_FALSE(queue.try_push_live(two));
    EXPECT_TRUE(queue.push(3));
    std::atomic<bool> pushed{false};
    std::thread waits([&] {
        queue.push(4);
        pushed = true;
    });
    EXPECT_EQ(queue.try_pop_live(), 1);
    EXPECT_EQ(queue.try_pop_live(), std::nullopt);
    EXPECT_FALSE(pushed) << "room in the live class is not room for what can wait";
    EXPECT_EQ(queue.pop(), 3);
    EXPECT_EQ(queue.pop(), 4);
    waits.join();
}

TEST(two_class_queue, who_waits_for_live_only_leaves_the_rest_alone) {
    two_class_queue<int> queue(4, 4, 4);
    put(queue, {}, {60});
    EXPECT_EQ(queue.pop_live_for(std::chrono::milliseconds(1)), std::nullopt);
    std::thread waits([&] { EXPECT_EQ(queue.pop_live_for(std::chrono::seconds(20)), 1); });
    put(queue, {1}, {});
    waits.join();
    EXPECT_EQ(queue.pop(), 60);
}

TEST(two_class_queue, closed_it_takes_nothing_and_lets_everybody_go) {
    two_class_queue<int> queue(1, 1, 1);
    EXPECT_EQ(queue.pop_for(std::chrono::milliseconds(1)), std::nullopt);
    std::thread waits([&] { EXPECT_EQ(queue.pop(), std::nullopt); });
    queue.close();
    waits.join();
    int one = 1;
    EXPECT_FALSE(queue.try_push_live(one));
    EXPECT_FALSE(queue.push(1));
}

}  // namespace
}  // namespace vultus
