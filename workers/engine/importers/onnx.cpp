// ONNX files: protobuf to a graph. The only file that includes protobuf's classes, those of
// libonnx.
#include <cmath>
#include <cstdint>
#include <cstring>

#include "workers/engine/importers/file_bytes.hpp"
#include "workers/engine/importers/graph.hpp"
#include "workers/engine/importers/importers.hpp"
#include "workers/engine/importers/onnx_attributes.hpp"

namespace vultus {
namespace {

using namespace importers;

constexpr long opset_first = 7, opset_last = 17;

/// A tensor of the file. errors  malformed
result<constant> constant_of(const onnx::TensorProto& from) {
    const auto refused = [&](const std::string& why) {
        return fail(errc::malformed, "tensor \"" + from.name() + "\" " + why);
    };
    if (from.data_location() == onnx::TensorProto::EXTERNAL || from.external_data_size() > 0) {
        return refused("has its numbers in another file");
    }
    if (from.has_segment()) return refused("is a segment");
    constant made;
    made.dimensions.assign(from.dims().begin(), from.dims().end());
    const auto count = count_of(made.dimensions);
    if (!count) return refused("has impossible dimensions");
    const bool floats = from.data_type() == onnx::TensorProto::FLOAT;
    if (!floats && from.data_type() != onnx::TensorProto::INT64) {
        return refused("has numbers of type " + std::to_string(from.data_type()) +
                       ", not float32 or int64");
    }
    const std::size_t each = floats ? sizeof(float) : sizeof(std::int64_t);
    const std::string& raw = from.raw_data();
    const auto listed =
        static_cast<std::size_t>(floats ? from.float_data_size() : from.int64_data_size());
    // The file's own bytes say how much memory is taken, not its dimensions.
    if (from.has_raw_data() ? raw.size() / each != *count || raw.size() % each != 0 || listed != 0
                            : listed != *count) {
        return refused("has not as many numbers as its dimensions say");
    }
    if (floats && from.has_raw_data()) {
        made.numbers.resize(*count);
        if (!raw.empty()) std::memcpy(made.numbers.data(), raw.data(), raw.size());
    } else if (floats) {
        made.numbers.assign(from.float_data().begin(), from.float_data().end());
    } else if (from.has_raw_data()) {
        made.integers.resize(*count);
        if (!raw.empty()) std::memcpy(made.integers.data(), raw.data(), raw.size());
    } else {
        made.integers.assign(from.int64_data().begin(), from.int64_data().end());
    }
    for (const float number : made.numbers) {
        if (!std::isfinite(number)) return refused("has a number that is not finite");
    }
    return made;
}

static_assert(sizeof(long) == sizeof(std::int64_t), "integers are copied as they are");

/// One node of the file into one of the graph.
class node_reader {
 public:
    node_reader(const onnx::NodeProto& from, graph& into, long opset)
        : from_(from), into_(into), opset_(opset), given_(from) {
        made_.label =
            from.op_type() + " node \"" +
            (from.name().empty() && from.output_size() > 0 ? from.output(0) : from.name()) + "\"";
    }

    result<void> read() {
        if (!from_.domain().empty() && from_.domain() != "ai.onnx") {
            return refused("is of the operator set \"" + from_.domain() + "\", which is not known");
        }
        if (from_.output_size() < 1 || from_.output(0).empty()) return refused("has no output");
        made_.output = from_.output(0);
        made_.inputs.assign(from_.input().begin(), from_.input().end());
        if (from_.op_type() == "Constant") return read_constant();
        const auto known = readers().find(from_.op_type());
        if (known == readers().end()) return refused("is an operator that is not known");
        (this->*known->second)();
        const bool drops = from_.op_type() == "Dropout";  // its mask is for training
        for (int i = 1; i < from_.output_size() && !drops; ++i) {
            if (!from_.output(i).empty()) return refused("has more outputs than are known");
        }
        if (!why_.empty()) return refused(why_);
        if (const std::string wrong = given_.wrong(); !wrong.empty()) {
            return refused("has an attribute that is not known, or not with this value: " + wrong);
        }
        into_.nodes.push_back(std::move(made_));
        return {};
    }

 private:
    using reader = void (node_reader::*)();
    static const std::map<std::string, reader, std::less<>>& readers();

    tl::unexpected<error> refused(const std::string& why) const {
        return fail(errc::malformed, made_.label + " " + why);
    }

    result<void> read_constant() {
        const auto* tensor = given_.tensor("value");
        if (tensor == nullptr || !given_.wrong().empty()) {
            return refused("has another attribute than a tensor \"value\"");
        }
        auto made = constant_of(*tensor);
        if (!made) return refused(made.error().detail);
        if (!into_.constants.emplace(made_.output, std::move(*made)).second) {
            return refused("writes a value that another one writes: " + made_.output);
        }
        return {};
    }

