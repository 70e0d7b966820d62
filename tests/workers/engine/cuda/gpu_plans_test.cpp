// Which of the library's ways computes each convolution, what happens where some of them, graphs or
// memory are missing, and numbers that are none.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdio>

#include "tests/workers/engine/cuda/gpu_support.hpp"
#include "tests/workers/engine/imported_networks_support.hpp"
#include "tests/workers/engine/networks_support.hpp"
#include "tests/workers/image/photo_support.hpp"
#include "workers/engine/cuda/plans.hpp"
#include "workers/engine/cuda/program.hpp"
#include "workers/engine/models.hpp"

namespace vultus {
namespace {

using namespace testing;
using cuda::device_network;
using ::testing::HasSubstr;
using ::testing::internal::CaptureStderr;
using ::testing::internal::GetCapturedStderr;

constexpr std::size_t mib = 1u << 20;

result<device_network> made_on(const std::shared_ptr<cuda::gpu_context>& gpu) {
    return device_network::make(gpu, every_kind_on_colours(), precision::fp16,
                                room_for_pictures(4));
}

/// Convolutions that the library computes for that input.
int convolutions(const cuda::input_size& size) {
    const network net = every_kind_on_colours();
    cuda::addresses at;
    at.layers.resize(net.layers.size());
    const auto work = cuda::compose(net, false, size, at).value();
    return static_cast<int>(std::count_if(work.all.begin(), work.all.end(), [](const auto& one) {
        return std::holds_alternative<cuda::convolve>(one);
    }));
}

void expect_right(device_network& net) {
    const network list = every_kind_on_colours();
    for (int round = 0; round < 2; ++round) {
        for (const pictures& given : pictures_to_run()) {
            const auto out = run_on(net, given, 3);
            ASSERT_TRUE(out);
            const auto expected = expected_of(list, given, 3, 0);
            EXPECT_LE(difference_of(std::span(out->all).first(expected.shape.size()), expected),
                      4e-3);
        }
    }
}

std::string log_of(const std::function<void()>& what) {
    CaptureStderr();
    what();
    return GetCapturedStderr();
}

std::size_t times(const std::string& text, const std::string& word) {
    std::size_t found = 0;
    for (auto at = text.find(word); at != std::string::npos; at = text.find(word, at + 1)) ++found;
    return found;
}

TEST(gpu_plans, the_fastest_way_where_a_network_is_warm) {
    stand_in machine;
    {
        const auto gpu = session_on(machine.calls());
        const auto mine = gpu->take_turn();
        auto net = made_on(gpu);
        ASSERT_TRUE(net) << net.error().detail << machine.refusal();
        EXPECT_GT(machine.ways_timed(), 4);
        const int before = machine.by_the_fastest(), timed = machine.ways_timed();
        const pictures& warm = pictures_to_run()[0];
        ASSERT_TRUE(run_on(*net, warm, 1));
        EXPECT_EQ(machine.by_the_fastest() - before, convolutions(warm.seen));
        expect_right(*net);
        EXPECT_EQ(machine.ways_timed(), timed) << "a run measures nothing";
        EXPECT_GT(machine.alive().plans, 0u);
    }
    EXPECT_EQ(machine.alive(), stand_in::count{});
}

TEST(gpu_plans, the_log_has_the_engines) {
    stand_in machine;
    const auto gpu = session_on(machine.calls());
    const auto mine = gpu->take_turn();
    const std::string log = log_of([&] { ASSERT_TRUE(made_on(gpu)); });
    EXPECT_EQ(times(log, "convolutions_planned"), 1u) << log;
    EXPECT_THAT(log, ::testing::ContainsRegex("engines=.*[0-3] x [0-9]+"));
    EXPECT_THAT(log, ::testing::Not(HasSubstr("2=5"))) << "without the engine's settings";
    EXPECT_EQ(cuda::engines_of({nullptr}), "");
}

TEST(gpu_plans, a_way_that_needs_too_much_is_replaced_by_one_that_needs_less) {
    std::size_t least = 0;
    for (const std::size_t step : {std::size_t{0}, 30 * mib, 70 * mib}) {
        stand_in machine({.workspace_step = step});
        const auto gpu = session_on(machine.calls());
        const auto mine = gpu->take_turn();
        auto net = made_on(gpu);
        ASSERT_TRUE(net) << net.error().detail << machine.refusal();
        if (step == 0) least = gpu->used_bytes();
        EXPECT_LE(gpu->used_bytes(), least + cuda::workspace_most) << step;
        if (step > cuda::workspace_most) {
            EXPECT_LE(gpu->used_bytes(), least);
        }
        expect_right(*net);
    }
}

TEST(gpu_plans, without_room_to_try_them_those_that_need_none_are_taken) {
    std::size_t needed = 0;
    {
        stand_in roomy({.workspace_step = 70 * mib});  // no way but the last is small enough
        const auto gpu = session_on(roomy.calls());
        const auto mine = gpu->take_turn();
        ASSERT_TRUE(made_on(gpu));
        const auto net = made_on(gpu);
        needed = gpu->used_bytes();
    }
    stand_in machine;
    const auto gpu = cuda::gpu_context::open(machine.calls(), 0, needed + 1000).value();
    const auto mine = gpu->take_turn();
    auto net = made_on(gpu);
    ASSERT_TRUE(net) << net.error().detail;
    EXPECT_EQ(gpu->used_bytes(), needed) << "no workspace at all";
    expect_right(*net);
}

TEST(gpu_plans, ways_that_the_library_cannot_go_are_passed_over) {
    stand_in machine({.ways_refused = 3});
    const auto gpu = session_on(machine.calls());
    const auto mine = gpu->take_turn();
    auto net = made_on(gpu);
    ASSERT_TRUE(net) << net.error().detail;
    expect_right(*net);
}

TEST(gpu_plans, a_convolution_without_a_way_is_a_fault) {
    stand_in machine({.ways_refused = 4});
    const auto gpu = session_on(machine.calls());
    const auto mine = gpu->take_turn();
    const auto refused = made_on(gpu);
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, errc::device_fault);
    EXPECT_THAT(refused.error().detail, HasSubstr("cuDNN has no way"));
}

/// Makes and runs; the ways of sizes that come later end.
void run_without_ways() {
    stand_in machine;
    cuda::table calls = machine.calls();
    static int (*honest)(cuda::stream*, const cuda::convolution&, int, cuda::convolution_plan**,
                         cuda::plan_info*) = calls.make_plan;
    static bool ended = false;
    calls.make_plan = [](cuda::stream* line, const cuda::convolution& what, int rank,
                         cuda::convolution_plan** made, cuda::plan_info* info) {
        return ended ? cuda::ways_ended : honest(line, what, rank, made, info);
    };
    const auto gpu = session_on(calls);
    const auto mine = gpu->take_turn();
    auto net = made_on(gpu);
    ended = true;
    std::_Exit(net && run_on(*net, pictures_to_run()[1], 1) ? 0 : 1);
}

TEST(gpu_plans, a_size_without_a_way_is_a_fault_and_not_a_photo_without_faces) {
    EXPECT_EXIT(run_without_ways(), ::testing::ExitedWithCode(70), "cuDNN has no way");
}

TEST(gpu_plans, without_graphs_it_goes_launch_by_launch_and_says_so_once) {
    stand_in machine({.captures = false});
    const auto gpu = session_on(machine.calls());
    const auto mine = gpu->take_turn();
    const std::string log = log_of([&] {
        auto net = made_on(gpu);
        ASSERT_TRUE(net) << net.error().detail;
        expect_right(*net);
        EXPECT_EQ(net->graph_launches(), 0u);
    });
    EXPECT_EQ(times(log, "graph_refused"), 1u) << log;
    EXPECT_EQ(machine.alive().graphs, 0u);
}

TEST(gpu_plans, little_memory_of_the_machine_takes_a_smaller_bucket) {
    const auto net = std::make_shared<const network>(mean_and_linear(128));
    const std::size_t eight = 4 * (8 * 112 * 112 * 3 + 8 * 128 * 4);
    stand_in machine({.host_bytes = eight + 2 * mib});
    const auto gpu = session_on(machine.calls());
    const auto made = cuda::make_cuda_runner(gpu, net, precision::fp16, {}, {128, 112, 112});
    ASSERT_TRUE(made) << made.error().detail;
    const random_pictures given(9, 112, 112, 5);
    EXPECT_TRUE((*made)->run(given.views, 112, 112));
}

TEST(gpu_session, a_gpu_that_is_too_old_is_refused_in_one_line) {
    stand_in old({.compute = 70, .name = "Tesla V100"});
    const auto refused = cuda::gpu_context::open(old.calls(), 0, 0);
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, errc::bad_option);
    EXPECT_EQ(refused.error().detail,
              "cuda:0: Tesla V100 has compute capability 7.0, 7.5 is required");
    EXPECT_EQ(old.alive(), stand_in::count{});
    stand_in slow({.compute = 75, .name = "NVIDIA GeForce GTX 1660"});
    EXPECT_EQ(times(log_of([&] { EXPECT_TRUE(cuda::gpu_context::open(slow.calls(), 0, 0)); }),
                    "gpu_without_tensor_cores"),
              1u);
}

