// Lists with numbers from the small generator.
#include "tests/workers/engine/imported_networks_support.hpp"

#include <gtest/gtest.h>

#include <string>
#include <tuple>

namespace vultus::testing {

std::vector<float> some(std::size_t count, noise& random, float least) {
    std::vector<float> made;
    for (std::size_t i = 0; i < count; ++i) made.push_back(least + (random() + 1.0f) / 2.0f);
    return made;
}

layer window(layer_kind kind, long inputs, long outputs, long side, long stride, long padding,
             std::size_t from, noise& random, long groups) {
    layer one = conv(inputs / groups, outputs, side, stride, padding, from, random);
    one.kind = kind;
    one.inputs = inputs;
    one.groups = groups;
    return one;
}

layer with(layer one, std::vector<float> weights, std::vector<float> bias) {
    one.weights = std::move(weights);
    one.bias = std::move(bias);
    return one;
}

layer by(layer one, long stride) {
    one.stride = stride;
    return one;
}

network all_named(network net) {
    for (std::size_t i = 1; i <= net.layers.size(); ++i) {
        net.outputs.push_back({"value " + std::to_string(i), i});
    }
    return net;
}

network mobile() {
    noise random;
    network net;
    const auto kind = [](layer_kind what, std::size_t from, std::size_t plus = 0) {
        return plain(what, from, plus);
    };
    net.layers = {
        conv(3, 20, 3, 2, 1, 0, random),                                         // 1
        with(kind(layer_kind::prelu, 1), {0.25f}),                               // 2
        window(layer_kind::conv, 20, 20, 3, 1, 1, 2, random, 20),                // 3
        with(kind(layer_kind::prelu, 3), some(20, random)),                      // 4
        conv(20, 12, 1, 1, 0, 4, random),                                        // 5
        kind(layer_kind::average_all, 5),                                        // 6
        conv(12, 4, 1, 1, 0, 6, random),                                         // 7
        kind(layer_kind::relu, 7),                                               // 8
        conv(4, 12, 1, 1, 0, 8, random),                                         // 9
        kind(layer_kind::sigmoid, 9),                                            // 10
        kind(layer_kind::multiply, 5, 10),                                       // 11
        kind(layer_kind::add, 11, 5),                                            // 12
        with(kind(layer_kind::affine, 12), some(12, random), some(12, random)),  // 13
        window(layer_kind::conv_transpose, 12, 9, 2, 2, 0, 13, random),          // 14
        kind(layer_kind::relu, 14),                                              // 15
        window(layer_kind::conv_transpose, 12, 9, 3, 2, 1, 13, random),          // 16
        by(kind(layer_kind::upsample, 5), 2),                                    // 17
        conv(12, 9, 3, 1, 1, 17, random),                                        // 18
        kind(layer_kind::add, 15, 18),                                           // 19
        with(kind(layer_kind::prelu, 19), some(9, random)),                      // 20
        conv(9, 1, 1, 1, 0, 20, random),                                         // 21
        window(layer_kind::conv, 1, 1, 3, 1, 1, 21, random),                     // 22
        kind(layer_kind::sigmoid, 22),                                           // 23
        by(kind(layer_kind::upsample, 13), 2),                                   // 24
        kind(layer_kind::add, 24, 17),                                           // 25
        window(layer_kind::conv, 12, 12, 3, 2, 1, 25, random, 12),               // 26
        kind(layer_kind::multiply, 26, 12),                                      // 27
        kind(layer_kind::average_pool, 27),                                      // 28
    };
    net.layers[27].rows = net.layers[27].columns = 12;
    net.layers[27].stride = 1;
    return net;
}

network residual_blocks() {
    noise random;
    network net;
    net.layers = {
        conv(3, 16, 3, 2, 1, 0, random),                           // 1
        conv(16, 40, 1, 1, 0, 1, random),                          // 2
        plain(layer_kind::relu, 2),                                // 3
        window(layer_kind::conv, 40, 40, 5, 1, 2, 3, random, 40),  // 4
        with(plain(layer_kind::prelu, 4), some(40, random)),       // 5
        conv(40, 16, 1, 1, 0, 5, random),                          // 6
        plain(layer_kind::add, 6, 1),                              // 7
        plain(layer_kind::relu, 7),                                // 8
        conv(16, 24, 1, 1, 0, 8, random),                          // 9
        window(layer_kind::conv, 24, 24, 3, 1, 1, 9, random, 24),  // 10
        plain(layer_kind::relu, 10),                               // 11
        conv(24, 16, 1, 1, 0, 11, random),                         // 12
        plain(layer_kind::add, 8, 12),                             // 13
        conv(16, 9, 3, 2, 1, 13, random),                          // 14
        conv(16, 9, 3, 1, 1, 13, random),                          // 15
        window(layer_kind::conv, 9, 9, 3, 2, 1, 15, random),       // 16
    };
    net.outputs = {{"half", 14}, {"quarter", 16}};
    return net;
}

network transposed_windows() {
    noise random;
    network net;
    net.layers = {conv(3, 18, 1, 1, 0, 0, random)};
    for (const auto& [side, stride, padding] :
         {std::tuple{1L, 1L, 0L}, {2L, 2L, 0L}, {4L, 2L, 1L}, {3L, 1L, 1L}, {2L, 3L, 0L}}) {
        net.layers.push_back(
            window(layer_kind::conv_transpose, 18, 17, side, stride, padding, 1, random));
    }
    return net;
}

network groups_of_any_width() {
    noise random;
    network net;
    net.layers = {conv(3, 32, 1, 1, 0, 0, random)};
    for (const long groups : {2L, 4L, 8L, 32L}) {
        net.layers.push_back(window(layer_kind::conv, 32, 32, 3, 1, 1, 1, random, groups));
    }
    net.layers.push_back(window(layer_kind::conv, 32, 64, 3, 2, 1, 1, random, 32));
    return net;
}

network depthwise_windows() {
    noise random;
    network net;
    const auto depthwise = [&](long side, long stride, std::size_t from) {
        return window(layer_kind::conv, 12, 12, side, stride, side / 2, from, random, 12);
    };
    const auto prelu = [&](std::size_t from) {
        return with(plain(layer_kind::prelu, from), some(12, random));
    };
    net.layers = {
        conv(3, 12, 1, 1, 0, 0, random),              // 1
        prelu(1),                                     // 2: read by one alone
        depthwise(3, 1, 2),                           // 3
        prelu(3),                                     // 4
        depthwise(5, 1, 4),                           // 5
        conv(12, 12, 1, 1, 0, 5, random),             // 6
        with(plain(layer_kind::prelu, 6), {0.25f}),   // 7: read by two
        depthwise(3, 2, 7),                           // 8
        depthwise(5, 1, 7),                           // 9
        plain(layer_kind::add, 9, 4),                 // 10: in place
        plain(layer_kind::relu, 10),                  // 11
        depthwise(5, 2, 11),                          // 12
        plain(layer_kind::add, 8, 12),                // 13
        conv(12, 12, 1, 1, 0, 13, random),            // 14
        with(plain(layer_kind::prelu, 14), {-0.5f}),  // 15
        depthwise(3, 1, 15),                          // 16
    };
    return net;
}

network on_the_picture() {
    noise random;
    network net;
    net.layers = {
        plain(layer_kind::sigmoid, 0),     plain(layer_kind::add, 0, 1),
        plain(layer_kind::max_pool, 0),    window(layer_kind::conv, 3, 3, 3, 1, 1, 0, random, 3),
        plain(layer_kind::multiply, 1, 0), conv(3, 8, 3, 1, 1, 0, random)};
    return net;
}

network vectors_of(long rows, long columns) {
    noise random;
    network net;
    net.layers = {conv(3, 21, 3, 1, 1, 0, random), plain(layer_kind::linear, 1),
                  with(plain(layer_kind::prelu, 2), {0.5f}), plain(layer_kind::linear, 3)};
    const auto first = static_cast<std::size_t>(21 * rows * columns * 19);
    net.layers[1].inputs = 21 * rows * columns;
    net.layers[1].outputs = net.layers[3].inputs = 19;
    net.layers[3].outputs = 30;
    net.layers[1].weights = some(first, random);
    net.layers[1].bias = some(19, random);
    net.layers[3].weights = some(19 * 30, random);
    net.layers[3].bias = some(30, random);
    return net;
}

std::shared_ptr<const network> mirror_of(const input_format& input) {
    auto net = std::make_shared<network>();
    layer one = plain(layer_kind::conv, 0);
    one.inputs = one.outputs = 3;
    one.weights = {1, 0, 0, 0, 1, 0, 0, 0, 1};
    one.bias = {0, 0, 0};
    net->layers = {one};
    net->input = input;
    net->outputs = {{"same", 1}};
    return net;
}

network bgr_with_means(network net) {
    net.input.bgr = true;
    net.input.mean = {100.0f, 110.0f, 120.0f};
    net.input.scale = {1 / 64.0f, 1 / 70.0f, 1 / 50.0f};
    return net;
}

network odd_groups() {
    noise random;
    network net;
    net.layers = {
        conv(3, 21, 1, 1, 0, 0, random),                             // 1
        window(layer_kind::conv, 21, 21, 3, 1, 1, 1, random, 3),     // 2
        window(layer_kind::conv, 21, 21, 5, 2, 2, 1, random, 21),    // 3
        window(layer_kind::conv, 21, 42, 3, 1, 0, 1, random, 21),    // 4
        window(layer_kind::conv, 21, 14, 2, 3, 1, 1, random, 7),     // 5
        window(layer_kind::conv, 21, 21, 3, 1, 1, 1, random, 21),    // 6
        plain(layer_kind::add, 6, 2),                                // 7: into 2's buffer
        with(plain(layer_kind::prelu, 7), some(21, random, -0.5f)),  // 8
        window(layer_kind::conv, 21, 21, 3, 1, 0, 8, random, 21),    // 9
    };
    net.layers[8].rows = 1;
    net.layers[8].weights.resize(21 * 3);
    net.layers[8].padding_columns = 2;
    net.outputs = {{"strided", 3}, {"many", 4}, {"few", 5}, {"wide", 9}};
    return net;
}

network means_of(long rows, long columns) {
    noise random;
    network net;
    net.layers = {conv(3, 13, 1, 1, 0, 0, random), plain(layer_kind::average_all, 1),
                  plain(layer_kind::sigmoid, 2),   plain(layer_kind::average_all, 1),
                  plain(layer_kind::linear, 4),    plain(layer_kind::average_pool, 1)};
    net.layers[4].inputs = 13;
    net.layers[4].outputs = 11;
    net.layers[4].weights = some(13 * 11, random);
    net.layers[5].rows = rows;
    net.layers[5].columns = columns;
    net.outputs = {{"gate", 3}, {"mean", 2}, {"vector", 5}, {"window", 6}};
    return net;
}

network mean_and_linear(long outputs) {
    noise random;
    network net;
    net.layers = {conv(3, 13, 1, 1, 0, 0, random), plain(layer_kind::average_all, 1),
                  plain(layer_kind::linear, 2)};
    net.layers[2].inputs = 13;
    net.layers[2].outputs = outputs;
    net.layers[2].weights = some(static_cast<std::size_t>(13 * outputs), random);
    net.layers[2].bias = some(static_cast<std::size_t>(outputs), random);
    return net;
}

network activated_sums() {
    noise random;
    network net;
    const auto add_layer = [&](layer one) {
        net.layers.push_back(std::move(one));
        return net.layers.size();
    };
    const auto activated = [&](layer_kind kind, std::size_t from) {
        layer one = plain(kind, from);
        if (kind == layer_kind::prelu) one.weights = some(13, random, -0.5f);
        return add_layer(std::move(one));
    };
    const std::size_t in = add_layer(conv(3, 13, 3, 1, 1, 0, random));
    const std::size_t mean = add_layer(plain(layer_kind::average_all, in));
    std::vector<std::size_t> ends;
    for (const layer_kind kind : {layer_kind::relu, layer_kind::prelu, layer_kind::sigmoid}) {
        const auto end = [&](layer one) {
            ends.push_back(activated(kind, add_layer(std::move(one))));
        };
        end(conv(13, 13, 3, 1, 1, in, random));
        end(window(layer_kind::conv, 13, 13, 3, 1, 1, in, random, 13));
        end(window(layer_kind::conv_transpose, 13, 13, 3, 1, 1, in, random));
        end(with(plain(layer_kind::affine, in), some(13, random), some(13, random)));
        end(plain(layer_kind::add, in, ends.back()));
        end(plain(layer_kind::multiply, in, ends.back()));
        end(plain(layer_kind::multiply, in, mean));
        end(by(plain(layer_kind::upsample, in), 1));
        // In place, of a value that nothing reads later; and with a sum that is not.
        const std::size_t fresh = activated(kind, in);
        end(plain(layer_kind::add, add_layer(conv(13, 13, 1, 1, 0, in, random)), fresh));
        end(plain(layer_kind::add, add_layer(plain(layer_kind::multiply, in, mean)), in));
        end(plain(layer_kind::add, add_layer(by(plain(layer_kind::upsample, in), 1)), in));
    }
    // Zeros beyond the 13 channels, sigmoids among them, are what is added to the 20.
    const std::size_t many = add_layer(conv(3, 20, 1, 1, 0, 0, random));
    const std::size_t gate = activated(layer_kind::sigmoid, in);
    ends.push_back(add_layer(plain(layer_kind::add, many, gate)));
    ends.push_back(add_layer(plain(layer_kind::add, many, ends[2])));
    for (const std::size_t value : ends) net.outputs.push_back({std::to_string(value), value});
    return net;
}

random_pictures::random_pictures(std::size_t count, long rows_of, long columns_of,
                                 std::uint32_t seed)
    : rows(rows_of), columns(columns_of), bytes(count) {
    noise random{seed};
    for (auto& one : bytes) {
        for (long i = 0; i < rows * columns * 3; ++i) {
            one.push_back(static_cast<std::uint8_t>(127.0f + 127.0f * random()));
        }
        views.push_back({one.data(), rows, columns});
    }
}

void expect_near(std::span<const output_tensor> ours, std::span<const output_tensor> expected,
                 double allowed) {
    ASSERT_EQ(ours.size(), expected.size());
    for (std::size_t i = 0; i < ours.size(); ++i) {
        EXPECT_EQ(ours[i].name, expected[i].name);
        ASSERT_EQ(ours[i].shape, expected[i].shape) << ours[i].name;
        ASSERT_EQ(ours[i].values.size(), expected[i].values.size()) << ours[i].name;
        const plain_tensor theirs{expected[i].shape,
                                  {expected[i].values.begin(), expected[i].values.end()}};
        EXPECT_LE(difference_of(ours[i].values, theirs), allowed) << ours[i].name;
    }
}

void expect_plain(std::span<const output_tensor> ours, const std::vector<network_output>& outputs,
                  const std::vector<plain_tensor>& values, std::size_t picture, double allowed) {
    ASSERT_EQ(ours.size(), outputs.size());
    for (std::size_t i = 0; i < ours.size(); ++i) {
        const plain_tensor& expected =
            outputs[i].name.empty() ? values.back() : values[outputs[i].value];
        ASSERT_EQ(ours[i].shape, expected.shape) << ours[i].name;
        const std::size_t size = expected.shape.size();
        ASSERT_GE(ours[i].values.size(), (picture + 1) * size);
        EXPECT_LE(difference_of(ours[i].values.subspan(picture * size, size), expected), allowed)
            << ours[i].name;
    }
}

void expect_as_plain(std::span<const output_tensor> ours, const network& net,
                     const random_pictures& given, double allowed) {
    for (std::size_t one = 0; one < given.views.size(); ++one) {
        const auto picture = picture_of(given.views[one].rgb, given.rows, given.columns, net.input);
        expect_plain(ours, outputs_of(net), computed(net, picture), one, allowed);
    }
}

}  // namespace vultus::testing
