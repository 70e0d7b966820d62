// What a worker tells of its card's memory: it moves with what is taken, and is asked without
// waiting for whoever has the card.
#include <gtest/gtest.h>

#include <thread>

#include "tests/workers/engine/cuda/card_support.hpp"
#include "tests/workers/image/photo_support.hpp"
#include "workers/engine/models.hpp"

namespace vultus {
namespace {

using namespace testing;
using cuda::memory;

constexpr std::size_t mib = 1u << 20;

result<memory> taken(const std::shared_ptr<cuda::session>& card, std::size_t bytes) {
    const auto mine = card->take_turn();
    return memory::take(card, memory::place::card, bytes, "tests");
}

TEST(card_memory, moves_with_what_is_taken_and_given_back) {
    stand_in machine({.memory_bytes = 64 * mib});
    const auto card = session_on(machine.calls());
    EXPECT_EQ(card->memory_now(), (card_memory{64 * mib, 64 * mib}));
    auto some = taken(card, 10 * mib);
    ASSERT_TRUE(some);
    EXPECT_EQ(card->memory_now(), (card_memory{64 * mib, 54 * mib}));
    {
        const auto mine = card->take_turn();
        *some = memory();
    }
    EXPECT_EQ(card->memory_now(), (card_memory{64 * mib, 64 * mib}));
}

TEST(card_memory, whoever_asks_waits_for_no_pass) {
    stand_in machine({.memory_bytes = 64 * mib});
    const auto card = session_on(machine.calls());
    const auto asked = [&] {  // on a thread of its own, as the session is
        card_memory found;
        std::thread([&] { found = card->memory_now(); }).join();
        return found;
    };
    auto mine = card->take_turn();
    const auto some = memory::take(card, memory::place::card, 10 * mib, "tests");
    ASSERT_TRUE(some);
    EXPECT_EQ(asked().free_bytes, 64 * mib) << "as it was before this turn";
    const int calls = machine.calls_made();
    mine.unlock();
    mine = card->take_turn();
    EXPECT_EQ(machine.calls_made(), calls + 2) << "the turn after it asks the card";
    EXPECT_EQ(asked().free_bytes, 54 * mib);
    mine.unlock();
    mine = card->take_turn();  // it was asked for again
    mine.unlock();
    mine = card->take_turn();
    EXPECT_EQ(machine.calls_made(), calls + 5) << "a turn that nobody asked in asks nothing";
}

TEST(card_memory, a_network_takes_some) {
    stand_in machine;
    const auto card = session_on(machine.calls());
    const std::uint64_t before = card->memory_now().free_bytes;
    const auto network = cuda::load_embedder(
        card, models_folder() + "/" + std::string(models_wanted[2].name), {.chips_max = 1});
    ASSERT_TRUE(network);
    const card_memory now = card->memory_now();
    EXPECT_EQ(before - now.free_bytes, card->used_bytes());
    EXPECT_GT(card->used_bytes(), 10 * mib) << "weights alone are more";
}

void ask_a_broken_card() {
    stand_in machine({.fail_call = 6});  // the first after it was opened
    const auto card = session_on(machine.calls());
    card->memory_now();
}

TEST(card_memory, a_card_that_does_not_say_ends_the_process) {
    EXPECT_EXIT(ask_a_broken_card(), ::testing::ExitedWithCode(70), "device_fault");
}

}  // namespace
}  // namespace vultus
