// The layers that only imported networks have: their shapes, and what makes such a list unusable.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "tests/workers/engine/plain_layers_support.hpp"
#include "workers/engine/layers.hpp"

namespace vultus {
namespace {

using ::testing::HasSubstr;
using testing::small_conv;

layer over(layer_kind kind, std::size_t from, std::size_t plus = 0) {
    layer one;
    one.kind = kind;
    one.from = from;
    one.plus = plus;
    return one;
}

/// Each layer that only imported networks have, on three channels.
network imported_kinds() {
    network net;
    net.layers = {small_conv(4, 3),  // 1: 4 channels
                  over(layer_kind::prelu, 1),
                  over(layer_kind::affine, 2),  // 2, 3
                  over(layer_kind::average_all, 3),
                  over(layer_kind::sigmoid, 4),  // 4, 5
                  over(layer_kind::multiply, 3, 5),
                  over(layer_kind::conv, 6),  // 6, 7
                  over(layer_kind::conv_transpose, 7),
                  over(layer_kind::upsample, 7),  // 8, 9
                  over(layer_kind::add, 8, 9),
                  over(layer_kind::linear, 10)};  // 10, 11
    net.layers[1].weights = {0.25f};
    net.layers[2].weights.assign(4, 2.0f);
    net.layers[2].bias.assign(4, 1.0f);
    layer &deep = net.layers[6], &back = net.layers[7], &full = net.layers[10];
    deep.inputs = deep.outputs = deep.groups = back.inputs = back.outputs = 4;
    deep.rows = deep.columns = 3;
    deep.padding_rows = deep.padding_columns = 1;
    back.rows = back.columns = back.stride = net.layers[8].stride = 2;
    deep.weights.assign(4 * 9, 1.0f);
    back.weights.assign(4 * 4 * 4, 1.0f);
    deep.bias.assign(4, 0.0f);
    back.bias.assign(4, 0.0f);
    net.layers[9].same_size = true;
    full.inputs = 4 * 6 * 6;
    full.outputs = 5;
    full.weights.assign(4 * 6 * 6 * 5, 1.0f);
    full.bias.assign(5, 1.0f);
    net.outputs = {{"vector", 11}, {"map", 6}};
    return net;
}

TEST(imported_layers, what_imported_networks_have_has_shapes) {
    const network net = imported_kinds();
    const auto fine = check(net);
    ASSERT_TRUE(fine) << fine.error().detail;
    const auto shapes = shapes_of(net, {3, 5, 5});
    ASSERT_TRUE(shapes) << shapes.error().detail;
    const tensor_shape small{4, 3, 3}, dot{4, 1, 1}, large{4, 6, 6};
    EXPECT_EQ(*shapes, (std::vector<tensor_shape>{{3, 5, 5},
                                                  small,
                                                  small,
                                                  small,
                                                  dot,
                                                  dot,
                                                  small,
                                                  small,
                                                  large,
                                                  large,
                                                  large,
                                                  {5, 1, 1}}));
    EXPECT_EQ(outputs_of(net), net.outputs);
    EXPECT_EQ(outputs_of(network{{}, net.layers, {}}), (std::vector<network_output>{{"", 11}}));
}

TEST(imported_layers, what_imported_networks_have_can_be_wrong) {
    const auto fault = [](std::size_t index, auto&& spoil) {
        network spoiled = imported_kinds();
        spoil(spoiled.layers[index]);
        const auto found = check(spoiled);
        return found ? std::string("none") : found.error().detail;
    };
    EXPECT_THAT(fault(1, [](layer& one) { one.weights.assign(3, 0); }), HasSubstr("layer 1"));
    EXPECT_EQ(fault(1, [](layer& one) { one.weights.assign(4, 0); }), "none");
    EXPECT_THAT(fault(1, [](layer& one) { one.weights[0] = std::nanf(""); }), HasSubstr("finite"));
    EXPECT_THAT(fault(2, [](layer& one) { one.bias.pop_back(); }), HasSubstr("weights"));
    EXPECT_THAT(fault(5, [](layer& one) { one.plus = 0; }), HasSubstr("different channels"));
    EXPECT_THAT(fault(9, [](layer& one) { one.plus = 0; }), HasSubstr("different channels"));
    EXPECT_THAT(fault(6, [](layer& one) { one.groups = 3; }), HasSubstr("groups"));
    EXPECT_THAT(fault(6, [](layer& one) { one.groups = 2; }), HasSubstr("weights"));
    EXPECT_THAT(fault(6, [](layer& one) { one.groups = 0; }), HasSubstr("sizes"));
    EXPECT_THAT(fault(7, [](layer& one) { one.groups = 2; }), HasSubstr("only conv"));
    EXPECT_THAT(fault(7, [](layer& one) { one.outputs = 3; }), HasSubstr("weights"));
    EXPECT_THAT(fault(8, [](layer& one) { one.stride = 101; }), HasSubstr("sizes"));
    EXPECT_THAT(fault(10, [](layer& one) { one.inputs = 4 * 6 * 6 + 1; }), HasSubstr("channels"));
    EXPECT_THAT(fault(10, [](layer& one) { one.bias.pop_back(); }), HasSubstr("weights"));
    EXPECT_EQ(fault(10, [](layer& one) { one.bias.clear(); }), "none");
}

TEST(imported_layers, outputs_and_input_can_be_wrong) {
    const auto fault = [](auto&& spoil) {
        network spoiled = imported_kinds();
        spoil(spoiled);
        const auto found = check(spoiled);
        return found ? std::string("none") : found.error().detail;
    };
    EXPECT_THAT(fault([](network& net) { net.outputs[1].value = 0; }), HasSubstr("output map"));
    EXPECT_THAT(fault([](network& net) { net.outputs[1].value = 12; }), HasSubstr("output map"));
    EXPECT_THAT(fault([](network& net) { net.outputs[1].name = "vector"; }), HasSubstr("vector"));
    EXPECT_THAT(fault([](network& net) { net.input.scale[2] = INFINITY; }), HasSubstr("scale"));
    EXPECT_THAT(fault([](network& net) { net.input.rows = -1; }), HasSubstr("size"));
    EXPECT_EQ(fault([](network& net) { net.input.bgr = true; }), "none");
}

TEST(imported_layers, values_that_do_not_meet_at_a_size_are_refused) {
    const network net = imported_kinds();
    // The linear layer wants 6x6; a picture of 6x5 gives it 8x6.
    EXPECT_THAT(shapes_of(net, {3, 6, 5}).error().detail, HasSubstr("layer 10"));
    network sums = net;
    sums.layers.resize(10);
    sums.outputs.clear();
    EXPECT_TRUE(shapes_of(sums, {3, 6, 5}));
    sums.layers[8].stride = 3;
    const auto unequal = shapes_of(sums, {3, 6, 5});
    ASSERT_FALSE(unequal);
    EXPECT_EQ(unequal.error().code, errc::bad_option);
    EXPECT_THAT(unequal.error().detail, HasSubstr("at 5x6 pixels layer 9"));
    sums.layers[9].same_size = false;
    EXPECT_EQ(shapes_of(sums, {3, 6, 5})->back(), (tensor_shape{4, 12, 9}));
}

TEST(imported_layers, no_value_is_larger_than_the_limit) {
    network net;
    net.layers.assign(12, over(layer_kind::upsample, 0));
    for (std::size_t i = 0; i < net.layers.size(); ++i) {
        net.layers[i].from = i;
        net.layers[i].stride = 100;
    }
    ASSERT_TRUE(check(net));
    EXPECT_THAT(shapes_of(net, {3, 8, 8}).error().detail, HasSubstr("too large"));
    net.layers.resize(1);
    const long side = 13'377;  // 3 * side^2 is the limit or just below
    EXPECT_LE(3u * 13'377u * 13'377u, value_floats_max);
    net.layers[0].stride = 1;
    EXPECT_TRUE(shapes_of(net, {3, side, side}));
    EXPECT_FALSE(shapes_of(net, {3, side, side + 1}));
    EXPECT_FALSE(shapes_of(net, {3, 1, (1L << 20) + 1}));
}

}  // namespace
}  // namespace vultus
