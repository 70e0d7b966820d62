// The backend on a real card against dlib and the plain loops. main.cpp leaves these out, and says
// so, where there is none.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "card_support.hpp"
#include "dlib_direct_support.hpp"
#include "networks_support.hpp"
#include "photo_support.hpp"
#include "workers/engine/cuda/loader.hpp"
#include "workers/matcher.hpp"
#include "workers/models.hpp"

namespace vultus {
namespace {

using namespace testing;

const std::string detector_file = models_folder() + "/" + std::string(models_wanted[0].name);
const std::string embedder_file = models_folder() + "/" + std::string(models_wanted[2].name);

const cuda::table& card_calls() {
    return *cuda::load_table(VULTUS_CUDA_LIBRARY).value();
}

std::size_t free_bytes(const cuda::session& card) {
    std::size_t left = 0, total = 0;
    card.must(card.calls().memory(card.card(), &left, &total), "memory");
    return left;
}

TEST(gpu_card, every_kind_of_layer_as_plain_loops_have_it) {
    const auto card = session_on(card_calls());
    const auto mine = card->take_turn();
    for (const auto& [numbers, allowed] :
         {std::pair{precision::fp16, 4e-3}, {precision::tf32, 4e-3}}) {
        auto net = cuda::device_network::make(card, every_kind_on_colours(), numbers,
                                              sizes_to_run(), {sizes_to_run()[0]}, 4);
        ASSERT_TRUE(net) << net.error().detail;
        for (std::uint32_t round = 1; round <= 3; ++round) {
            for (const cuda::input_size& size : sizes_to_run()) {
                fill(*net, size, round);
                const auto out = net->run(size);
                const auto expected =
                    expected_of(every_kind_on_colours(), size, round, size.batch - 1);
                EXPECT_LE(difference_of(out->last(expected.shape.size()), expected), allowed);
            }
        }
    }
}

TEST(gpu_card, distances_lie_within_a_hundredth) {
    use_one_blas_thread();
    const auto ours = cuda::load_embedder(session_on(card_calls()), embedder_file, {});
    ASSERT_TRUE(ours) << ours.error().detail;
    const auto theirs = load_onednn_embedder(embedder_file, precision::fp32).value();
    const auto chips = sample_chips(41);
    const auto found = (*ours)->embed(chips), expected = theirs->embed(chips);
    for (std::size_t i = 0; i < chips.size(); ++i) {
        EXPECT_LE(distance_between(found[i], expected[i]), 0.01) << i;
    }
}

TEST(gpu_card, boxes_are_dlibs) {
    const auto ours = cuda::load_detector(session_on(card_calls()), detector_file, {});
    ASSERT_TRUE(ours) << ours.error().detail;
    for (const std::string name : {"biden.jpg", "obama.jpg", "obama2.jpg", "obama3.jpg"}) {
        const image picture = as_wide_as(photo(name), 320);
        const auto found = (*ours)->detect(picture, {80, 10'000}).faces;
        const auto expected = dlib_cnn(picture, detector_file);
        ASSERT_EQ(found.size(), expected.size()) << name;
        for (std::size_t i = 0; i < found.size(); ++i) {
            EXPECT_GE(overlap(found[i].where, expected[i].where), 0.95) << name;
        }
    }
}

TEST(gpu_card, memory_is_flat_over_ten_thousand_mixed_batches) {
    const auto card = session_on(card_calls());
    const auto ours = cuda::load_embedder(card, embedder_file, {});
    const auto finder = cuda::load_detector(card, detector_file, {.detect_side_max = 640});
    ASSERT_TRUE(ours && finder);
    const auto chips = sample_chips(128);
    const image picture = as_wide_as(photo("obama2.jpg"), 320);
    std::size_t before = 0;
    for (std::uint32_t i = 0; i < 10'000; ++i) {
        (*ours)->embed(std::span(chips).first(1 + i * 37 % 128));
        if (i % 100 == 0) (*finder)->detect(as_wide_as(picture, 200 + i / 100), {80, 640});
        if (i == 2'000) before = free_bytes(*card);
    }
    EXPECT_NEAR(static_cast<double>(free_bytes(*card)), static_cast<double>(before), 32e6);
}

}  // namespace
}  // namespace vultus