TEST(gpu_session, some_memory_stays_free_unless_a_budget_is_set) {
    stand_in machine({.memory_bytes = cuda::headroom_bytes + 3 * mib});
    EXPECT_EQ(session_on(machine.calls())->budget_bytes(), 3 * mib);
    EXPECT_EQ(cuda::gpu_context::open(machine.calls(), 0, 9 * mib).value()->budget_bytes(),
              9 * mib);
    stand_in small({.memory_bytes = 5 * mib});
    EXPECT_EQ(session_on(small.calls())->budget_bytes(), 0u);
}

/// A picture through a network whose sums are beyond half precision.
void run_beyond_half() {
    noise random;
    network net = *mirror_of({});
    net.layers.push_back(conv(3, 8, 1, 1, 0, 1, random));
    for (float& one : net.layers.back().weights) one = 60'000.0f;
    net.outputs = {{"", net.layers.size()}};
    stand_in machine;
    const auto made =
        cuda::make_cuda_runner(session_on(machine.calls()), std::make_shared<const network>(net),
                               precision::fp16, {}, {1, 8, 8});
    const std::vector<std::uint8_t> white(8 * 8 * 3, 255);
    const picture_view picture{white.data(), 8, 8};
    std::_Exit(made && (*made)->run(std::span(&picture, 1), 8, 8) ? 0 : 1);
}

