// Pieces of memory that replicas share with a GPU: each has one holder; whoever comes late waits.
#include <gtest/gtest.h>

#include <atomic>
#include <set>
#include <thread>

#include "tests/workers/engine/cuda/gpu_support.hpp"
#include "workers/engine/cuda/staging.hpp"

namespace vultus {
namespace {

using namespace testing;
using cuda::staging;

std::unique_ptr<staging> made_on(const std::shared_ptr<cuda::gpu_context>& gpu,
                                 std::size_t pieces) {
    const auto mine = gpu->take_turn();
    return staging::make(gpu, pieces, 6, 8).value();
}

TEST(gpu_staging, each_piece_has_one_holder) {
    stand_in machine;
    {
        const auto gpu = session_on(machine.calls());
        auto all = made_on(gpu, 3);
        EXPECT_EQ(machine.alive().host_memory, 6u);
        std::set<const void*> pieces;
        {
            const auto a = all->lend(), b = all->lend(), c = all->lend();
            for (const auto* one : {&a, &b, &c}) {
                pieces.insert((*one)->pictures.data());
                EXPECT_EQ((*one)->numbers.as<float>().size(), 2u);
                for (const std::uint8_t byte : (*one)->pictures.as<std::uint8_t>()) {
                    EXPECT_EQ(byte, 0);
                }
            }
        }
        EXPECT_EQ(pieces.size(), 3u);
        EXPECT_EQ(pieces.count(all->lend()->pictures.data()), 1u) << "it came back";
        const auto mine = gpu->take_turn();
        all.reset();
    }
    EXPECT_EQ(machine.alive(), stand_in::count{});
}

TEST(gpu_staging, who_finds_none_waits) {
    stand_in machine;
    const auto gpu = session_on(machine.calls());
    auto all = made_on(gpu, 1);
    std::atomic<bool> has_it{false};
    auto held = all->lend();
    std::thread other([&] {
        const auto later = all->lend();
        has_it = true;
    });
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
    EXPECT_FALSE(has_it);
    held.reset();
    other.join();
    EXPECT_TRUE(has_it);
    const auto mine = gpu->take_turn();
    all.reset();
}

}  // namespace
}  // namespace vultus
