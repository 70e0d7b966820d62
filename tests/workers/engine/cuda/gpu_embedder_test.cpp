// Embedders of imported networks on a GPU (the stand-in): the vectors that the CPU makes, in passes
// of any size, and who is refused.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/workers/engine/cuda/gpu_support.hpp"
#include "tests/workers/engine/imported_networks_support.hpp"
#include "tests/workers/engine/networks_support.hpp"
#include "tests/workers/image/photo_support.hpp"
#include "workers/engine/embedding.hpp"
#include "workers/engine/faces/network_embedder.hpp"
#include "workers/engine/importers/importers.hpp"
#include "workers/engine/models.hpp"
#include "workers/gallery/matcher.hpp"

namespace vultus {
namespace {

using namespace testing;

const network_embedder_rules small_rules{"tiny/unit", 128, {alignment::arcface, 112}};

runner_maker runners_on(const std::shared_ptr<cuda::gpu_context>& gpu, precision numbers) {
    return [gpu, numbers](auto net, const auto& warm, const auto& largest) {
        return cuda::make_cuda_runner(gpu, std::move(net), numbers, warm, largest);
    };
}

/// Without a pattern, no two alike.
std::vector<chip> noisy_chips(std::size_t count, std::uint32_t side) {
    std::vector<chip> all;
    std::uint32_t state = 7;
    for (std::size_t i = 0; i < count; ++i) {
        chip one{std::vector<std::uint8_t>(chip::bytes_of(side)), side};
        const auto ink = static_cast<std::uint8_t>(40 + 20 * i % 200);
        for (auto& byte : one.rgb) {
            state = state * 1'664'525u + 1'013'904'223u;
            byte = static_cast<std::uint8_t>((state >> 24) / 2 + ink / 2);
        }
        all.push_back(std::move(one));
    }
    return all;
}

void expect_same(const std::vector<embedding>& found, const std::vector<embedding>& expected,
                 float allowed) {
    ASSERT_EQ(found.size(), expected.size());
    for (std::size_t i = 0; i < found.size(); ++i) {
        EXPECT_LE(distance_between(found[i], expected[i]), allowed) << i;
    }
}

TEST(gpu_network_embedder, batches_of_any_size_give_the_vectors_of_the_cpu) {
    const network net = mean_and_linear(128);
    for (const auto& [numbers, allowed] :
         {std::pair{precision::tf32, 1e-4f}, {precision::fp16, 1e-2f}}) {
        stand_in machine;
        {
            const auto on_gpu = runners_on(session_on(machine.calls()), numbers);
            const auto ours = make_network_embedder(net, small_rules, on_gpu);
            ASSERT_TRUE(ours) << ours.error().detail << machine.refusal();
            EXPECT_EQ((*ours)->name(), "tiny/unit");
            EXPECT_EQ((*ours)->dimension(), 128u);
            const auto theirs = make_network_embedder(net, small_rules).value();
            const auto copy = (*ours)->clone();
            for (const std::size_t count : {1u, 3u, 13u}) {
                const auto chips = noisy_chips(count, 112);
                expect_same((*ours)->embed(chips), theirs->embed(chips), allowed);
                expect_same(copy->embed(chips), theirs->embed(chips), allowed);
            }
            const auto chips = noisy_chips(5, 112);
            const auto all = (*ours)->embed(chips);
            EXPECT_EQ((*ours)->embed(std::span(chips).subspan(4))[0], all[4])
                << "another in company";
        }
        EXPECT_EQ(machine.alive(), stand_in::count{});
    }
}

TEST(gpu_network_embedder, omz_0095_is_as_on_the_cpu) {
    const auto files = find_models(models_folder());
    ASSERT_TRUE(files) << files.error().detail;
    if (files->omz_0095[0].empty()) GTEST_SKIP() << "its files are not there";
    const auto layers = load_openvino(files->omz_0095[0], files->omz_0095[1], omz_0095_input());
    ASSERT_TRUE(layers) << layers.error().detail;
    const auto theirs = make_network_embedder(*layers, omz_0095_rules).value();
    stand_in machine;
    {
        const auto on_gpu = runners_on(session_on(machine.calls()), precision::fp16);
        const auto ours = make_network_embedder(*layers, omz_0095_rules, on_gpu);
        ASSERT_TRUE(ours) << ours.error().detail << machine.refusal();
        EXPECT_EQ((*ours)->name(), theirs->name()) << "their faces stand in one gallery";
        EXPECT_EQ((*ours)->form(), theirs->form());
        const auto chips = noisy_chips(2, 128);
        expect_same((*ours)->embed(chips), theirs->embed(chips), 0.03f);
    }
    EXPECT_EQ(machine.alive(), stand_in::count{});
}

TEST(gpu_network_embedder, without_room_or_with_other_outputs_it_is_refused) {
    stand_in tiny({.memory_bytes = 1u << 20});
    const auto room = make_network_embedder(mean_and_linear(128), small_rules,
                                            runners_on(session_on(tiny.calls()), precision::fp16));
    ASSERT_FALSE(room) << "the worker takes the CPU then";
    EXPECT_EQ(room.error().code, errc::bad_option);
    EXPECT_EQ(tiny.alive(), stand_in::count{});
    stand_in machine;
    const auto other =
        make_network_embedder(mean_and_linear(100), small_rules,
                              runners_on(session_on(machine.calls()), precision::fp16));
    ASSERT_FALSE(other);
    EXPECT_EQ(other.error().code, errc::malformed);
    EXPECT_EQ(machine.alive(), stand_in::count{});
}

}  // namespace
}  // namespace vultus