TEST(gpu_plans, an_output_that_is_no_number_ends_the_process) {
    EXPECT_EXIT(run_beyond_half(), ::testing::ExitedWithCode(70), "not a finite number");
}

TEST(gpu_plans, a_picture_whose_bytes_cannot_be_counted_is_looked_at_in_a_smaller_size) {
    const std::string file = models_folder() + "/" + std::string(models_wanted[0].name);
    const auto rules = load_detector_layers(file);
    ASSERT_TRUE(rules);
    EXPECT_EQ(cuda::countable_side(*rules, precision::tf32, 2'000), 2'000);
    const long half = cuda::countable_side(*rules, precision::fp16, 10'000);
    const long single = cuda::countable_side(*rules, precision::tf32, 10'000);
    EXPECT_LT(half, 10'000);
    EXPECT_GT(half, 4'000);
    EXPECT_LT(single, half);
    std::printf("detect_side_max at most %ld in fp16, %ld in tf32\n", half, single);
    stand_in machine;
    const auto ours =
        cuda::load_detector(session_on(machine.calls()), file, {.detect_side_max = 300});
    ASSERT_TRUE(ours) << ours.error().detail;
    const auto seen = (*ours)->scale_for({1'200, 900}, {.min_face_px = 40});
    EXPECT_EQ(seen.seen.width, 300u) << "as if the user had asked for no more";
    EXPECT_TRUE(seen.limited);
}

}  // namespace
}  // namespace vultus
