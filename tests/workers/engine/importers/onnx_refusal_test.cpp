// ONNX files that the importer refuses, and that it says which node and why.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <functional>

#include "tests/workers/engine/importers/onnx_support.hpp"

namespace vultus {
namespace {

using namespace testing;
using ::testing::AllOf;
using ::testing::HasSubstr;

std::string refused(const std::function<void(onnx_file&)>& more, long opset = 11) {
    return refusal_of(with(more, opset));
}

TEST(onnx_refuses, operators_and_attributes_by_name) {
    const auto node = [](const char* type) {
        return refused([&](onnx_file& file) { file.node(type, {"c"}, "out"); });
    };
    EXPECT_THAT(node("Softmax"), AllOf(HasSubstr("Softmax node \"out\""), HasSubstr("not known")));
    EXPECT_THAT(node("Clip"), HasSubstr("Clip"));
    EXPECT_THAT(
        refused([](onnx_file& file) { file.node("Relu", {"c"}, "out").set_domain("com.example"); }),
        HasSubstr("com.example"));
    const auto attribute_of = [](const char* type, auto&&... what) {
        return refused([&](onnx_file& file) { put(file.node(type, {"c"}, "out"), what...); });
    };
    EXPECT_THAT(attribute_of("Relu", "odd", 1L), HasSubstr("odd"));
    EXPECT_THAT(attribute_of("Flatten", "axis", 2L), HasSubstr("axis"));
    EXPECT_THAT(attribute_of("Transpose", "perm", std::vector<long>{0, 3, 1, 2}),
                HasSubstr("[0,3,1,2]"));
    EXPECT_THAT(attribute_of("LeakyRelu", "alpha", 1L), HasSubstr("alpha")) << "of another type";
    EXPECT_THAT(attribute_of("MaxPool", "kernel_shape", std::vector<long>{2, 2, 2}),
                HasSubstr("two-dimensional"));
    EXPECT_THAT(refused([](onnx_file& file) {
                    put_text(file.node("MaxPool", {"c"}, "out"), "auto_pad", "SAME_UPPER");
                }),
                HasSubstr("SAME_UPPER"));
    EXPECT_THAT(refused([](onnx_file& file) {
                    auto& twice = file.node("LeakyRelu", {"c"}, "out");
                    put(twice, "alpha", 1.0f);
                    put(twice, "alpha", 2.0f);
                }),
                HasSubstr("alpha"));
    EXPECT_THAT(
        refused([](onnx_file& file) { file.node("Relu", {"c"}, "out").add_output("more"); }),
        HasSubstr("more outputs"));
}

TEST(onnx_refuses, windows_that_a_list_cannot_have) {
    const auto conv = [](const char* name, const std::vector<long>& values) {
        return refused([&](onnx_file& file) {
            file.numbers("v", {4, 4, 3, 3}, 0.5f);
            put(file.node("Conv", {"c", "v"}, "out"), name, values);
        });
    };
    EXPECT_THAT(conv("dilations", {2, 2}), HasSubstr("dilated"));
    EXPECT_THAT(conv("strides", {1, 2}), HasSubstr("unequal strides"));
    EXPECT_THAT(conv("pads", {0, 0, 1, 1}), HasSubstr("[0,0,1,1]"));
    EXPECT_THAT(conv("pads", {3, 3, 3, 3}), HasSubstr("impossible window"));
    EXPECT_THAT(conv("strides", {0, 0}), HasSubstr("impossible window"));
    EXPECT_THAT(conv("strides", {1L << 62, 1L << 62}), HasSubstr("impossible window"));
    EXPECT_THAT(conv("kernel_shape", {5, 5}), HasSubstr("not its weights'"));
    EXPECT_EQ(conv("pads", {1, 1, 1, 1}), "none");
    EXPECT_THAT(refused([](onnx_file& file) {
                    file.numbers("v", {4, 5, 1, 1}, 0.5f);
                    file.node("Conv", {"c", "v"}, "out");
                }),
                HasSubstr("number of channels than 4"));
    EXPECT_THAT(refused([](onnx_file& file) {
                    auto& pool = file.node("MaxPool", {"c"}, "out");
                    put(pool, "kernel_shape", {3, 3});
                    put(pool, "pads", {1, 1, 1, 1});
                }),
                HasSubstr("padding"));
}

TEST(onnx_refuses, graphs_that_do_not_hang_together) {
    EXPECT_THAT(refused([](onnx_file& file) { file.node("Relu", {"nothing"}, "out"); }),
                HasSubstr("no earlier node writes"));
    EXPECT_THAT(refused([](onnx_file& file) {
                    file.node("Relu", {"b2"}, "out");
                    file.node("Relu", {"out"}, "b2");
                }),
                HasSubstr("cycle"));
    EXPECT_THAT(refused([](onnx_file& file) { file.node("Relu", {"c"}, "c"); }),
                HasSubstr("another one writes"));
    EXPECT_THAT(refused([](onnx_file& file) { file.node("Relu", {"c"}, "in"); }),
                HasSubstr("another one writes"));
    EXPECT_THAT(refused([](onnx_file& file) { file.node("Relu", {"c"}, "w"); }),
                HasSubstr("another one writes"));
    EXPECT_THAT(refused([](onnx_file& file) { file.node("Relu", {"w"}, "out"); }),
                HasSubstr("constants only"));
    EXPECT_THAT(refused([](onnx_file& file) { file.node("Relu", {"c"}, "other"); }),
                HasSubstr("no node writes the output out"));
    EXPECT_THAT(refused([](onnx_file& file) {
                    file.node("Relu", {"c"}, "out");
                    file.output("out");
                }),
                HasSubstr("two outputs"));
    EXPECT_THAT(refused([](onnx_file& file) {
                    file.node("Relu", {"c"}, "out");
                    file.picture("in2", {1, 3, 8, 8});
                }),
                HasSubstr("two inputs"));
    EXPECT_THAT(refused([](onnx_file& file) {
                    file.numbers("v", {4, 4, 3, 3}, 0.5f);
                    file.node("Conv", {"c", "v"}, "smaller");
                    file.node("Add", {"c", "smaller"}, "out");
                }),
                HasSubstr("different shapes"));
}

TEST(onnx_refuses, numbers_that_are_not_what_they_claim) {
    const auto tensor = [](const std::function<void(onnx::TensorProto&)>& spoil) {
        return refused([&](onnx_file& file) {
            auto& slopes = file.numbers("s", {4, 1, 1}, {1, 2, 3, 4});
            spoil(slopes);
            file.node("PRelu", {"c", "s"}, "out");
        });
    };
    EXPECT_EQ(tensor([](onnx::TensorProto&) {}), "none");
    EXPECT_THAT(tensor([](auto& one) { one.set_float_data(2, std::nanf("")); }),
                AllOf(HasSubstr("tensor \"s\""), HasSubstr("finite")));
    EXPECT_THAT(tensor([](auto& one) { one.set_dims(0, 5); }), HasSubstr("as many numbers"));
    EXPECT_THAT(tensor([](auto& one) { one.set_dims(0, 1L << 60); }), HasSubstr("impossible"));
    EXPECT_THAT(tensor([](auto& one) { one.set_dims(0, -4); }), HasSubstr("impossible"));
    EXPECT_THAT(tensor([](auto& one) {
                    for (int i = 0; i < 8; ++i) one.add_dims(1L << 40);
                }),
                HasSubstr("impossible"));
    EXPECT_THAT(tensor([](auto& one) { one.set_data_type(onnx::TensorProto::FLOAT16); }),
                HasSubstr("type 10"));
    EXPECT_THAT(tensor([](auto& one) { one.set_data_location(onnx::TensorProto::EXTERNAL); }),
                HasSubstr("another file"));
    EXPECT_THAT(tensor([](auto& one) { one.set_raw_data("123"); }), HasSubstr("as many numbers"));
    EXPECT_THAT(refused([](onnx_file& file) {
                    file.numbers("s", {3, 1, 1}, 1);
                    file.node("PRelu", {"c", "s"}, "out");
                }),
                HasSubstr("[3,1,1]"));
    EXPECT_THAT(refused([](onnx_file& file) {
                    for (const char* name : {"g", "o", "m"}) file.numbers(name, {4}, 1);
                    file.numbers("v", {4}, -1);
                    file.node("BatchNormalization", {"c", "g", "o", "m", "v"}, "out");
                }),
                HasSubstr("variance"));
    EXPECT_THAT(refused([](onnx_file& file) {
                    file.numbers("d", {1}, 0);
                    file.node("Div", {"c", "d"}, "out");
                }),
                HasSubstr("finite"));
}

TEST(onnx_refuses, other_files) {
    const auto relu = [](onnx_file& file) { file.node("Relu", {"c"}, "out"); };
    EXPECT_THAT(refused(relu, 6), HasSubstr("operator set 6"));
    EXPECT_THAT(refused(relu, 18), HasSubstr("operator set 18"));
    EXPECT_EQ(refused(relu, 7), "none");
    EXPECT_EQ(refused(relu, 17), "none");
    EXPECT_THAT(parse_onnx("", {}).error().detail, HasSubstr("not an ONNX file"));
    EXPECT_THAT(parse_onnx("\x08\x06", {}).error().detail, HasSubstr("not an ONNX file"));
    const std::string whole = with(relu).bytes();
    for (std::size_t kept = 0; kept < whole.size(); ++kept) {
        EXPECT_FALSE(parse_onnx(std::string_view(whole).substr(0, kept), {})) << kept;
    }
    EXPECT_EQ(load_onnx("/nowhere", {}).error().code, errc::not_found);
    onnx_file gray;
    gray.graph()
        .mutable_input(0)
        ->mutable_type()
        ->mutable_tensor_type()
        ->mutable_shape()
        ->mutable_dim(1)
        ->set_dim_value(1);
    EXPECT_THAT(refusal_of(gray), HasSubstr("[pictures][3][rows][columns]"));
    onnx_file huge(11, 1L << 40, 8);
    begin(huge);
    huge.output("c");
    EXPECT_THAT(refusal_of(huge), HasSubstr("impossible size"));
    onnx_file nothing;
    nothing.output("in");
    EXPECT_THAT(refusal_of(nothing), HasSubstr("without layers"));
}

// A layer has its own copy of its weights: a small file may not want any memory.
TEST(onnx_refuses, constants_with_any_number_of_readers) {
    const auto readers = [](int count) {
        onnx_file file;
        file.numbers("w", {4, 3, 1, 1}, 0.5f);
        file.numbers("wide", {512, 4, 3, 3}, 0.5f);
        file.numbers("back", {4, 512, 1, 1}, 0.5f);
        file.numbers("many", {512, 512, 3, 3}, 0.5f);
        file.node("Conv", {"in", "w"}, "a");
        std::string last = "a";
        const auto put_conv = [&](const std::string& weights, const std::string& name,
                                  long padding) {
            auto& node = file.node("Conv", {last, weights}, name);
            put(node, "pads", std::vector<long>(4, padding));
            last = name;
        };
        put_conv("wide", "b", 1);
        for (int i = 0; i < count; ++i) put_conv("many", "c" + std::to_string(i), 1);
        put_conv("back", "out", 0);
        file.output("out");
        return file;
    };
    EXPECT_EQ(refusal_of(readers(5)), "none") << "a head for each level of a pyramid";
    EXPECT_THAT(refusal_of(readers(9)), HasSubstr("read the constants of the file too often"));
}

}  // namespace
}  // namespace vultus