    template <operation What>
    void plain() {
        made_.what = What;
    }

    void window() {
        const std::string pads = given_.text("auto_pad", "NOTSET");
        if (pads != "NOTSET" && pads != "VALID") why_ = "pads automatically: " + pads;
        made_.padding = given_.integers("pads", {0, 0, 0, 0});
        made_.strides = given_.integers("strides", {1, 1});
        made_.kernel = given_.integers("kernel_shape", {});
        for (const long step : given_.integers("dilations", {1, 1})) {
            if (step != 1) why_ = "has a dilated window";
        }
    }

    void conv() {
        made_.what = operation::convolution;
        window();
        made_.groups = given_.integer("group", 1);
    }

    void conv_transpose() {
        made_.what = operation::convolution_transpose;
        window();
        made_.groups = given_.integer("group", 1);
        for (const long more : given_.integers("output_padding", {})) {
            if (more != 0) why_ = "has output padding";
        }
    }

    void max_pool() {
        made_.what = operation::max_pool;
        window();
        given_.only("ceil_mode", 0, 0);
        given_.only("storage_order", 0, 0);
    }

    void average_pool() {
        made_.what = operation::average_pool;
        window();
        given_.only("ceil_mode", 0, 0);
        given_.integer("count_include_pad", 0);  // without padding it is all the same
    }

    void reduce_mean() {
        made_.what = operation::average_all;
        const auto axes = given_.integers("axes", {});
        const bool both = axes == std::vector<long>{2, 3} || axes == std::vector<long>{-2, -1};
        if (!both) why_ = "is a mean over other axes than rows and columns";
        given_.only("keepdims", 1, 1);
    }

    void batch_normalization() {
        made_.what = operation::batch_normalization;
        made_.epsilon = given_.number("epsilon", 1e-5f);
        given_.number("momentum", 0);  // for training
        given_.only("training_mode", 0, 0);
        given_.only("spatial", 1, 1);
    }

    void dropout() {
        made_.what = operation::identity;
        given_.number("ratio", 0);
        given_.integer("seed", 0);
        if (made_.inputs.size() > 2) why_ = "says by an operand whether it is in training";
        made_.inputs.resize(1);
    }

    void leaky_relu() {
        made_.what = operation::prelu;
        const std::string slope = "\n" + made_.output;  // no name of a file's
        into_.constants[slope] = {{1}, {given_.number("alpha", 0.01f)}, {}};
        made_.inputs.push_back(slope);
        if (made_.inputs.size() != 2) why_ = "has more operands than are known";
    }

    void flatten() {
        made_.what = operation::flatten;
        given_.only("axis", 1, 1);
    }

    void reshape() {
        made_.what = operation::reshape;
        given_.only("allowzero", 0, 0);
    }

    void transpose() {
        made_.what = operation::transpose;
        made_.order = given_.integers("perm", {});
    }

    void gemm() {
        made_.what = operation::product;
        made_.factor = given_.number("alpha", 1);
        made_.constant_factor = given_.number("beta", 1);
        made_.transposed = given_.integer("transB", 0) != 0;
        given_.only("transA", 0, 0);
    }

    /// Nearest neighbour by a whole factor, in those ways of counting that repeat each pixel.
    void resize() {
        made_.what = operation::repeat;
        if (given_.text("mode", "nearest") != "nearest") why_ = "is not by the nearest pixel";
        const std::string places = given_.text("coordinate_transformation_mode",
                                               opset_ < 11 ? "asymmetric" : "half_pixel");
        const std::string nearest =
            given_.text("nearest_mode", opset_ < 11 ? "floor" : "round_prefer_floor");
        given_.number("cubic_coeff_a", 0);
        given_.number("extrapolation_value", 0);
        given_.integer("exclude_outside", 0);
        const bool rounds = nearest == "round_prefer_floor" || nearest == "round_prefer_ceil";
        const bool halves = places == "half_pixel" || places == "pytorch_half_pixel";
        if (!(places == "asymmetric" && nearest == "floor") && !(halves && rounds)) {
            why_ = "finds the nearest pixel in a way that is not known: " + places + ", " + nearest;
        }
        const std::size_t scales = opset_ < 11 ? 1 : 2;
        if (made_.inputs.size() > scales + 1) why_ = "says its size, not its factors";
        made_.inputs.resize(scales + 1);
        made_.inputs = {made_.inputs[0], made_.inputs[scales]};
    }

    void upsample() {
        made_.what = operation::repeat;
        if (given_.text("mode", "nearest") != "nearest") why_ = "is not by the nearest pixel";
    }

