// The layers that only imported networks have, by oneDNN, against plain loops in double; and the
// runner, which takes bytes.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "tests/workers/engine/imported_networks_support.hpp"
#include "tests/workers/engine/networks_support.hpp"
#include "tests/workers/engine/plain_layers_support.hpp"
#include "workers/engine/kernels.hpp"
#include "workers/engine/onednn/onednn.hpp"
#include "workers/engine/onednn/rewrite.hpp"
#include "workers/engine/runner.hpp"

namespace vultus {
namespace {

using namespace testing;
using ::testing::Each;
using ::testing::HasSubstr;
using ::testing::Not;

/// All numbers of value 0 and of the outputs by oneDNN, and by plain loops.
void expect_equal(const network& net, tensor_shape shape, precision numbers, double allowed,
                  const banding& bands) {
    const auto fine = check(net);
    ASSERT_TRUE(fine) << fine.error().detail;
    auto ours = onednn_network::make(std::make_shared<network>(net), numbers, {}, bands);
    ASSERT_TRUE(ours) << ours.error().detail;
    for (const long batch : {1L, 3L}) {
        const auto planes = ours->input(batch, shape);
        ASSERT_TRUE(planes) << planes.error().detail;
        noise random;
        for (float& number : *planes) number = random();
        const std::vector<float> pictures(planes->begin(), planes->end());
        ours->run();
        EXPECT_THAT(ours->implementations(), Each(Not(HasSubstr("ref"))));
        const auto wanted = outputs_of(net);
        ASSERT_EQ(ours->outputs().size(), wanted.size());
        for (long picture = 0; picture < batch; ++picture) {
            const auto first = pictures.begin() + picture * static_cast<long>(shape.size());
            const auto values =
                computed(net, {shape, {first, first + static_cast<long>(shape.size())}});
            for (std::size_t i = 0; i < wanted.size(); ++i) {
                const output_tensor& one = ours->outputs()[i];
                const plain_tensor& expected = values[wanted[i].value];
                EXPECT_EQ(one.name, wanted[i].name);
                ASSERT_EQ(one.shape, expected.shape) << one.name;
                const std::size_t size = one.shape.size();
                ASSERT_EQ(one.values.size(), size * static_cast<std::size_t>(batch));
                const auto mine =
                    one.values.subspan(size * static_cast<std::size_t>(picture), size);
                EXPECT_LE(difference_of(mine, expected), allowed) << one.name << " of " << picture;
            }
        }
    }
}

/// Every value between two convolutions is too large.
banding bands_of_rows(long rows) {
    return {0, 0, rows};
}

void expect_equal_both(const network& net, tensor_shape shape) {
    for (const banding& bands : {banding{}, bands_of_rows(1), bands_of_rows(5)}) {
        expect_equal(net, shape, precision::fp32, 5e-6, bands);
        if (onednn_cpu().value() != "avx512_bf16") continue;
        expect_equal(net, shape, precision::bf16, 4e-2, bands);
    }
}

TEST(onednn_imported, mobile_networks_are_as_plain_loops_have_them) {
    network net = mobile();
    net.outputs = {{"heat", 23}, {"odd", 16}, {"mean", 28}, {"read again", 12}};
    expect_equal_both(net, {3, 24, 24});
    net.outputs.pop_back();
    expect_equal_both(net, {3, 26, 24});  // not square; the mean is of a part
}

TEST(onednn_imported, sums_at_the_end_of_a_chain) {
    expect_equal_both(residual_blocks(), {3, 24, 24});
    expect_equal_both(residual_blocks(), {3, 27, 22});
}

TEST(onednn_imported, each_layer_alone_is_as_plain_loops_have_it) {
    expect_equal_both(all_named(mobile()), {3, 24, 24});
}

TEST(onednn_imported, transposed_windows_of_any_kind) {
    expect_equal_both(all_named(transposed_windows()), {3, 7, 5});
}

TEST(onednn_imported, groups_of_any_width) {
    expect_equal_both(all_named(groups_of_any_width()), {3, 9, 11});
}

TEST(onednn_imported, what_reads_the_picture_itself) {
    expect_equal_both(all_named(on_the_picture()), {3, 9, 8});
}

TEST(onednn_imported, vectors_go_through_linear_layers) {
    network net = vectors_of(5, 4);
    expect_equal_both(net, {3, 5, 4});
    net.outputs = {{"last", 4}, {"between", 2}};
    expect_equal_both(net, {3, 5, 4});
}

TEST(onednn_imported, groups_that_would_be_too_large_without_are_refused) {
    network net;
    layer one = plain(layer_kind::conv, 0);
    one.inputs = 3;
    one.outputs = 30'000;
    one.weights.assign(90'000, 0.5f);
    one.bias.assign(30'000, 0.0f);
    layer wide = plain(layer_kind::conv, 1);
    wide.inputs = wide.outputs = 30'000;
    wide.groups = 10'000;
    wide.weights.assign(90'000, 0.5f);
    wide.bias.assign(30'000, 0.0f);
    net.layers = {one, wide};
    ASSERT_TRUE(check(net));
    const auto made = onednn_network::make(std::make_shared<network>(net), precision::fp32, {});
    ASSERT_FALSE(made);
    EXPECT_EQ(made.error().code, errc::bad_option);
    EXPECT_THAT(made.error().detail, HasSubstr("groups of 3 channels"));
}

TEST(rewrite, shares_a_list_in_which_nothing_has_to_change) {
    noise random;
    auto net = std::make_shared<network>();
    net->layers = {conv(3, 16, 3, 1, 1, 0, random),
                   window(layer_kind::conv, 16, 16, 3, 1, 1, 1, random, 16)};
    const std::shared_ptr<const network> list = net;
    EXPECT_EQ(*rewritten(list, 16), list);
    net->layers[1].groups = 4;
    net->layers[1].weights.resize(16 * 4 * 9, 0.5f);
    EXPECT_NE(*rewritten(list, 16), list);
    EXPECT_EQ((*rewritten(list, 16))->layers[1].groups, 1);
}

// ---- the runner ----

TEST(runner, bytes_become_what_the_input_says) {
    input_format input;
    input.mean = {10, 20, 30};
    input.scale = {1, 0.5f, 2};
    for (const bool bgr : {false, true}) {
        input.bgr = bgr;
        const auto made = make_onednn_runner(mirror_of(input), precision::fp32, {{2, 2, 3}});
        ASSERT_TRUE(made) << made.error().detail;
        const std::vector<std::uint8_t> first{1, 2, 3, 4, 5, 6}, second{7, 8, 9, 10, 11, 12};
        const picture_view pictures[]{{first.data(), 1, 2}, {second.data(), 2, 1}};
        const auto clone = (*made)->clone();
        for (runner* one : {made->get(), clone.get()}) {
            const auto out = one->run(pictures, 2, 3);
            ASSERT_TRUE(out) << out.error().detail;
            ASSERT_EQ(out->size(), 1u);
            EXPECT_EQ((*out)[0].name, "same");
            EXPECT_EQ((*out)[0].shape, (tensor_shape{3, 2, 3}));
            const auto values = (*out)[0].values;
            ASSERT_EQ(values.size(), 36u);
            const float red = bgr ? 3 : 1, blue = bgr ? 1 : 3;
            EXPECT_FLOAT_EQ(values[0], red - 10);
            EXPECT_FLOAT_EQ(values[1], red + 3 - 10);
            EXPECT_FLOAT_EQ(values[2], -10) << "black beyond the picture";
            EXPECT_FLOAT_EQ(values[6], (2 - 20) * 0.5f);
            EXPECT_FLOAT_EQ(values[12], (blue - 30) * 2);
            EXPECT_FLOAT_EQ(values[17], -60) << "black below the picture";
            EXPECT_FLOAT_EQ(values[18], red + 6 - 10) << "the second picture";
            EXPECT_FLOAT_EQ(values[18 + 3], red + 9 - 10) << "its second row";
        }
    }
}

TEST(runner, a_size_that_does_not_fit_is_an_error_and_the_next_one_runs) {
    noise random;
    auto net = std::make_shared<network>(*mirror_of({}));
    net->layers.push_back(conv(3, 8, 5, 1, 0, 1, random));
    net->outputs = {{"", 2}};
    const auto made = make_onednn_runner(net, precision::fp32, {});
    ASSERT_TRUE(made);
    const std::vector<std::uint8_t> black(7 * 7 * 3, 0);
    const picture_view small{black.data(), 4, 4}, large{black.data(), 7, 7};
    EXPECT_EQ((*made)->run(std::span(&small, 1), 4, 4).error().code, errc::bad_option);
    EXPECT_EQ((*made)->run(std::span(&large, 1), 7, 7).value()[0].shape, (tensor_shape{8, 3, 3}));
    EXPECT_FALSE(make_onednn_runner(net, precision::fp32, {{1, 4, 4}}));
}

}  // namespace
}  // namespace vultus
