// ONNX files for the tests, made node by node with the same protobuf classes.
#pragma once

#include <gtest/gtest.h>
#include <onnx/onnx_pb.h>

#include <functional>
#include <string>
#include <vector>

#include "workers/engine/importers/importers.hpp"

namespace vultus::testing {

/// A file with one input "in" of three channels; nodes are named after their outputs.
struct onnx_file {
    onnx::ModelProto model;

    explicit onnx_file(long opset = 11, long rows = 8, long columns = 8) {
        model.set_ir_version(6);
        auto* set = model.add_opset_import();
        set->set_domain("");
        set->set_version(opset);
        picture("in", {1, 3, rows, columns});
    }
    onnx::GraphProto& graph() { return *model.mutable_graph(); }
    std::string bytes() const { return model.SerializeAsString(); }

    void picture(const std::string& name, const std::vector<long>& sizes) {
        auto* input = graph().add_input();
        input->set_name(name);
        auto* type = input->mutable_type()->mutable_tensor_type();
        type->set_elem_type(onnx::TensorProto::FLOAT);
        for (const long size : sizes) type->mutable_shape()->add_dim()->set_dim_value(size);
    }
    onnx::TensorProto& numbers(const std::string& name, const std::vector<long>& sizes,
                               const std::vector<float>& values) {
        auto* made = graph().add_initializer();
        made->set_name(name);
        made->set_data_type(onnx::TensorProto::FLOAT);
        for (const long size : sizes) made->add_dims(size);
        for (const float value : values) made->add_float_data(value);
        return *made;
    }
    /// All of one value.
    onnx::TensorProto& numbers(const std::string& name, const std::vector<long>& sizes,
                               float value) {
        std::size_t count = 1;
        for (const long size : sizes) count *= static_cast<std::size_t>(size);
        return numbers(name, sizes, std::vector<float>(count, value));
    }
    onnx::TensorProto& integers(const std::string& name, const std::vector<long>& values) {
        auto* made = graph().add_initializer();
        made->set_name(name);
        made->set_data_type(onnx::TensorProto::INT64);
        made->add_dims(static_cast<long>(values.size()));
        for (const long value : values) made->add_int64_data(value);
        return *made;
    }
    onnx::NodeProto& node(const std::string& type, const std::vector<std::string>& inputs,
                          const std::string& output) {
        auto* made = graph().add_node();
        made->set_op_type(type);
        made->set_name(output);
        for (const auto& name : inputs) made->add_input(name);
        made->add_output(output);
        return *made;
    }
    void output(const std::string& name) { graph().add_output()->set_name(name); }
};

inline onnx::AttributeProto& attribute(onnx::NodeProto& to, const std::string& name,
                                       onnx::AttributeProto::AttributeType type) {
    auto* made = to.add_attribute();
    made->set_name(name);
    made->set_type(type);
    return *made;
}
inline void put(onnx::NodeProto& to, const std::string& name, const std::vector<long>& values) {
    auto& made = attribute(to, name, onnx::AttributeProto::INTS);
    for (const long value : values) made.add_ints(value);
}
inline void put(onnx::NodeProto& to, const std::string& name, long value) {
    attribute(to, name, onnx::AttributeProto::INT).set_i(value);
}
inline void put(onnx::NodeProto& to, const std::string& name, float value) {
    attribute(to, name, onnx::AttributeProto::FLOAT).set_f(value);
}
inline void put_text(onnx::NodeProto& to, const std::string& name, const std::string& value) {
    attribute(to, name, onnx::AttributeProto::STRING).set_s(value);
}

inline input_format as_it_is() {
    input_format input;
    input.scale = {1, 1, 1};
    return input;
}

inline network list_of(const onnx_file& file) {
    const auto list = parse_onnx(file.bytes(), as_it_is());
    EXPECT_TRUE(list) << list.error().detail;
    return list ? *list : network{};
}

inline std::string refusal_of(const onnx_file& file) {
    const auto list = parse_onnx(file.bytes(), as_it_is());
    if (list) return "none";
    EXPECT_EQ(list.error().code, errc::malformed);
    return list.error().detail;
}

/// in -> Conv of one pixel to four channels, named "c".
inline onnx::NodeProto& begin(onnx_file& file) {
    file.numbers("w", {4, 3, 1, 1}, 0.5f);
    file.numbers("b", {4}, {1, 2, 3, 4});
    return file.node("Conv", {"in", "w", "b"}, "c");
}

/// A file of one convolution and what `more` adds; its output is "out".
inline onnx_file with(const std::function<void(onnx_file&)>& more, long opset = 11) {
    onnx_file file(opset);
    begin(file);
    more(file);
    file.output("out");
    return file;
}

}  // namespace vultus::testing
