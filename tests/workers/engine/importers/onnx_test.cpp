// ONNX files: what the importer makes of each operator.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>

#include "tests/workers/engine/importers/onnx_support.hpp"

namespace vultus {
namespace {

using namespace testing;
using ::testing::ElementsAre;

std::vector<layer_kind> kinds_of(const network& net) {
    std::vector<layer_kind> kinds;
    for (const layer& one : net.layers) kinds.push_back(one.kind);
    return kinds;
}

TEST(onnx, a_convolution_is_what_the_file_says) {
    onnx_file file;
    file.numbers("w", {2, 3, 3, 1}, 0.25f);
    auto& conv = file.node("Conv", {"in", "w"}, "out");
    put(conv, "strides", {2, 2});
    put(conv, "pads", {1, 0, 1, 0});
    put(conv, "kernel_shape", {3, 1});
    put(conv, "dilations", {1, 1});
    put(conv, "group", 1L);
    file.output("out");
    const network net = list_of(file);
    ASSERT_EQ(net.layers.size(), 1u);
    const layer& one = net.layers[0];
    EXPECT_EQ(one.kind, layer_kind::conv);
    EXPECT_THAT((std::vector<long>{one.inputs, one.outputs, one.rows, one.columns, one.stride,
                                   one.padding_rows, one.padding_columns, one.groups}),
                ElementsAre(3, 2, 3, 1, 2, 1, 0, 1));
    EXPECT_EQ(one.weights, std::vector<float>(18, 0.25f));
    EXPECT_EQ(one.bias, std::vector<float>(2, 0.0f));
    EXPECT_EQ(net.outputs, (std::vector<network_output>{{"out", 1}}));
    EXPECT_EQ(net.input.rows, 8);
    EXPECT_EQ(net.input.columns, 8);
}

TEST(onnx, normalization_and_constants_fold_into_the_convolution) {
    const network net = list_of(with([](onnx_file& file) {
        file.numbers("gamma", {4}, 2);
        file.numbers("beta", {4}, 1);
        file.numbers("mean", {4}, {1, 0, 0, 0});
        file.numbers("variance", {4}, 4.0f - 1e-5f);
        file.node("BatchNormalization", {"c", "gamma", "beta", "mean", "variance"}, "n");
        file.numbers("factor", {}, 3);
        file.numbers("offset", {4, 1, 1}, {0, 0, 0, 10});
        file.node("Mul", {"n", "factor"}, "m");
        file.node("Sub", {"m", "offset"}, "s");
        file.node("Sub", {"offset", "s"}, "t");
        file.numbers("two", {1}, 2);
        file.node("Div", {"t", "two"}, "out");
    }));
    ASSERT_EQ(kinds_of(net), std::vector<layer_kind>{layer_kind::conv});
    const layer& one = net.layers[0];
    // ((c - mean) * 2 / 2 + 1) * 3 - offset, from offset, by 2
    EXPECT_NEAR(one.weights[0], -0.75f, 1e-6f);
    EXPECT_NEAR(one.bias[0], -(1 - 1 + 1) * 3 / 2.0f, 1e-6f);
    EXPECT_NEAR(one.bias[3], (20 - (4 + 1) * 3) / 2.0f, 1e-6f);
}

TEST(onnx, factors_and_offsets_of_the_picture_become_the_input) {
    onnx_file file;
    file.numbers("mean", {1, 3, 1, 1}, {100, 110, 120});
    file.numbers("scale", {1}, 0.5f);
    file.node("Sub", {"in", "mean"}, "a");
    file.node("Mul", {"a", "scale"}, "b");
    file.numbers("w", {4, 3, 3, 3}, 0.5f);
    put(file.node("Conv", {"b", "w"}, "out"), "pads", {1, 1, 1, 1});
    file.output("out");
    const network net = list_of(file);
    EXPECT_EQ(net.layers.size(), 1u);
    EXPECT_THAT(net.input.mean, ElementsAre(100, 110, 120));
    EXPECT_THAT(net.input.scale, ElementsAre(0.5f, 0.5f, 0.5f));
}

TEST(onnx, each_operator_has_its_layer) {
    const auto made = [](const std::function<void(onnx_file&)>& more, long opset = 11) {
        const network net = list_of(with(more, opset));
        return net.layers.empty() ? layer{} : net.layers.back();
    };
    const auto plain = [&](const char* type) {
        return made([&](onnx_file& file) { file.node(type, {"c"}, "out"); }).kind;
    };
    EXPECT_EQ(plain("Relu"), layer_kind::relu);
    EXPECT_EQ(plain("Sigmoid"), layer_kind::sigmoid);
    EXPECT_EQ(plain("GlobalAveragePool"), layer_kind::average_all);
    EXPECT_EQ(plain("Identity"), layer_kind::conv) << "nothing is added";
    EXPECT_EQ(plain("Dropout"), layer_kind::conv);
    const layer slopes = made([](onnx_file& file) {
        file.numbers("slopes", {4, 1, 1}, {1, 2, 3, 4});
        file.node("PRelu", {"c", "slopes"}, "out");
    });
    EXPECT_EQ(slopes.kind, layer_kind::prelu);
    EXPECT_THAT(slopes.weights, ElementsAre(1, 2, 3, 4));
    EXPECT_THAT(made([](onnx_file& file) {
                    put(file.node("LeakyRelu", {"c"}, "out"), "alpha", 0.5f);
                }).weights,
                ElementsAre(0.5f));
    const layer mean = made([](onnx_file& file) {
        auto& pool = file.node("AveragePool", {"c"}, "out");
        put(pool, "kernel_shape", {2, 2});
        put(pool, "strides", {2, 2});
    });
    EXPECT_EQ(mean.kind, layer_kind::average_pool);
    EXPECT_EQ(mean.rows * mean.stride, 4);
    const layer twice = made([](onnx_file& file) {
        file.numbers("roi", {0}, std::vector<float>{});
        file.numbers("scales", {4}, {1, 1, 2, 2});
        auto& resize = file.node("Resize", {"c", "roi", "scales"}, "out");
        put_text(resize, "mode", "nearest");
        put_text(resize, "coordinate_transformation_mode", "asymmetric");
        put_text(resize, "nearest_mode", "floor");
    });
    EXPECT_EQ(twice.kind, layer_kind::upsample);
    EXPECT_EQ(twice.stride, 2);
    EXPECT_EQ(made(
                  [](onnx_file& file) {
                      file.numbers("scales", {4}, {1, 1, 3, 3});
                      file.node("Upsample", {"c", "scales"}, "out");
                  },
                  9)
                  .stride,
              3);
    const layer sum = made([](onnx_file& file) {
        file.node("Relu", {"c"}, "r");
        file.node("Add", {"c", "r"}, "out");
    });
    EXPECT_EQ(sum.kind, layer_kind::add);
    EXPECT_TRUE(sum.same_size);
}

TEST(onnx, squeeze_and_excite_multiplies_the_larger_by_the_smaller) {
    for (const bool smaller_first : {false, true}) {
        const network net = list_of(with([&](onnx_file& file) {
            file.node("GlobalAveragePool", {"c"}, "p");
            file.node("Sigmoid", {"p"}, "s");
            file.node("Mul",
                      smaller_first ? std::vector<std::string>{"s", "c"}
                                    : std::vector<std::string>{"c", "s"},
                      "out");
        }));
        EXPECT_EQ(net.layers.back().from, 1u);
        EXPECT_EQ(net.layers.back().plus, 3u);
    }
}

TEST(onnx, transposed_convolutions_have_outputs_first_in_a_list) {
    const layer one = list_of(with([](onnx_file& file) {
                          std::vector<float> numbers;
                          for (int i = 0; i < 4 * 2 * 4; ++i)
                              numbers.push_back(static_cast<float>(i));
                          file.numbers("t", {4, 2, 2, 2}, numbers);
                          put(file.node("ConvTranspose", {"c", "t"}, "out"), "strides", {2, 2});
                      })).layers.back();
    EXPECT_EQ(one.kind, layer_kind::conv_transpose);
    EXPECT_EQ(one.inputs, 4);
    EXPECT_EQ(one.outputs, 2);
    EXPECT_FLOAT_EQ(one.weights[0], 0);
    EXPECT_FLOAT_EQ(one.weights[4], 8) << "output 0 of input 1";
    EXPECT_FLOAT_EQ(one.weights[16], 4) << "output 1 of input 0";
}

TEST(onnx, flattened_values_go_into_a_linear_layer) {
    const network net = list_of(with([](onnx_file& file) {
        put(file.node("Flatten", {"c"}, "f"), "axis", 1L);
        file.numbers("m", {2, 4 * 64}, 0.5f);
        file.numbers("n", {2}, {1, 2});
        auto& gemm = file.node("Gemm", {"f", "m", "n"}, "g");
        put(gemm, "transB", 1L);
        put(gemm, "alpha", 2.0f);
        file.numbers("gamma", {2}, 3);
        file.numbers("zero", {2}, 0);
        file.numbers("one", {2}, 1);
        put(file.node("BatchNormalization", {"g", "gamma", "zero", "zero", "one"}, "out"),
            "epsilon", 0.0f);
    }));
    ASSERT_EQ(kinds_of(net), (std::vector<layer_kind>{layer_kind::conv, layer_kind::linear}));
    const layer& one = net.layers[1];
    EXPECT_EQ(one.inputs, 256);
    EXPECT_EQ(one.outputs, 2);
    EXPECT_FLOAT_EQ(one.weights[0], 0.5f * 2 * 3);
    EXPECT_THAT(one.bias, ElementsAre(3, 6));
}

TEST(onnx, tails_that_turn_the_numbers_over_leave_planes) {
    const network net = list_of(with([](onnx_file& file) {
        put(file.node("Transpose", {"c"}, "t"), "perm", {0, 2, 3, 1});
        file.integers("shape", {1, -1, 4});
        file.node("Reshape", {"t", "shape"}, "r");
        file.node("Sigmoid", {"r"}, "out");
    }));
    EXPECT_EQ(kinds_of(net), (std::vector<layer_kind>{layer_kind::conv, layer_kind::sigmoid}));
    EXPECT_EQ(net.outputs, (std::vector<network_output>{{"out", 2}}));
}

TEST(onnx, what_no_output_needs_is_left_out) {
    const network net = list_of(with([](onnx_file& file) {
        file.node("Relu", {"c"}, "out");
        file.node("Sigmoid", {"c"}, "unused");
    }));
    EXPECT_EQ(kinds_of(net), (std::vector<layer_kind>{layer_kind::conv, layer_kind::relu}));
}

TEST(onnx, constants_may_be_raw_nodes_or_inputs_too) {
    onnx_file file(9);
    file.picture("w", {4, 3, 1, 1});  // older files list constants as inputs
    auto& raw = file.numbers("w", {4, 3, 1, 1}, std::vector<float>{});
    const std::vector<float> values(12, 0.125f);
    raw.set_raw_data(std::string(reinterpret_cast<const char*>(values.data()), 48));
    auto& constant = file.node("Constant", {}, "b");
    auto& tensor = *attribute(constant, "value", onnx::AttributeProto::TENSOR).mutable_t();
    tensor.set_data_type(onnx::TensorProto::FLOAT);
    tensor.add_dims(4);
    for (int i = 0; i < 4; ++i) tensor.add_float_data(7);
    file.node("Conv", {"in", "w", "b"}, "out");
    file.output("out");
    const network net = list_of(file);
    ASSERT_EQ(net.layers.size(), 1u);
    EXPECT_FLOAT_EQ(net.layers[0].weights[11], 0.125f);
    EXPECT_FLOAT_EQ(net.layers[0].bias[3], 7);
}

}  // namespace
}  // namespace vultus
