// A layer list on a GPU (the stand-in) against the plain loops: layouts, packing, graphs, memory.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <thread>

#include "tests/workers/engine/cuda/gpu_support.hpp"
#include "tests/workers/engine/networks_support.hpp"
#include "workers/engine/cuda/buckets.hpp"
#include "workers/engine/cuda/fp16.hpp"
#include "workers/engine/cuda/loader.hpp"
#include "workers/engine/cuda/packing.hpp"

namespace vultus {
namespace {

using namespace testing;
using cuda::device_network;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

const std::vector<pictures>& three = pictures_to_run();

result<device_network> every_kind_on(const std::shared_ptr<cuda::gpu_context>& gpu,
                                     precision numbers, std::size_t programs = 4) {
    return device_network::make(gpu, every_kind_on_colours(), numbers, room_for_pictures(programs));
}

/// Runs each size several times, in turns, and compares every picture.
void expect_plain_numbers(device_network& net, double allowed) {
    const network list = every_kind_on_colours();
    for (std::uint32_t round = 0; round < 3; ++round) {
        for (const pictures& given : three) {
            const auto out = run_on(net, given, round + 1);
            ASSERT_TRUE(out);
            const std::size_t each = out->all.size() / static_cast<std::size_t>(given.seen.batch);
            const long number = static_cast<long>(round) % given.seen.batch;
            const auto expected = expected_of(list, given, round + 1, number);
            ASSERT_EQ(out->of_picture, expected.shape);
            const auto one =
                std::span(out->all).subspan(static_cast<std::size_t>(number) * each, each);
            EXPECT_LE(difference_of(one, expected), allowed)
                << "round " << round << ", " << given.rows << " rows";
        }
    }
}

TEST(gpu_network, every_kind_of_layer_as_plain_loops_have_it) {
    for (std::uint32_t seed = 1; seed <= 3; ++seed) {
        stand_in machine({.seed = seed});
        const auto gpu = session_on(machine.calls());
        auto mine = gpu->take_turn();
        {
            auto half = every_kind_on(gpu, precision::fp16);
            ASSERT_TRUE(half) << half.error().detail << machine.refusal();
            expect_plain_numbers(*half, 4e-3);
            auto single = every_kind_on(gpu, precision::tf32);
            ASSERT_TRUE(single) << single.error().detail;
            expect_plain_numbers(*single, 2e-6);
        }
        mine.unlock();
    }
}

TEST(gpu_network, from_the_second_run_on_it_is_a_graph_and_few_are_kept) {
    stand_in machine;
    const auto gpu = session_on(machine.calls());
    const auto mine = gpu->take_turn();
    auto net = every_kind_on(gpu, precision::fp16, 2);
    ASSERT_TRUE(net);
    EXPECT_EQ(machine.alive().graphs, 1u) << "the warm one";
    const auto before = machine.alive();
    ASSERT_TRUE(run_on(*net, three[0], 1));
    EXPECT_EQ(net->graph_launches(), 1u);
    ASSERT_TRUE(run_on(*net, three[1], 1));
    EXPECT_EQ(net->graph_launches(), 1u) << "a size's first run loads what it needs";
    for (int i = 0; i < 3; ++i) ASSERT_TRUE(run_on(*net, three[1], 1));
    EXPECT_EQ(net->graph_launches(), 4u);
    EXPECT_EQ(machine.alive().graphs, 2u);
    ASSERT_TRUE(run_on(*net, three[2], 1));
    ASSERT_TRUE(run_on(*net, three[2], 1));
    EXPECT_EQ(net->programs(), 2u) << "the least recently used is gone";
    EXPECT_EQ(machine.alive().graphs, 2u);
    EXPECT_EQ(run_on(*net, {plain_input(1, 4, 4), 4, 4}, 1).error().code, errc::bad_option);
    auto after = machine.alive();
    after.graphs = before.graphs;
    after.plans = before.plans;
    EXPECT_EQ(after, before) << "memory is taken at start";
}

TEST(gpu_network, pictures_of_all_sizes_that_are_looked_at_in_one_share_a_graph) {
    stand_in machine;
    const auto gpu = session_on(machine.calls());
    const auto mine = gpu->take_turn();
    auto net = every_kind_on(gpu, precision::fp16);
    ASSERT_TRUE(net);
    const network list = every_kind_on_colours();
    for (const pictures& given : {three[0], {three[0].seen, 61, 25}, {three[0].seen, 122, 50}}) {
        const auto out = run_on(*net, given, 1);
        ASSERT_TRUE(out);
        const auto expected = expected_of(list, given, 1, 1);
        const auto second = std::span(out->all).last(expected.shape.size());
        EXPECT_LE(difference_of(second, expected), 4e-3) << given.rows << "x" << given.columns;
    }
    EXPECT_EQ(net->graph_launches(), 3u);
    EXPECT_EQ(machine.alive().graphs, 1u);
}

// The GPU is told of a run while it is at another; with room for one program the graph of the
// first is dropped meanwhile.
TEST(gpu_network, runs_stand_in_line_and_are_finished_in_any_order) {
    const network list = every_kind_on_colours();
    for (const std::size_t programs : {std::size_t{1}, std::size_t{4}}) {
        stand_in machine({.seed = 11});
        const auto gpu = session_on(machine.calls());
        const auto mine = gpu->take_turn();
        auto net = every_kind_on(gpu, precision::fp16, programs);
        ASSERT_TRUE(net);
        for (std::uint32_t round = 1; round <= 3; ++round) {
            std::vector<cuda::staging::lent> pieces;
            std::vector<device_network::output> outs;
            for (const pictures& given : three) {
                pieces.push_back(filled(*net, given, round));
                const auto out = net->start(given.seen, given.rows, given.columns, *pieces.back());
                ASSERT_TRUE(out) << machine.refusal();
                outs.push_back(*out);
            }
            for (const std::size_t i : {std::size_t{1}, std::size_t{2}, std::size_t{0}}) {
                net->finish(*pieces[i]);
                const auto expected = expected_of(list, three[i], round, 0);
                EXPECT_LE(difference_of(outs[i].numbers.first(expected.shape.size()), expected),
                          4e-3)
                    << i;
            }
        }
    }
}

TEST(gpu_network, all_is_given_back) {
    stand_in machine;
    {
        const auto gpu = session_on(machine.calls());
        const auto mine = gpu->take_turn();
        const auto net = every_kind_on(gpu, precision::fp16);
        ASSERT_TRUE(net);
        EXPECT_EQ(gpu->used_bytes(), machine.alive().gpu_bytes);
    }
    EXPECT_EQ(machine.alive(), stand_in::count{});
}

TEST(gpu_network, too_little_memory_is_an_error_at_start_and_leaves_nothing) {
    std::size_t needed = 0;
    {
        stand_in roomy;
        const auto gpu = session_on(roomy.calls());
        const auto mine = gpu->take_turn();
        const auto net = every_kind_on(gpu, precision::fp16);
        ASSERT_TRUE(net);
        needed = gpu->used_bytes();
    }
    for (const std::size_t bytes : {std::size_t{1}, needed / 2}) {
        stand_in machine({.memory_bytes = cuda::headroom_bytes + bytes});
        {
            const auto gpu = session_on(machine.calls());
            const auto mine = gpu->take_turn();
            const auto net = every_kind_on(gpu, precision::fp16);
            ASSERT_FALSE(net) << bytes;
            EXPECT_EQ(net.error().code, errc::bad_option);
            EXPECT_THAT(net.error().detail, HasSubstr("MiB"));
        }
        EXPECT_EQ(machine.alive(), stand_in::count{});
    }
    // The GPU has it, the setting forbids it; or the setting promises what the GPU has not.
    stand_in machine({.memory_bytes = 20u << 20});
    const auto gpu = cuda::gpu_context::open(machine.calls(), 0, needed / 2);
    ASSERT_TRUE(gpu);
    {
        const auto mine = (*gpu)->take_turn();
        const auto net = every_kind_on(*gpu, precision::fp16);
        ASSERT_FALSE(net);
        EXPECT_THAT(net.error().detail, HasSubstr("worker.gpu_memory_mib"));
    }
    const auto greedy = cuda::gpu_context::open(machine.calls(), 0, std::size_t{1} << 40);
    const auto mine = (*greedy)->take_turn();
    EXPECT_THAT(
        cuda::memory::take(*greedy, cuda::memory::place::gpu, 30u << 20, "tests").error().detail,
        HasSubstr("out of memory"));
}

/// Opens, makes and runs with the call that has this number failing. returns  calls made
int run_with_fault(int call, int work) {
    stand_in machine({.fail_call = call, .fail_work = work});
    const auto gpu = cuda::gpu_context::open(machine.calls(), 0, 0);
    if (!gpu) std::_Exit(2);
    {
        const auto mine = (*gpu)->take_turn();
        auto net = every_kind_on(*gpu, precision::fp16);
        if (!net) std::_Exit(net.error().code == errc::device_fault ? 3 : 2);
        for (int i = 0; i < 2; ++i) {
            if (!run_on(*net, three[1], 1)) std::_Exit(4);
        }
    }
    return machine.calls_made();
}

TEST(gpu_network, a_fault_at_any_call_ends_the_process_or_the_start) {
    const int all = run_with_fault(0, 0);
    ASSERT_GT(all, 100);
    const auto never_goes_on = [](int status) {
        return WIFEXITED(status) &&
               (WEXITSTATUS(status) == 2 || WEXITSTATUS(status) == 3 || WEXITSTATUS(status) == 70);
    };
    for (int call = 1; call <= all; call += 1 + call / 4) {
        EXPECT_EXIT(run_with_fault(call, 0), never_goes_on, "") << "call " << call;
    }
    EXPECT_EXIT(run_with_fault(all - 1, 0), ::testing::ExitedWithCode(70), "device_fault");
}

TEST(gpu_network, a_fault_in_the_middle_of_a_graph_ends_with_70) {
    stand_in machine;
    const auto gpu = session_on(machine.calls());
    const auto mine = gpu->take_turn();
    auto net = every_kind_on(gpu, precision::fp16);
    ASSERT_TRUE(run_on(*net, three[1], 1) && run_on(*net, three[1], 1));
    const int done = machine.work_done();
    EXPECT_EXIT(run_with_fault(0, done - 9), ::testing::ExitedWithCode(70),
                "device_fault.*illegal memory access");
}

TEST(gpu_network, two_workers_on_two_gpus_share_nothing) {
    stand_in machine({.gpus = 2, .seed = 5});
    const auto run_all = [&](int index) {
        const auto gpu = session_on(machine.calls(), index);
        const auto mine = gpu->take_turn();
        auto net = every_kind_on(gpu, precision::fp16);
        ASSERT_TRUE(net) << net.error().detail << machine.refusal();
        expect_plain_numbers(*net, 4e-3);
    };
    std::thread other([&] { run_all(1); });
    run_all(0);
    other.join();
    EXPECT_EQ(machine.alive(), stand_in::count{});
}

TEST(gpu_network, work_of_another_gpu_may_run_in_between) {
    stand_in machine({.gpus = 2, .seed = 9});
    const auto busy = session_on(machine.calls(), 1);
    auto theirs = busy->take_turn();
    const auto there = cuda::memory::take(busy, cuda::memory::place::gpu, 64, "tests");
    const auto here = cuda::memory::take(busy, cuda::memory::place::host, 64, "tests");
    ASSERT_TRUE(there && here);
    const auto gpu = session_on(machine.calls(), 0);
    {
        const auto mine = gpu->take_turn();
        auto net = every_kind_on(gpu, precision::fp16);
        ASSERT_TRUE(net);
        busy->must(machine.calls().use(busy->gpu()), "use");
        for (int i = 0; i < 100; ++i) {
            busy->must(machine.calls().upload(busy->line(), there->data(), here->data(), 64), "up");
        }
        gpu->must(machine.calls().use(gpu->gpu()), "use");
        expect_plain_numbers(*net, 4e-3);
        EXPECT_GT(machine.interleaved(), 10);
    }
    busy->must(machine.calls().use(busy->gpu()), "use");
}

TEST(gpu_session, what_cannot_be_opened_is_said_in_one_line) {
    stand_in machine;
    const auto detail_of = [&](const cuda::table& calls, int index) {
        const auto made = cuda::gpu_context::open(calls, index, 0);
        EXPECT_FALSE(made);
        return made ? "" : made.error().detail;
    };
    EXPECT_THAT(detail_of(machine.calls(), 1), HasSubstr("cuda:1: this machine has 1 GPU"));
    cuda::table other = machine.calls();
    other.version = cuda::table_version + 1;
    EXPECT_THAT(detail_of(other, 0), HasSubstr("another version"));
    for (int call = 1; call <= 5; ++call) {
        stand_in broken({.fail_call = call});
        EXPECT_THAT(detail_of(broken.calls(), 0), HasSubstr("cuda:0: ")) << call;
        EXPECT_EQ(broken.alive(), stand_in::count{});
    }
}

TEST(gpu_loader, what_is_missing_is_said_in_one_line) {
    for (const auto& [file, why] :
         {std::pair{"/nowhere/libvultus-cuda.so", "/nowhere/libvultus-cuda.so: cannot open"},
          {"libm.so.6", "libm.so.6 is not the expected library"}}) {
        const auto loaded = cuda::load_table(file);
        ASSERT_FALSE(loaded);
        EXPECT_EQ(loaded.error().code, errc::bad_option);
        EXPECT_THAT(loaded.error().detail, HasSubstr("cuda backend unusable: "));
        EXPECT_THAT(loaded.error().detail, HasSubstr(why));
        EXPECT_THAT(loaded.error().detail, ::testing::Not(HasSubstr("\n")));
    }
}

TEST(gpu_packing, channels_come_last_and_are_padded_with_zeros) {
    noise random;
    layer one = conv(3, 2, 1, 1, 0, 0, random);
    one.weights = {1, 2, 3, 4, 5, 6};
    one.bias = {7, 8};
    const auto packed = cuda::pack(one, true);
    ASSERT_TRUE(packed);
    ASSERT_EQ(packed->weights.size(), 8u * 8 * sizeof(float));
    const auto* numbers = reinterpret_cast<const float*>(packed->weights.data());
    EXPECT_THAT(std::vector<float>(numbers, numbers + 16),
                ElementsAre(1, 2, 3, 0, 0, 0, 0, 0, 4, 5, 6, 0, 0, 0, 0, 0));
    one.rows = 2;  // two taps: of each input, the first one first
    one.inputs = 1;
    one.weights = {1, 2, 3, 4};
    const auto tall = cuda::pack(one, false);
    const auto* halves = reinterpret_cast<const cuda::fp16*>(tall->weights.data());
    EXPECT_EQ(cuda::widened(halves[0]), 1.0f);
    EXPECT_EQ(cuda::widened(halves[8]), 2.0f);
    EXPECT_EQ(cuda::widened(halves[16]), 3.0f);
    EXPECT_EQ(tall->bias.size(), 8 * sizeof(cuda::fp16));
    one.bias[0] = 70'000;
    EXPECT_EQ(cuda::pack(one, false).error().code, errc::malformed);
    EXPECT_TRUE(cuda::pack(one, true));
}

std::vector<long> passes(long chips, const std::vector<long>& sizes) {
    std::vector<cuda::bucket> all;
    for (const long size : sizes) all.push_back(cuda::guessed(size));
    return cuda::buckets_for(chips, all);
}

TEST(gpu_buckets, the_cheapest_passes) {
    const std::vector<long> all{1, 8, 16, 32, 64, 128};
    EXPECT_THAT(passes(1, all), ElementsAre(1));
    EXPECT_THAT(passes(2, all), ElementsAre(8));
    EXPECT_THAT(passes(8, all), ElementsAre(8));
    EXPECT_THAT(passes(9, all), ElementsAre(16));
    EXPECT_THAT(passes(17, all), ElementsAre(32));
    EXPECT_THAT(passes(33, all), ElementsAre(64));
    EXPECT_THAT(passes(65, all), ElementsAre(64, 1));
    EXPECT_THAT(passes(64, all), ElementsAre(64));
    EXPECT_THAT(passes(90, all), ElementsAre(64, 32));
    EXPECT_THAT(passes(128, all), ElementsAre(128));
    EXPECT_THAT(passes(20, {1, 8}), ElementsAre(8, 8, 8));
    for (long chips = 1; chips <= 128; ++chips) {
        long room = 0;
        for (const long bucket : passes(chips, all)) room += bucket;
        EXPECT_GE(room, chips);
    }
}

TEST(gpu_buckets, what_was_measured_decides) {
    const std::vector<cuda::bucket> steep{{1, 1.0}, {8, 8.5}, {32, 40.0}};
    EXPECT_THAT(cuda::buckets_for(4, steep), ElementsAre(1, 1, 1, 1));
    EXPECT_THAT(cuda::buckets_for(16, steep), ::testing::SizeIs(16));
    const std::vector<cuda::bucket> flat{{1, 1.0}, {8, 1.1}, {32, 1.2}};
    EXPECT_THAT(cuda::buckets_for(2, flat), ElementsAre(8));
    EXPECT_THAT(cuda::buckets_for(33, flat), ElementsAre(32, 1));
    EXPECT_THAT(cuda::buckets_for(34, flat), ElementsAre(32, 8));
}

TEST(gpu_network, a_canvas_is_cleared_when_another_was_drawn_there) {
    stand_in machine;
    const auto gpu = session_on(machine.calls());
    const auto mine = gpu->take_turn();
    auto net = every_kind_on(gpu, precision::fp16);
    ASSERT_TRUE(net);
    EXPECT_GT(net->warm_ms().at(0), 0);
    const auto work_of = [&](const pictures& given) {
        const int before = machine.work_done();
        EXPECT_TRUE(run_on(*net, given, 1));
        return machine.work_done() - before;
    };
    work_of(three[1]);
    const int again = work_of(three[1]), third = work_of(three[1]);
    EXPECT_EQ(third, again);
    work_of(three[0]);
    EXPECT_EQ(work_of(three[1]), again + 1) << "the canvas lay where the other picture was";
    EXPECT_EQ(work_of(three[1]), again);
}

}  // namespace
}  // namespace vultus
