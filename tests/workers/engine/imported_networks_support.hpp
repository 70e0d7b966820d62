// Small networks of the layers that only imported networks have, for the tests of the backends.
#pragma once

#include <memory>
#include <span>
#include <vector>

#include "tests/workers/engine/networks_support.hpp"
#include "workers/engine/layers.hpp"
#include "workers/engine/runner.hpp"

namespace vultus::testing {

/// Numbers from `least` to one more.
std::vector<float> some(std::size_t count, noise& random, float least = -1.0f);
/// A conv or conv_transpose.
layer window(layer_kind kind, long inputs, long outputs, long side, long stride, long padding,
             std::size_t from, noise& random, long groups = 1);
layer with(layer one, std::vector<float> weights, std::vector<float> bias = {});
layer by(layer one, long stride);
/// Every value is an output, so that none is part of another's step.
network all_named(network net);

/// Its input is blue, green and red, each with a mean and a scale of its own.
network bgr_with_means(network net);

/// A little of everything, as mobile networks have it; for pictures of 24 x 24 and more. Its values
/// 23, 16 and 28 are read by nobody.
network mobile();
/// Two of a mobile network's blocks, whose sums have the block's input as an operand: the first by
/// windows of 3 and 5 pixels and a stride, the second is read by a third convolution as well.
network residual_blocks();
network transposed_windows();
network groups_of_any_width();
/// One channel a group, windows of 3 and 5, strides of 1 and 2, a sum and a prelu behind.
network depthwise_windows();
/// Groups whose channels are no multiple of 8, among them ones with several outputs for one input;
/// a sum of theirs that stays in place; strides and padding that differ between the directions.
network odd_groups();
/// Layers that read the picture itself.
network on_the_picture();
/// linear, prelu, linear, for pictures of that size.
network vectors_of(long rows, long columns);
/// The mean of each channel as an output, before a linear layer, and by a window of all.
network means_of(long rows, long columns);
/// A mean and a linear layer with so many outputs.
network mean_and_linear(long outputs);
/// Each layer that may end in a sum and an activation, with each activation; 13 channels, and sums
/// with more channels than they have.
network activated_sums();
/// What goes in comes out, under the name "same": three channels to themselves.
std::shared_ptr<const network> mirror_of(const input_format& input);

/// Pictures of pseudorandom bytes.
struct random_pictures {
    random_pictures(std::size_t count, long rows, long columns, std::uint32_t seed);
    long rows, columns;
    std::vector<std::vector<std::uint8_t>> bytes;
    std::vector<picture_view> views;
};

/// One to one, no number further off than `allowed` of the largest of its output.
void expect_near(std::span<const output_tensor> ours, std::span<const output_tensor> expected,
                 double allowed);
/// The same for one picture of a run, of which plain loops have all values.
void expect_plain(std::span<const output_tensor> ours, const std::vector<network_output>& outputs,
                  const std::vector<plain_tensor>& values, std::size_t picture, double allowed);
/// The same for each picture of a run: for what oneDNN refuses, as 5x5 windows of twelve channels.
void expect_as_plain(std::span<const output_tensor> ours, const network& net,
                     const random_pictures& given, double allowed);

}  // namespace vultus::testing
