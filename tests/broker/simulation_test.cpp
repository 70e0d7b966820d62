// Brokers, workers, apis and Redis in one simulated world, many seeds: workers and brokers die,
// leave and freeze, Redis restarts, its clock jumps, the machine sleeps, messages are lost, late,
// doubled, in another order, and a second process takes a worker's name.
// At every step no worker has more than its credits, and a solo job is alone; in the end every job
// has ended, took effect once, and every credit is back.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdio>
#include <cstdlib>

#include "tests/broker/simulation_support.hpp"

using vultus::broker::testing::simulation;

namespace {

/// VULTUS_SEED=n runs that seed alone; VULTUS_SEEDS=n so many of them.
std::pair<std::uint64_t, std::uint64_t> seeds() {
    if (const char* one = std::getenv("VULTUS_SEED")) {
        const auto seed = std::strtoull(one, nullptr, 10);
        return {seed, seed + 1};
    }
    const char* many = std::getenv("VULTUS_SEEDS");
    return {1, 1 + (many != nullptr ? std::strtoull(many, nullptr, 10) : 200)};
}

void run_seeds(int brokers) {
    simulation::counts all;
    const auto [first, end] = seeds();
    for (auto seed = first; seed < end; ++seed) {
        simulation world(seed, brokers);
        const auto problems = world.run();
        ASSERT_THAT(problems, ::testing::IsEmpty()) << "repeat with VULTUS_SEED=" << seed;
        all.jobs += world.seen().jobs;
        all.dead += world.seen().dead;
        all.cancelled += world.seen().cancelled;
        all.frames += world.seen().frames;
        all.faults += world.seen().faults;
        for (const auto& [kind, times] : world.seen().by_fault) all.by_fault[kind] += times;
    }
    std::printf("%llu seeds: %d jobs (%d dead, %d cancelled), %d frames, %d faults\n",
                static_cast<unsigned long long>(end - first), all.jobs, all.dead, all.cancelled,
                all.frames, all.faults);
    if (end - first < 50) return;
    EXPECT_GT(all.jobs, 1'000) << "the world was empty";
    EXPECT_GT(all.dead, 0) << "no photo was poison";
    EXPECT_GT(all.cancelled, 0);
    EXPECT_GT(all.frames, 1'000);
    EXPECT_GT(all.faults, 1'000);
    EXPECT_EQ(all.by_fault.size(), static_cast<std::size_t>(simulation::fault_kinds));
}

TEST(simulation, one_broker) {
    run_seeds(1);
}
TEST(simulation, two_brokers_on_one_redis) {
    run_seeds(2);
}

}  // namespace
