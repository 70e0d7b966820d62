// Plain loops over every number, as layers.hpp says it.
#include "tests/workers/engine/plain_layers_support.hpp"

#include <algorithm>
#include <cmath>

namespace vultus::testing {
namespace {

std::size_t at(const tensor_shape& shape, long channel, long row, long column) {
    return static_cast<std::size_t>((channel * shape.rows + row) * shape.columns + column);
}

/// The number there, or 0 outside.
double here(const plain_tensor& t, long channel, long row, long column) {
    const bool inside = channel < t.shape.channels && row >= 0 && row < t.shape.rows &&
                        column >= 0 && column < t.shape.columns;
    return inside ? t.numbers[at(t.shape, channel, row, column)] : 0.0;
}

double convolved(const layer& one, const plain_tensor& in, long output, long row, long column) {
    double sum = one.bias[static_cast<std::size_t>(output)];
    const long group_inputs = one.inputs / one.groups, group_outputs = one.outputs / one.groups;
    const float* weight = one.weights.data() + output * group_inputs * one.rows * one.columns;
    const long first = output / group_outputs * group_inputs;
    for (long i = first; i < first + group_inputs; ++i) {
        for (long y = 0; y < one.rows; ++y) {
            for (long x = 0; x < one.columns; ++x) {
                sum += static_cast<double>(*weight++) *
                       here(in, i, row * one.stride - one.padding_rows + y,
                            column * one.stride - one.padding_columns + x);
            }
        }
    }
    return sum;
}

/// Every pixel of `in` that adds to this one.
double convolved_back(const layer& one, const plain_tensor& in, long output, long row,
                      long column) {
    double sum = one.bias[static_cast<std::size_t>(output)];
    for (long i = 0; i < one.inputs; ++i) {
        for (long y = 0; y < in.shape.rows; ++y) {
            for (long x = 0; x < in.shape.columns; ++x) {
                const long tap_row = row + one.padding_rows - y * one.stride;
                const long tap_column = column + one.padding_columns - x * one.stride;
                if (tap_row < 0 || tap_row >= one.rows) continue;
                if (tap_column < 0 || tap_column >= one.columns) continue;
                const long tap = ((output * one.inputs + i) * one.rows + tap_row) * one.columns;
                const float weight = one.weights[static_cast<std::size_t>(tap + tap_column)];
                sum += static_cast<double>(weight) * here(in, i, y, x);
            }
        }
    }
    return sum;
}

double pooled(const layer& one, const plain_tensor& in, long channel, long row, long column) {
    const bool all = one.kind == layer_kind::average_all;
    const long rows = all ? in.shape.rows : one.rows,
               columns = all ? in.shape.columns : one.columns;
    double sum = 0, largest = here(in, channel, row * one.stride, column * one.stride);
    for (long y = 0; y < rows; ++y) {
        for (long x = 0; x < columns; ++x) {
            const double value = here(in, channel, row * one.stride + y, column * one.stride + x);
            sum += value;
            largest = std::max(largest, value);
        }
    }
    return one.kind == layer_kind::max_pool ? largest : sum / static_cast<double>(rows * columns);
}

double value_of(const layer& one, const plain_tensor& in, const plain_tensor& plus, long channel,
                long row, long column) {
    const auto c = static_cast<std::size_t>(channel);
    const double value = here(in, channel, row, column);
    double sum = 0;
    switch (one.kind) {
        case layer_kind::conv:
            return convolved(one, in, channel, row, column);
        case layer_kind::conv_transpose:
            return convolved_back(one, in, channel, row, column);
        case layer_kind::relu:
            return std::max(0.0, value);
        case layer_kind::prelu:
            sum = static_cast<double>(one.weights[one.weights.size() == 1 ? 0 : c]);
            return value > 0 ? value : value * sum;
        case layer_kind::sigmoid:
            return 1 / (1 + std::exp(-value));
        case layer_kind::affine:
            return value * static_cast<double>(one.weights[c]) + static_cast<double>(one.bias[c]);
        case layer_kind::upsample:
            return here(in, channel, row / one.stride, column / one.stride);
        case layer_kind::multiply:
            if (plus.shape == in.shape) return value * here(plus, channel, row, column);
            return value * here(plus, channel, 0, 0);
        case layer_kind::max_pool:
        case layer_kind::average_pool:
        case layer_kind::average_all:
            return pooled(one, in, channel, row, column);
        case layer_kind::add:
            return value + here(plus, channel, row, column);
        case layer_kind::linear:
            if (!one.bias.empty()) sum = static_cast<double>(one.bias[c]);
            for (long i = 0; i < one.inputs; ++i) {
                sum += in.numbers[static_cast<std::size_t>(i)] *
                       static_cast<double>(
                           one.weights[static_cast<std::size_t>(i * one.outputs + channel)]);
            }
            return sum;
        case layer_kind::column_sum:
            for (long k = 0; k < one.columns; ++k) {
                sum += here(in, k, row, column + k - one.padding_columns);
            }
            return sum + static_cast<double>(one.bias[0]);
    }
    return sum;
}

}  // namespace

std::vector<plain_tensor> computed(const network& net, plain_tensor picture) {
    const auto shapes = shapes_of(net, picture.shape);
    std::vector<plain_tensor> values{std::move(picture)};
    for (std::size_t i = 0; i < net.layers.size(); ++i) {
        const layer& one = net.layers[i];
        plain_tensor out{shapes.value()[i + 1], {}};
        out.numbers.reserve(out.shape.size());
        for (long channel = 0; channel < out.shape.channels; ++channel) {
            for (long row = 0; row < out.shape.rows; ++row) {
                for (long column = 0; column < out.shape.columns; ++column) {
                    out.numbers.push_back(
                        value_of(one, values[one.from], values[one.plus], channel, row, column));
                }
            }
        }
        values.push_back(std::move(out));
    }
    return values;
}

plain_tensor picture_of(const std::uint8_t* rgb, long rows, long columns,
                        const input_format& input) {
    plain_tensor out{{3, rows, columns}, {}};
    for (std::size_t channel = 0; channel < 3; ++channel) {
        for (long i = 0; i < rows * columns; ++i) {
            const std::size_t colour = input.bgr ? 2 - channel : channel;
            const float byte = rgb[static_cast<std::size_t>(i) * 3 + colour];
            const float number = (byte - input.mean[channel]) * input.scale[channel];
            out.numbers.push_back(static_cast<double>(number));
        }
    }
    return out;
}

layer small_conv(long outputs, long columns) {
    layer one;
    one.kind = layer_kind::conv;
    one.inputs = 3;
    one.outputs = outputs;
    one.rows = one.columns = columns;
    one.weights.assign(static_cast<std::size_t>(outputs * 3 * columns * columns), 0.5f);
    one.bias.assign(static_cast<std::size_t>(outputs), 1.0f);
    return one;
}

}  // namespace vultus::testing
