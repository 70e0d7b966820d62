// oneDNN against dlib's own numbers and against the plain loops: embedder, plan and kernels.
#include "workers/engine/onednn/onednn.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <cstdlib>
#include <thread>

#include "tests/workers/engine/imported_networks_support.hpp"
#include "tests/workers/engine/networks_support.hpp"
#include "tests/workers/engine/plain_layers_support.hpp"
#include "tests/workers/image/photo_support.hpp"
#include "workers/engine/dlib_layers.hpp"
#include "workers/engine/engine.hpp"
#include "workers/engine/kernels.hpp"
#include "workers/engine/models.hpp"
#include "workers/engine/plan.hpp"
#include "workers/gallery/matcher.hpp"
#include "workers/vision/image_draw.hpp"

namespace vultus {
namespace {

using namespace testing;
using ::testing::Each;
using ::testing::HasSubstr;
using ::testing::Not;

const std::string embedder_file = models_folder() + "/" + std::string(models_wanted[2].name);

TEST(onednn, embeddings_are_dlibs) {
    use_one_blas_thread();
    const auto ours = load_onednn_embedder(embedder_file, precision::fp32);
    ASSERT_TRUE(ours) << ours.error().detail;
    EXPECT_EQ((*ours)->name(), "dlib_resnet_v1/plain");
    const auto theirs = load_reference_embedder(embedder_file);
    // 15 chips: batches of eight, four, two and one.
    const auto chips = sample_chips(15);
    const auto found = (*ours)->embed(chips), expected = (*theirs)->embed(chips);
    ASSERT_EQ(found.size(), expected.size());
    for (std::size_t i = 0; i < found.size(); ++i) {
        EXPECT_LE(relative_difference(found[i], expected[i]), 2e-6) << i;
    }
}

/// The embedding in double: neither library's rounding.
embedding exact(const network& net, const chip& face) {
    const auto numbers =
        computed(net, picture_of(face.rgb.data(), 150, 150, net.input)).back().numbers;
    embedding vector(numbers.size());
    std::transform(numbers.begin(), numbers.end(), vector.begin(),
                   [](double value) { return static_cast<float>(value); });
    return vector;
}

// Looser than for photos: where all pixels are equal so are their roundings, and they add up
// through 29 layers instead of evening out. Against double, ours are off by up to 9.4e-6 and dlib's
// by 3.3e-6; the distance at which two people differ is fifty thousand times that.
TEST(onednn, a_chip_of_one_colour_works) {
    const auto ours = load_onednn_embedder(embedder_file, precision::fp32).value()->clone();
    const auto theirs = load_reference_embedder(embedder_file);
    const auto net = load_embedding_layers(embedder_file);
    for (const chip& face :
         {one_colour(0, 0, 0), one_colour(255, 255, 255), one_colour(200, 30, 90)}) {
        const auto found = ours->embed(std::span(&face, 1))[0];
        EXPECT_LE(relative_difference(found, (*theirs)->embed(std::span(&face, 1))[0]), 2e-5);
        EXPECT_LE(relative_difference(found, exact(*net, face)), 2e-5);
    }
}

TEST(onednn, bf16_is_near_enough_to_share_galleries) {
    const auto isa = onednn_cpu();
    ASSERT_TRUE(isa);
    const auto ours = load_onednn_embedder(embedder_file, precision::bf16);
    if (*isa != "avx512_bf16") {
        ASSERT_FALSE(ours);
        EXPECT_EQ(ours.error().code, errc::bad_option);
        EXPECT_THAT(ours.error().detail, HasSubstr("bfloat16"));
        return;
    }
    EXPECT_EQ((*ours)->name(), "dlib_resnet_v1/plain");
    const auto theirs = load_reference_embedder(embedder_file);
    const auto chips = sample_chips(3);
    const auto found = (*ours)->embed(chips), expected = (*theirs)->embed(chips);
    for (std::size_t i = 0; i < found.size(); ++i) {
        EXPECT_LE(relative_difference(found[i], expected[i]), 2e-2) << i;
        EXPECT_GE(relative_difference(found[i], expected[i]), 1e-5) << "not bf16 at all";
        for (std::size_t k = 0; k < i; ++k) {
            EXPECT_NEAR(distance_between(found[i], found[k]),
                        distance_between(expected[i], expected[k]), 0.01)
                << i << " and " << k;
        }
    }
}

TEST(onednn, replicas_share_weights_and_nothing_else) {
    const auto first = load_onednn_embedder(embedder_file, precision::fp32).value();
    const auto second = first->clone();
    const auto chips = sample_chips(8);
    const auto expected = first->embed(chips);
    std::vector<embedding> here, there;
    std::thread other([&] {
        for (int i = 0; i < 3; ++i) there = second->embed(chips);
    });
    for (int i = 0; i < 3; ++i) here = first->embed(chips);
    other.join();
    EXPECT_EQ(here, expected);
    EXPECT_EQ(there, expected);
}

TEST(onednn, every_kind_of_layer_as_plain_loops_have_it) {
    const network net = every_kind();
    ASSERT_TRUE(check(net));
    for (const precision numbers : {precision::fp32, precision::bf16}) {
        if (numbers == precision::bf16 && onednn_cpu().value() != "avx512_bf16") continue;
        auto ours = onednn_network::make(std::make_shared<network>(net), numbers, {});
        ASSERT_TRUE(ours) << ours.error().detail;
        for (const tensor_shape shape : {tensor_shape{3, 61, 50}, {3, 38, 91}, {3, 61, 50}}) {
            noise random;
            plain_tensor picture{shape, {}};
            const auto planes = ours->input(2, shape);
            ASSERT_TRUE(planes);
            for (std::size_t i = 0; i < planes->size(); ++i)
                (*planes)[i] = i < shape.size() ? 0.5f : random();
            for (std::size_t i = shape.size(); i < planes->size(); ++i) {
                picture.numbers.push_back(static_cast<double>((*planes)[i]));
            }
            const plain_tensor expected = computed(net, picture).back();
            ASSERT_EQ(ours->output(), expected.shape);
            const auto out = ours->run();
            ASSERT_EQ(out.size(), 2 * expected.shape.size());
            const double allowed = numbers == precision::fp32 ? 2e-6 : 3e-2;
            EXPECT_LE(difference_of(out.last(expected.shape.size()), expected), allowed);
            EXPECT_THAT(ours->implementations(), Each(Not(HasSubstr("ref"))));
        }
    }
}

// A window far larger than the picture is what none of oneDNN's fast convolutions takes.
TEST(onednn, its_slow_reference_code_is_an_error_at_start) {
    noise random;
    network net;
    net.layers = {conv(3, 24, 3, 1, 1, 0, random), conv(24, 24, 31, 1, 30, 1, random),
                  plain(layer_kind::average_all, 2), plain(layer_kind::linear, 3)};
    net.layers[3].inputs = net.layers[3].outputs = 24;
    net.layers[3].weights.assign(24 * 24, 0.5f);
    ASSERT_TRUE(check(net));
    const auto made =
        onednn_network::make(std::make_shared<network>(net), precision::fp32, {{1, {3, 1, 1}}});
    ASSERT_FALSE(made);
    EXPECT_EQ(made.error().code, errc::bad_option);
    EXPECT_THAT(made.error().detail, HasSubstr("slow reference code"));
    EXPECT_THAT(made.error().detail, HasSubstr("layer 1"));
}

TEST(onednn, mixed_sizes_do_not_grow_the_cache) {
    auto ours = onednn_network::make(std::make_shared<network>(every_kind()), precision::fp32, {});
    ASSERT_TRUE(ours);
    for (long side = 40; side < 40 + 3 * static_cast<long>(onednn_network::programs_max); ++side) {
        ASSERT_TRUE(ours->input(1, {3, side, side}));
        EXPECT_LE(ours->programs(), onednn_network::programs_max);
    }
    EXPECT_EQ(ours->programs(), onednn_network::programs_max);
    EXPECT_EQ(ours->input(1, {3, 4, 4}).error().code, errc::bad_option);
}

TEST(onednn, the_settings_choose_the_backend) {
    const auto files = find_models(models_folder()).value();
    const chip face = sample_chips(1)[0];
    const auto reference = load_networks(files, "reference", "auto");
    const auto ours = load_networks(files, "onednn", "auto");
    ASSERT_TRUE(reference && ours);
    EXPECT_EQ(reference->network->name(), ours->network->name());
    EXPECT_EQ(reference->finder->name(), ours->finder->name());
    const auto dlibs = load_reference_embedder(files.embedder).value()->embed(std::span(&face, 1));
    EXPECT_EQ(reference->network->embed(std::span(&face, 1)), dlibs);
    EXPECT_NE(ours->network->embed(std::span(&face, 1)), dlibs) << "the last bits differ";
    EXPECT_EQ(load_networks(files, "onednn", "fp32")->network->name(), "dlib_resnet_v1/plain");
}

/// The library reads the variable once, so this is a process of its own.
void load_with_isa(const char* isa) {
    setenv("ONEDNN_MAX_CPU_ISA", isa, 1);
    const auto loaded = load_onednn_embedder(embedder_file, precision::fp32);
    if (!loaded) {
        std::fprintf(stderr, "refused: %s\n", loaded.error().detail.c_str());
        std::_Exit(3);
    }
    const auto face = sample_chips(1);
    const auto difference = relative_difference(
        (*loaded)->embed(face)[0], load_reference_embedder(embedder_file).value()->embed(face)[0]);
    std::fprintf(stderr, "%s %s\n", onednn_cpu()->c_str(),
                 difference <= 2e-6 ? "equal" : "differs");
    std::_Exit(0);
}

TEST(onednn_isa, avx2_is_right_and_less_is_refused) {
    GTEST_FLAG_SET(death_test_style, "threadsafe");
    EXPECT_EXIT(load_with_isa("AVX2"), ::testing::ExitedWithCode(0), "avx2 equal");
    EXPECT_EXIT(load_with_isa("SSE41"), ::testing::ExitedWithCode(3), "refused: .*AVX2");
}

TEST(plan, sums_go_where_their_operand_lies_if_nobody_needs_it) {
    const network net = every_kind();
    const auto sums = [&](tensor_shape picture) {
        std::vector<std::size_t> accumulating;
        const auto steps = make_plan(net, picture, 16).value().steps;
        for (const step& one : steps) {
            if (one.accumulate) accumulating.push_back(one.layer);
        }
        return accumulating;
    };
    // The first residual sum; not the one read again; the last one if its operands have one size.
    EXPECT_EQ(sums({3, 57, 57}), (std::vector<std::size_t>{5, 16}));
    EXPECT_EQ(sums({3, 61, 50}), (std::vector<std::size_t>{5}));
    const auto made = make_plan(net, {3, 57, 57}, 16);
    ASSERT_TRUE(made);
    for (const step& one : made->steps) {
        EXPECT_NE(one.from, one.to);
        EXPECT_NE(one.to, 0u) << "the picture's buffer is its own";
    }
    EXPECT_LT(made->buffer_sizes.size(), 7u) << "buffers are used again";
    EXPECT_EQ(make_plan(net, {3, 4, 50}, 16).error().code, errc::bad_option);
}

TEST(plan, convolutions_between_which_values_are_large_are_a_chain) {
    const network net = residual_blocks();
    EXPECT_TRUE(make_plan(net, {3, 24, 24}, 8)->chains.empty());
    const auto chains = [&](std::size_t floats) {
        std::vector<std::pair<std::size_t, std::size_t>> found;
        const auto made = make_plan(net, {3, 24, 24}, 8, floats).value();
        for (const chain& one : made.chains) found.emplace_back(one.first, one.count);
        return found;
    };
    using list = std::vector<std::pair<std::size_t, std::size_t>>;
    // Steps: 0 the first convolution, 1 to 3 and 4 to 6 the blocks. The others are read twice, or
    // are outputs, which are float32 whatever the precision.
    EXPECT_EQ(chains(1), (list{{1, 3}, {4, 3}}));
    EXPECT_EQ(chains(12 * 12 * 40), (list{{1, 3}}));
    EXPECT_EQ(chains(12 * 12 * 40 + 1), list{});
    const auto made = make_plan(net, {3, 24, 24}, 8, 1).value();
    for (const std::size_t last : {3u, 6u}) {
        const step& sum = made.steps[last];
        EXPECT_TRUE(sum.accumulate);
        EXPECT_EQ(sum.addend, made.steps[last - 2].from);
        EXPECT_NE(sum.to, sum.addend) << "a band is written while the next one's rows are read";
    }
    EXPECT_EQ(made.steps[1].to, no_buffer);
    EXPECT_EQ(made.steps[2].from, no_buffer);
}

TEST(kernels, to_bfloat16_is_to_the_nearest_even) {
    const float values[] = {1.0f, -2.5f, 1.00390625f, 1.01171875f, 1.005f, 0.0f};
    std::uint16_t narrowed[6];
    kernels::narrow(values, 6, narrowed);
    EXPECT_THAT(narrowed, ::testing::ElementsAre(0x3F80, 0xC020, 0x3F80, 0x3F82, 0x3F81, 0));
}

}  // namespace
}  // namespace vultus
