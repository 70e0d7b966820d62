// What a worker tells of its GPU's memory: it moves with what is taken, and is asked without
// waiting for whoever has the GPU.
#include <gtest/gtest.h>

#include <thread>

#include "tests/workers/engine/cuda/gpu_support.hpp"
#include "tests/workers/image/photo_support.hpp"
#include "workers/engine/models.hpp"

namespace vultus {
namespace {

using namespace testing;
using cuda::memory;

constexpr std::size_t mib = 1u << 20, all = cuda::headroom_bytes + 64 * mib;

result<memory> taken(const std::shared_ptr<cuda::gpu_context>& gpu, std::size_t bytes) {
    const auto mine = gpu->take_turn();
    return memory::take(gpu, memory::place::gpu, bytes, "tests");
}

TEST(gpu_memory, moves_with_what_is_taken_and_given_back) {
    stand_in machine({.memory_bytes = all});
    const auto gpu = session_on(machine.calls());
    EXPECT_EQ(gpu->memory_now(), (gpu_memory{all, all}));
    auto some = taken(gpu, 10 * mib);
    ASSERT_TRUE(some);
    EXPECT_EQ(gpu->memory_now(), (gpu_memory{all, all - 10 * mib}));
    {
        const auto mine = gpu->take_turn();
        *some = memory();
    }
    EXPECT_EQ(gpu->memory_now(), (gpu_memory{all, all}));
}

TEST(gpu_memory, whoever_asks_waits_for_no_pass) {
    stand_in machine({.memory_bytes = all});
    const auto gpu = session_on(machine.calls());
    const auto asked = [&] {  // on a thread of its own, as the session is
        gpu_memory found;
        std::thread([&] { found = gpu->memory_now(); }).join();
        return found;
    };
    auto mine = gpu->take_turn();
    const auto some = memory::take(gpu, memory::place::gpu, 10 * mib, "tests");
    ASSERT_TRUE(some);
    EXPECT_EQ(asked().free_bytes, all) << "as it was before this turn";
    const int calls = machine.calls_made();
    mine.unlock();
    mine = gpu->take_turn();
    EXPECT_EQ(machine.calls_made(), calls + 2) << "the turn after it asks the card";
    EXPECT_EQ(asked().free_bytes, all - 10 * mib);
    mine.unlock();
    mine = gpu->take_turn();  // it was asked for again
    mine.unlock();
    mine = gpu->take_turn();
    EXPECT_EQ(machine.calls_made(), calls + 5) << "a turn that nobody asked in asks nothing";
}

TEST(gpu_memory, a_network_takes_some) {
    stand_in machine;
    const auto gpu = session_on(machine.calls());
    const std::uint64_t before = gpu->memory_now().free_bytes;
    const auto network = cuda::load_embedder(
        gpu, models_folder() + "/" + std::string(models_wanted[2].name), {.chips_max = 1});
    ASSERT_TRUE(network);
    const gpu_memory now = gpu->memory_now();
    EXPECT_EQ(before - now.free_bytes, gpu->used_bytes());
    EXPECT_GT(gpu->used_bytes(), 10 * mib) << "weights alone are more";
}

void ask_a_broken_gpu() {
    stand_in machine({.fail_call = 6});  // the first after it was opened
    const auto gpu = session_on(machine.calls());
    gpu->memory_now();
}

TEST(gpu_memory, a_gpu_that_does_not_say_ends_the_process) {
    EXPECT_EXIT(ask_a_broken_gpu(), ::testing::ExitedWithCode(70), "device_fault");
}

}  // namespace
}  // namespace vultus
