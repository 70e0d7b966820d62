// The shapes of a layer list and what can be wrong with one.
#include "workers/engine/layers.hpp"

#include <algorithm>
#include <cmath>
#include <string>

#include "shared/base/require.hpp"

namespace vultus {
namespace {

bool is_pool(layer_kind kind) {
    return kind == layer_kind::max_pool || kind == layer_kind::average_pool;
}

/// How many windows fit into a side; 0 or less if none does.
long windows(long side, long window, long padding, long stride) {
    const long room = side + 2 * padding - window;
    return room < 0 ? 0 : room / stride + 1;
}

tensor_shape shape_after(const layer& one, const tensor_shape& in, const tensor_shape& plus) {
    switch (one.kind) {
        case layer_kind::conv:
        case layer_kind::max_pool:
        case layer_kind::average_pool:
            return {one.kind == layer_kind::conv ? one.outputs : in.channels,
                    windows(in.rows, one.rows, one.padding_rows, one.stride),
                    windows(in.columns, one.columns, one.padding_columns, one.stride)};
        case layer_kind::relu:
            return in;
        case layer_kind::average_all:
            return {in.channels, 1, 1};
        case layer_kind::add:
            return {std::max(in.channels, plus.channels), std::max(in.rows, plus.rows),
                    std::max(in.columns, plus.columns)};
        case layer_kind::linear:
            return {one.outputs, 1, 1};
        case layer_kind::column_sum:
            return {1, in.rows, in.columns};
    }
    return in;
}

bool sizes_make_sense(const layer& one) {
    const auto small = [](long value, long least, long most) {
        return value >= least && value <= most;
    };
    const bool weighs = one.kind == layer_kind::conv || one.kind == layer_kind::linear;
    if (weighs && (!small(one.inputs, 1, 1'000'000) || !small(one.outputs, 1, 1'000'000))) {
        return false;
    }
    return small(one.rows, 1, 1'000) && small(one.columns, 1, 1'000) && small(one.stride, 1, 100) &&
           small(one.padding_rows, 0, one.rows - 1) &&
           small(one.padding_columns, 0, one.columns - 1);
}

/// What is wrong with a layer that reads `in` channels; empty if nothing.
std::string fault_of(const layer& one, long in) {
    if (!sizes_make_sense(one)) return "has impossible sizes";
    const bool conv = one.kind == layer_kind::conv, sum = one.kind == layer_kind::column_sum;
    const bool reads = conv || sum || one.kind == layer_kind::linear;
    if (reads && one.inputs != in) return "reads the wrong number of channels";
    if (sum && one.inputs != one.columns) return "sums the wrong number of columns";
    if (is_pool(one.kind) && (one.padding_rows != 0 || one.padding_columns != 0)) {
        return "is a pool with padding, which is not supported";
    }
    const long weights = conv ? one.outputs * in * one.rows * one.columns
                         : one.kind == layer_kind::linear ? one.outputs * in
                                                          : 0;
    const long bias = conv ? one.outputs : sum ? 1 : 0;
    if (one.weights.size() != static_cast<std::size_t>(weights) ||
        one.bias.size() != static_cast<std::size_t>(bias)) {
        return "has the wrong number of weights for its size";
    }
    const auto finite = [](float value) { return std::isfinite(value); };
    if (!std::all_of(one.weights.begin(), one.weights.end(), finite) ||
        !std::all_of(one.bias.begin(), one.bias.end(), finite)) {
        return "has a weight that is not finite";
    }
    return "";
}

}  // namespace

result<std::vector<tensor_shape>> shapes_of(const network& net, tensor_shape picture) {
    std::vector<tensor_shape> shapes{picture};
    for (const layer& one : net.layers) {
        shapes.push_back(shape_after(one, shapes[one.from], shapes[one.plus]));
        if (shapes.back().rows < 1 || shapes.back().columns < 1) {
            return fail(errc::bad_option, "image is smaller than the network's window");
        }
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
        const long in = channels[one.from];
        const std::string fault = fault_of(one, in);
        if (!fault.empty()) return fail(errc::malformed, name + fault);
        channels.push_back(
            shape_after(one, {in, 1'000, 1'000}, {channels[one.plus], 1, 1}).channels);
    }
    const auto finite = [](float value) { return std::isfinite(value); };
    if (!std::all_of(net.mean.begin(), net.mean.end(), finite)) {
        return fail(errc::malformed, "the mean colour of the network is not finite");
    }
    return {};
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