    const onnx::NodeProto& from_;
    graph& into_;
    long opset_;
    attributes given_;
    node made_;
    std::string why_;
};

const std::map<std::string, node_reader::reader, std::less<>>& node_reader::readers() {
    static const std::map<std::string, reader, std::less<>> all{
        {"Add", &node_reader::plain<operation::add>},
        {"AveragePool", &node_reader::average_pool},
        {"BatchNormalization", &node_reader::batch_normalization},
        {"Conv", &node_reader::conv},
        {"ConvTranspose", &node_reader::conv_transpose},
        {"Div", &node_reader::plain<operation::divide>},
        {"Dropout", &node_reader::dropout},
        {"Flatten", &node_reader::flatten},
        {"Gemm", &node_reader::gemm},
        {"GlobalAveragePool", &node_reader::plain<operation::average_all>},
        {"Identity", &node_reader::plain<operation::identity>},
        {"LeakyRelu", &node_reader::leaky_relu},
        {"MatMul", &node_reader::plain<operation::product>},
        {"MaxPool", &node_reader::max_pool},
        {"Mul", &node_reader::plain<operation::multiply>},
        {"PRelu", &node_reader::plain<operation::prelu>},
        {"ReduceMean", &node_reader::reduce_mean},
        {"Relu", &node_reader::plain<operation::relu>},
        {"Reshape", &node_reader::reshape},
        {"Resize", &node_reader::resize},
        {"Sigmoid", &node_reader::plain<operation::sigmoid>},
        {"Sub", &node_reader::plain<operation::subtract>},
        {"Transpose", &node_reader::transpose},
        {"Upsample", &node_reader::upsample},
    };
    return all;
}

/// The version of the operator set. errors  malformed
result<long> opset_of(const onnx::ModelProto& model) {
    long version = 0;
    for (const auto& one : model.opset_import()) {
        if (one.domain().empty() || one.domain() == "ai.onnx") version = one.version();
    }
    if (version < opset_first || version > opset_last) {
        return fail(errc::malformed, "the file wants operator set " + std::to_string(version) +
                                         "; known are 7 to 17");
    }
    return version;
}

/// The one input that is a picture. Older files list their constants as inputs, too.
result<void> take_input(const onnx::GraphProto& from, graph& into) {
    for (const auto& one : from.input()) {
        if (into.constants.contains(one.name())) continue;
        if (!into.input.empty()) {
            return fail(errc::malformed,
                        "the file has two inputs: " + into.input + " and " + one.name());
        }
        const auto& type = one.type().tensor_type();
        const auto& shape = type.shape();
        const bool picture = one.type().has_tensor_type() &&
                             type.elem_type() == onnx::TensorProto::FLOAT &&
                             shape.dim_size() == 4 && shape.dim(1).dim_value() == 3;
        if (!picture || one.name().empty()) {
            return fail(errc::malformed, "the input \"" + one.name() +
                                             "\" is not float32 [pictures][3][rows][columns]");
        }
        into.input = one.name();
        into.rows = shape.dim(2).dim_value();
        into.columns = shape.dim(3).dim_value();
    }
    if (into.input.empty()) return fail(errc::malformed, "the file has no input");
    return {};
}

result<graph> graph_of(const onnx::ModelProto& model) {
    const auto opset = opset_of(model);
    if (!opset) return fail(opset.error());
    const onnx::GraphProto& from = model.graph();
    if (model.functions_size() > 0 || model.training_info_size() > 0 ||
        from.sparse_initializer_size() > 0) {
        return fail(errc::malformed, "the file has functions, training or sparse numbers");
    }
    graph made;
    for (const auto& one : from.initializer()) {
        auto numbers = constant_of(one);
        if (!numbers) return fail(numbers.error());
        if (!made.constants.emplace(one.name(), std::move(*numbers)).second) {
            return fail(errc::malformed, "two tensors are named \"" + one.name() + "\"");
        }
    }
    if (const auto taken = take_input(from, made); !taken) return fail(taken.error());
    for (const auto& one : from.node()) {
        if (const auto read = node_reader(one, made, *opset).read(); !read) {
            return fail(read.error());
        }
    }
    for (const auto& one : from.output()) made.outputs.push_back({one.name(), one.name()});
    return made;
}

}  // namespace

result<network> parse_onnx(std::string_view bytes, const input_format& input) {
    onnx::ModelProto model;
    if (bytes.size() > model_bytes_max ||
        !model.ParseFromArray(bytes.data(), static_cast<int>(bytes.size())) || !model.has_graph()) {
        return fail(errc::malformed, "not an ONNX file, or one cut short");
    }
    auto made = graph_of(model);
    if (!made) return fail(made.error());
    model.Clear();
    return lowered(std::move(*made), input);
}

result<network> load_onnx(const std::string& file, const input_format& input) {
    const auto bytes = file_bytes(file);
    if (!bytes) return fail(bytes.error());
    auto list = parse_onnx(*bytes, input);
    if (!list) return fail(list.error().code, file + ": " + list.error().detail);
    return list;
}

}  // namespace vultus
