// The shapes of a layer list and what can be wrong with one.
#include "workers/engine/layers.hpp"

#include <algorithm>
#include <cmath>
#include <set>
#include <string>

#include "shared/base/require.hpp"

namespace vultus {
namespace {

constexpr long channels_max = 1'000'000;
constexpr long side_max = 1L << 20;  ///< pixels of a value's side, so that no product overflows

bool is_pool(layer_kind kind) {
    return kind == layer_kind::max_pool || kind == layer_kind::average_pool;
}

bool is_convolution(layer_kind kind) {
    return kind == layer_kind::conv || kind == layer_kind::conv_transpose;
}

/// How many windows fit into a side; 0 or less if none does.
long windows(long side, long window, long padding, long stride) {
    const long room = side + 2 * padding - window;
    return room < 0 ? 0 : room / stride + 1;
}

/// The side that `side` windows cover, less the padding.
long covered(long side, long window, long padding, long stride) {
    return (side - 1) * stride + window - 2 * padding;
}

/// Channels out, for `in` and `plus` channels in.
long channels_after(const layer& one, long in, long plus) {
    if (is_convolution(one.kind) || one.kind == layer_kind::linear) return one.outputs;
    if (one.kind == layer_kind::column_sum) return 1;
    return one.kind == layer_kind::add ? std::max(in, plus) : in;
}

tensor_shape unchecked_shape(const layer& one, const tensor_shape& in, const tensor_shape& plus) {
    tensor_shape out = in;
    out.channels = channels_after(one, in.channels, plus.channels);
    switch (one.kind) {
        case layer_kind::conv:
        case layer_kind::max_pool:
        case layer_kind::average_pool:
            out.rows = windows(in.rows, one.rows, one.padding_rows, one.stride);
            out.columns = windows(in.columns, one.columns, one.padding_columns, one.stride);
            break;
        case layer_kind::conv_transpose:
            out.rows = covered(in.rows, one.rows, one.padding_rows, one.stride);
            out.columns = covered(in.columns, one.columns, one.padding_columns, one.stride);
            break;
        case layer_kind::upsample:
            out.rows *= one.stride;
            out.columns *= one.stride;
            break;
        case layer_kind::add:
            out.rows = std::max(in.rows, plus.rows);
            out.columns = std::max(in.columns, plus.columns);
            break;
        case layer_kind::average_all:
        case layer_kind::linear:
            out.rows = out.columns = 1;
            break;
        case layer_kind::relu:
        case layer_kind::prelu:
        case layer_kind::sigmoid:
        case layer_kind::affine:
        case layer_kind::multiply:
        case layer_kind::column_sum:
            break;
    }
    return out;
}

/// Whether the operands have shapes that the layer takes.
bool operands_fit(const layer& one, const tensor_shape& in, const tensor_shape& plus) {
    const bool same = in == plus;
    switch (one.kind) {
        case layer_kind::add:
            return same || !one.same_size;
        case layer_kind::multiply:
            return same || plus == tensor_shape{in.channels, 1, 1};
        case layer_kind::linear:
            return in.size() == static_cast<std::size_t>(one.inputs);
        default:
            return true;
    }
}

bool small_enough(const tensor_shape& shape) {
    return shape.channels <= channels_max && shape.rows <= side_max && shape.columns <= side_max &&
           shape.size() <= value_floats_max;
}

bool sizes_make_sense(const layer& one) {
    const auto within = [](long value, long least, long most) {
        return value >= least && value <= most;
    };
    const bool weighs = is_convolution(one.kind) || one.kind == layer_kind::linear;
    const long inputs_max =
        one.kind == layer_kind::linear ? static_cast<long>(value_floats_max) : channels_max;
    if (weighs && (!within(one.inputs, 1, inputs_max) || !within(one.outputs, 1, channels_max))) {
        return false;
    }
    return within(one.groups, 1, channels_max) && within(one.rows, 1, 1'000) &&
           within(one.columns, 1, 1'000) && within(one.stride, 1, 100) &&
           within(one.padding_rows, 0, one.rows - 1) &&
           within(one.padding_columns, 0, one.columns - 1);
}

struct weight_counts {
    long weights = 0;
    long bias = 0;
};

/// How many numbers a layer has that reads `in` channels.
weight_counts counts_of(const layer& one, long in) {
    switch (one.kind) {
        case layer_kind::conv:
        case layer_kind::conv_transpose:
            return {one.outputs * (in / one.groups) * one.rows * one.columns, one.outputs};
        case layer_kind::linear:
            return {one.outputs * one.inputs, one.bias.empty() ? 0 : one.outputs};
        case layer_kind::affine:
            return {in, in};
        case layer_kind::prelu:
            return {one.weights.size() == 1 ? 1 : in, 0};
        case layer_kind::column_sum:
            return {0, 1};
        default:
            return {};
    }
}

bool all_finite(const std::vector<float>& values) {
    return std::all_of(values.begin(), values.end(),
                       [](float value) { return std::isfinite(value); });
}

/// What is wrong with a layer that reads `in` channels, and `plus` channels of the other operand;
/// empty if nothing.
std::string fault_of(const layer& one, long in, long plus) {
    if (!sizes_make_sense(one)) return "has impossible sizes";
    const bool sum = one.kind == layer_kind::column_sum;
    if ((is_convolution(one.kind) || sum) && one.inputs != in) {
        return "reads the wrong number of channels";
    }
    if (one.kind == layer_kind::linear && one.inputs % in != 0) {
        return "reads the wrong number of channels";
    }
    if (sum && one.inputs != one.columns) return "sums the wrong number of columns";
    if (one.groups != 1 && one.kind != layer_kind::conv) return "has groups, which only conv has";
    if (in % one.groups != 0 || one.outputs % one.groups != 0) {
        return "has channels that its groups do not divide";
    }
    if (is_pool(one.kind) && (one.padding_rows != 0 || one.padding_columns != 0)) {
        return "is a pool with padding, which is not supported";
    }
    const bool alike = one.kind == layer_kind::multiply || one.same_size;
    if (alike && in != plus) return "joins values of different channels";
    const weight_counts wanted = counts_of(one, in);
    if (one.weights.size() != static_cast<std::size_t>(wanted.weights) ||
        one.bias.size() != static_cast<std::size_t>(wanted.bias)) {
        return "has the wrong number of weights for its size";
    }
    if (!all_finite(one.weights) || !all_finite(one.bias)) {
        return "has a weight that is not finite";
    }
    return "";
}

result<void> check_outputs(const network& net) {
    std::set<std::string> names;
    for (const network_output& one : net.outputs) {
        if (one.value == 0 || one.value > net.layers.size()) {
            return fail(errc::malformed, "output " + one.name + " is not the value of a layer");
        }
        if (!names.insert(one.name).second) {
            return fail(errc::malformed, "two outputs are named " + one.name);
        }
    }
    return {};
}

}  // namespace

std::vector<network_output> outputs_of(const network& net) {
    if (!net.outputs.empty()) return net.outputs;
    return {{"", net.layers.size()}};
}

result<tensor_shape> shape_after(const layer& one, const tensor_shape& from,
                                 const tensor_shape& plus) {
    if (!operands_fit(one, from, plus)) {
        return fail(errc::bad_option, "gets values that do not fit");
    }
    const tensor_shape out = unchecked_shape(one, from, plus);
    if (out.rows < 1 || out.columns < 1) {
        return fail(errc::bad_option, "has a larger window than the image");
    }
    if (!small_enough(out)) return fail(errc::bad_option, "makes too large a value");
    return out;
}

result<std::vector<tensor_shape>> shapes_of(const network& net, tensor_shape picture) {
    std::vector<tensor_shape> shapes{picture};
    if (!small_enough(picture)) return fail(errc::bad_option, "image is too large");
    for (const layer& one : net.layers) {
        const auto out = shape_after(one, shapes[one.from], shapes[one.plus]);
        if (!out) {
            return fail(errc::bad_option, "at " + std::to_string(picture.columns) + "x" +
                                              std::to_string(picture.rows) + " pixels layer " +
                                              std::to_string(shapes.size() - 1) +
                                              " of the network " + out.error().detail);
        }
        shapes.push_back(*out);
    }
    return shapes;
}

result<void> check(const network& net) {
    if (net.layers.empty()) return fail(errc::malformed, "a network without layers");
    std::vector<long> channels{3};
    for (std::size_t i = 0; i < net.layers.size(); ++i) {
        const layer& one = net.layers[i];
        const std::string name = "layer " + std::to_string(i) + " of the network ";
        if (one.from > i || one.plus > i) {
            return fail(errc::malformed, name + "reads a later layer");
        }
        const long in = channels[one.from], plus = channels[one.plus];
        const std::string fault = fault_of(one, in, plus);
        if (!fault.empty()) return fail(errc::malformed, name + fault);
        channels.push_back(channels_after(one, in, plus));
    }
    const auto finite = [](float value) { return std::isfinite(value); };
    const input_format& input = net.input;
    if (!std::all_of(input.mean.begin(), input.mean.end(), finite) ||
        !std::all_of(input.scale.begin(), input.scale.end(), finite)) {
        return fail(errc::malformed, "the mean or scale of the network's input is not finite");
    }
    if (input.rows < 0 || input.rows > side_max || input.columns < 0 || input.columns > side_max) {
        return fail(errc::malformed, "the network's input has an impossible size");
    }
    return check_outputs(net);
}

network split_columns(network net) {
    std::vector<layer> layers;
    std::vector<std::size_t> renumbered{0};
    for (layer& one : net.layers) {
        one.from = renumbered[one.from];
        one.plus = renumbered[one.plus];
        if (one.kind != layer_kind::conv || one.outputs != 1 || one.columns == 1 ||
            one.stride != 1 || 2 * one.padding_columns + 1 != one.columns) {
            layers.push_back(std::move(one));
            renumbered.push_back(layers.size());
            continue;
        }
        layer tall = one, sum;
        tall.outputs = one.columns;
        tall.columns = 1;
        tall.padding_columns = 0;
        tall.bias.assign(static_cast<std::size_t>(tall.outputs), 0.0f);
        const auto windows_in = static_cast<std::size_t>(one.inputs * one.rows);
        const auto columns = static_cast<std::size_t>(one.columns);
        for (std::size_t window = 0; window < windows_in; ++window) {
            for (std::size_t column = 0; column < columns; ++column) {
                tall.weights[column * windows_in + window] = one.weights[window * columns + column];
            }
        }
        layers.push_back(std::move(tall));
        sum.kind = layer_kind::column_sum;
        sum.from = layers.size();
        sum.inputs = sum.columns = one.columns;
        sum.padding_columns = one.padding_columns;
        sum.bias = one.bias;
        layers.push_back(std::move(sum));
        renumbered.push_back(layers.size());
    }
    net.layers = std::move(layers);
    return net;
}

}  // namespace vultus
