// The tests of the cuda backend catch what could be wrong with it: one run of them for each seeded
// defect, in a process of its own, which must not end well.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdio>
#include <cstdlib>
#include <thread>

#include "tests/workers/engine/cuda/gpu_support.hpp"
#include "tests/workers/engine/cuda/saboteur_support.hpp"
#include "tests/workers/engine/imported_networks_support.hpp"
#include "tests/workers/engine/networks_support.hpp"

namespace vultus {
namespace {

using namespace testing;

constexpr int all_right = 0, wrong_numbers = 1, refused_at_start = 3, memory_left = 5, fault = 70;
constexpr int thread_sanitizer = 66;  ///< it saw the GPU in memory that was given back

/// Whether each size, several times in turns, gives what the plain loops give.
bool right_numbers(const std::shared_ptr<cuda::gpu_context>& gpu, cuda::device_network& net) {
    constexpr std::size_t rounds = 3, without_graph = 2;  // the first runs of all but the warm size
    const network list = every_kind_on_colours();
    const auto mine = gpu->take_turn();
    for (std::uint32_t round = 1; round <= rounds; ++round) {
        for (const pictures& given : pictures_to_run()) {
            const auto out = run_on(net, given, round);
            if (!out) return false;
            const auto expected = expected_of(list, given, round, given.seen.batch - 1);
            // The negation: a number that is none lies in no range.
            const auto last = std::span(out->all).last(expected.shape.size());
            for (const float one : last) {
                if (!(one > -1e6f && one < 1e6f)) return false;
            }
            if (!(difference_of(last, expected) <= 4e-3)) return false;
        }
    }
    return net.graph_launches() == rounds * pictures_to_run().size() - without_graph;
}

/// A network of the layers that only imported ones have, and the pictures that it is run on.
struct imported {
    network net;
    long rows, columns;
};

std::vector<imported> imported_networks() {
    network mobiles = bgr_with_means(mobile());
    mobiles.outputs = {{"heat", 23}, {"odd", 16}, {"mean", 28}};
    network depthwise = depthwise_windows();
    depthwise.outputs = {{"near", 3}, {"end", 16}};
    // What goes in comes out: nothing between hides what was done to the bytes.
    const network mirror = *mirror_of(bgr_with_means({}).input);
    return {{mirror, 6, 5},
            {mobiles, 26, 24},
            {depthwise, 9, 13},
            {odd_groups(), 11, 10},
            {activated_sums(), 9, 7},
            {means_of(13, 5), 13, 5},
            {mean_and_linear(16), 6, 5},
            {all_named(vectors_of(5, 4)), 5, 4}};
}

/// Whether each of them gives what the plain loops give, launch by launch and as a graph.
bool right_imported_numbers(const std::shared_ptr<cuda::gpu_context>& gpu) {
    for (const imported& one : imported_networks()) {
        const auto made = cuda::make_cuda_runner(gpu, std::make_shared<const network>(one.net),
                                                 precision::fp16, {}, {8, one.rows, one.columns});
        if (!made) return false;
        const random_pictures given(2, one.rows, one.columns, 5);
        const picture_view& last = given.views.back();
        const auto values =
            computed(one.net, picture_of(last.rgb, last.rows, last.columns, one.net.input));
        for (int round = 0; round < 2; ++round) {
            const auto out = (*made)->run(given.views, one.rows, one.columns);
            if (!out) return false;
            const auto outputs = outputs_of(one.net);
            for (std::size_t i = 0; i < outputs.size(); ++i) {
                const plain_tensor& expected = values[outputs[i].value];
                const auto ours = (*out)[i].values.last(expected.shape.size());
                if (!(difference_of(ours, expected) <= 6e-3)) return false;
            }
        }
    }
    return true;
}

[[noreturn]] void run_with(defect one) {
    stand_in machine;
    const cuda::table calls = with_defect(machine.calls(), one);
    int code = all_right;
    {
        const auto gpu = session_on(calls);
        auto mine = gpu->take_turn();
        auto net = cuda::device_network::make(gpu, every_kind_on_colours(), precision::fp16,
                                              room_for_pictures(4));
        if (!net) {
            std::fprintf(stderr, "refused: %s\n", machine.refusal().c_str());
            std::_Exit(refused_at_start);
        }
        mine.unlock();
        bool right = false;
        std::thread other([&] {
            const bool of_imported = one > defect::sum_in_place;
            right = (of_imported || right_numbers(gpu, *net)) && right_imported_numbers(gpu);
        });
        other.join();
        if (!right) code = wrong_numbers;
        mine.lock();
        { const auto gone = std::move(*net); }
    }
    if (code == all_right && machine.alive() != stand_in::count{}) code = memory_left;
    std::_Exit(code);
}

class seeded : public ::testing::TestWithParam<defect> {};

TEST_P(seeded, is_caught) {
    const auto as_expected = [](int status) {
        if (!WIFEXITED(status)) return false;
        const int code = WEXITSTATUS(status);
        if (GetParam() == defect::none) return code == all_right;
        if (GetParam() == defect::leaked_memory) return code == memory_left;
        return code == wrong_numbers || code == refused_at_start || code == fault ||
               code == thread_sanitizer;
    };
    EXPECT_EXIT(run_with(GetParam()), as_expected, "");
}

std::vector<defect> all_defects() {
    std::vector<defect> all;
    for (std::size_t i = 0; i < defects; ++i) all.push_back(static_cast<defect>(i));
    return all;
}

INSTANTIATE_TEST_SUITE_P(gpu_defects, seeded, ::testing::ValuesIn(all_defects()),
                         [](const auto& one) { return std::string(name_of(one.param)); });

}  // namespace
}  // namespace vultus
