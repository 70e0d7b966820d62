// Factors and offsets folded into the layers around them compute what they computed alone.
#include "workers/engine/importers/fold.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "tests/workers/engine/networks_support.hpp"
#include "tests/workers/engine/plain_layers_support.hpp"

namespace vultus {
namespace {

using namespace testing;
using importers::folded;

layer scale(std::size_t from, std::size_t channels, noise& random, bool offset = true) {
    layer one = plain(layer_kind::affine, from);
    for (std::size_t i = 0; i < channels; ++i) {
        one.weights.push_back(1.5f + random() / 2);
        one.bias.push_back(offset ? random() : 0.0f);
    }
    return one;
}

layer deep(layer one, long groups) {
    one.groups = groups;
    one.weights.resize(one.weights.size() / static_cast<std::size_t>(groups));
    return one;
}

long scales_in(const network& net) {
    return std::count_if(net.layers.begin(), net.layers.end(),
                         [](const layer& one) { return one.kind == layer_kind::affine; });
}

/// What the network makes of the same bytes.
std::vector<plain_tensor> results(const network& net) {
    std::vector<std::uint8_t> rgb(7 * 6 * 3);
    noise random;
    for (auto& byte : rgb) byte = static_cast<std::uint8_t>((random() + 1) * 127);
    const auto values = computed(net, picture_of(rgb.data(), 7, 6, net.input));
    std::vector<plain_tensor> found;
    for (const network_output& one : outputs_of(net)) found.push_back(values[one.value]);
    return found;
}

/// Folds it, compares the results, and returns how many scales are left.
long left_in(const network& net) {
    EXPECT_TRUE(check(net)) << check(net).error().detail;
    const network made = folded(net);
    EXPECT_TRUE(check(made)) << check(made).error().detail;
    const auto before = results(net), after = results(made);
    EXPECT_EQ(before.size(), after.size());
    for (std::size_t i = 0; i < before.size(); ++i) {
        EXPECT_EQ(before[i].shape, after[i].shape);
        const std::vector<float> narrow(after[i].numbers.begin(), after[i].numbers.end());
        EXPECT_LE(difference_of(narrow, before[i]), 2e-6) << i;
    }
    return scales_in(made);
}

TEST(fold, into_the_layer_before) {
    noise random;
    network net;
    net.layers = {conv(3, 8, 3, 1, 1, 0, random),
                  scale(1, 8, random),
                  scale(2, 8, random),
                  deep(conv(8, 8, 3, 1, 1, 3, random), 8),
                  scale(4, 8, random),
                  conv(8, 5, 2, 2, 0, 5, random),
                  scale(6, 5, random)};
    net.layers[5].kind = layer_kind::conv_transpose;
    EXPECT_EQ(left_in(net), 0);
}

TEST(fold, into_the_input) {
    noise random;
    network net;
    net.layers = {scale(0, 3, random), scale(1, 3, random), conv(3, 4, 3, 1, 1, 2, random)};
    net.input.mean = {100, 20, 50};
    net.input.bgr = true;
    EXPECT_EQ(left_in(net), 0);
    net.layers[0].weights[1] = 0;  // no mean and scale make a constant of every byte
    EXPECT_EQ(left_in(net), 1);
    net.layers[0].weights[1] = 1;
    net.layers.push_back(plain(layer_kind::relu, 0));  // the picture is read as it is, too
    net.outputs = {{"a", 3}, {"b", 4}};
    EXPECT_EQ(left_in(net), 1) << "two in a row are one";
}

TEST(fold, into_the_layer_behind_unless_its_padding_would_change) {
    noise random;
    network net;
    net.layers = {conv(3, 8, 1, 1, 0, 0, random), plain(layer_kind::relu, 1), scale(2, 8, random),
                  conv(8, 6, 3, 1, 0, 3, random)};
    EXPECT_EQ(left_in(net), 0);
    net.layers[3] = deep(conv(8, 6, 3, 1, 0, 3, random), 2);
    EXPECT_EQ(left_in(net), 0);
    net.layers[3] = conv(8, 6, 3, 1, 1, 3, random);
    EXPECT_EQ(left_in(net), 1);
    net.layers[2] = scale(2, 8, random, false);
    EXPECT_EQ(left_in(net), 0);
    net.layers[2] = scale(2, 8, random);
    net.layers[3] = plain(layer_kind::linear, 3);
    net.layers[3].inputs = 8 * 7 * 6;
    net.layers[3].outputs = 3;
    for (int i = 0; i < 8 * 7 * 6 * 3; ++i) net.layers[3].weights.push_back(random());
    EXPECT_EQ(left_in(net), 0);
    net.layers.push_back(scale(4, 3, random));
    EXPECT_EQ(left_in(net), 0);
}

TEST(fold, not_where_the_value_is_read_again) {
    noise random;
    network net;
    net.layers = {conv(3, 8, 1, 1, 0, 0, random), scale(1, 8, random), plain(layer_kind::add, 1, 2),
                  plain(layer_kind::relu, 3)};
    EXPECT_EQ(left_in(net), 1);
    net.layers = {conv(3, 8, 1, 1, 0, 0, random), scale(1, 8, random), plain(layer_kind::relu, 2)};
    net.outputs = {{"raw", 1}, {"end", 3}};
    EXPECT_EQ(left_in(net), 1);
    net.outputs = {{"scaled", 2}, {"end", 3}};
    EXPECT_EQ(left_in(net), 0);
}

TEST(fold, leaves_out_what_no_output_needs) {
    noise random;
    network net;
    net.layers = {conv(3, 8, 1, 1, 0, 0, random), conv(3, 8, 1, 1, 0, 0, random),
                  plain(layer_kind::relu, 2), plain(layer_kind::relu, 1)};
    net.outputs = {{"end", 3}};
    EXPECT_EQ(folded(net).layers.size(), 2u);
    EXPECT_EQ(left_in(net), 0);
}

}  // namespace
}  // namespace vultus
