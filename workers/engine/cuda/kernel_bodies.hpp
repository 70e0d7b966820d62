// The kernels' bodies: what one thread of a launch computes. Compiled by nvcc for the GPU, where
// launches.cu calls them, and by any compiler for the tests' stand-in, which calls them in loops.
// Pictures are [picture][row][column][channel], channels padded to channel_step with zeros.
#pragma once

#include "workers/engine/cuda/kernel_depthwise.hpp"
#include "workers/engine/cuda/kernel_numbers.hpp"
#include "workers/engine/cuda/kernel_pictures.hpp"

namespace vultus::cuda {

/// The largest or the mean of each window without padding. One thread a group of out_shape.
template <typename Number>
VULTUS_BOTH void pool_body(const kernel_call& call, int i) {
    const spot here = spot_of(i, call.out_shape);
    float kept[channel_step] = {};
    for (int tap = 0; tap < call.window_rows * call.window_columns; ++tap) {
        const int row = here.row * call.stride + tap / call.window_columns;
        const int column = here.column * call.stride + tap % call.window_columns;
        const eight<Number> from = group<Number>(
            call.in, group_index(here.picture, row, column, here.part, call.in_shape));
        for (int k = 0; k < channel_step; ++k) {
            const float value = widened(from.at[k]);
            if (tap == 0) {
                kept[k] = value;
            } else if (call.largest) {
                kept[k] = kept[k] < value ? value : kept[k];
            } else {
                kept[k] += value;
            }
        }
    }
    const float share =
        call.largest ? 1.0f : 1.0f / static_cast<float>(call.window_rows * call.window_columns);
    eight<Number> made;
    for (int k = 0; k < channel_step; ++k) put(kept[k] * share, made.at[k]);
    group<Number>(call.out, i) = made;
}

/// The mean of each row of a channel, float32: [picture][row][channel]. One thread a group of a
/// row.
template <typename Number>
VULTUS_BOTH void average_rows_body(const kernel_call& call, int i) {
    const int parts = call.in_shape.channels / channel_step;
    const long first = static_cast<long>(i / parts) * call.in_shape.columns * parts + i % parts;
    float sums[channel_step] = {};
    for (int column = 0; column < call.in_shape.columns; ++column) {
        const eight<Number> from =
            group<Number>(call.in, first + static_cast<long>(column) * parts);
        for (int k = 0; k < channel_step; ++k) sums[k] += widened(from.at[k]);
    }
    eight<float> made;
    for (int k = 0; k < channel_step; ++k) {
        made.at[k] = sums[k] / static_cast<float>(call.in_shape.columns);
    }
    group<float>(call.out, i) = made;
}

/// A number to float32 or half, as wide_out says.
VULTUS_BOTH void put_out(const kernel_call& call, int i, float value) {
    if (call.wide_out) {
        static_cast<float*>(call.out)[i] = value;
    } else {
        put(value, static_cast<fp16*>(call.out)[i]);
    }
}

/// The mean of each channel. One thread a channel of a picture.
template <typename Number>
VULTUS_BOTH void average_all_body(const kernel_call& call, int i) {
    const int channels = call.in_shape.channels,
              pixels = call.in_shape.rows * call.in_shape.columns;
    const auto* from = static_cast<const Number*>(call.in) +
                       static_cast<long>(i / channels) * pixels * channels + i % channels;
    float sum = 0;
    for (int p = 0; p < pixels; ++p) sum += widened(from[static_cast<long>(p) * channels]);
    put_out(call, i, sum / static_cast<float>(pixels));
}

/// An operand's group at that place, zeros where it has ended.
template <typename Number>
VULTUS_BOTH eight<Number> operand(const void* of, const spot& at, const extent& shape) {
    if (at.row >= shape.rows || at.column >= shape.columns ||
        at.part * channel_step >= shape.channels) {
        return {};
    }
    return group<Number>(of, group_index(at.picture, at.row, at.column, at.part, shape));
}

/// in + plus, the smaller one continued with zeros; then `after`. One thread a group of out_shape.
template <typename Number>
VULTUS_BOTH void add_body(const kernel_call& call, int i) {
    const spot here = spot_of(i, call.out_shape);
    const auto a = operand<Number>(call.in, here, call.in_shape);
    const auto b = operand<Number>(call.plus, here, call.plus_shape);
    float sums[channel_step];
    for (int k = 0; k < channel_step; ++k) sums[k] = widened(a.at[k]) + widened(b.at[k]);
    store<Number>(call, i, here.part, sums);
}

/// `after` alone; `in` may be `out`. One thread a group.
template <typename Number>
VULTUS_BOTH void activate_body(const kernel_call& call, int i) {
    const eight<Number> from = group<Number>(call.in, i);
    float values[channel_step];
    for (int k = 0; k < channel_step; ++k) values[k] = widened(from.at[k]);
    store<Number>(call, i, i % (call.out_shape.channels / channel_step), values);
}

/// The input channel, without the first ones of other inputs, that an output channel of a grouped
/// convolution begins with.
VULTUS_BOTH int first_input(const kernel_call& call, int channel) {
    return channel / call.outputs * call.inputs;
}

/// One place of the window of a grouped convolution: weights * in, added to the sums. With one
/// channel in and out a group, eight channels of `in` are those of `out`.
template <typename Number>
VULTUS_BOTH void add_place(const kernel_call& call, const spot& here, int place, long pixel,
                           float* sums) {
    const int first = here.part * channel_step;
    const long pixel_parts = call.in_shape.channels / channel_step;
    if (call.inputs == 1 && call.outputs == 1) {
        const eight<Number> from = group<Number>(call.in, pixel * pixel_parts + here.part);
        const eight<float> by =
            group<float>(call.weights, static_cast<long>(place) * here.parts + here.part);
        for (int k = 0; k < channel_step; ++k) sums[k] += by.at[k] * widened(from.at[k]);
        return;
    }
    const auto* from = static_cast<const Number*>(call.in) + pixel * call.in_shape.channels;
    for (int input = 0; input < call.inputs; ++input) {
        const long row = static_cast<long>(place) * call.inputs + input;
        const eight<float> by = group<float>(call.weights, row * here.parts + here.part);
        for (int k = 0; k < channel_step && first + k < call.channels; ++k) {
            sums[k] += by.at[k] * widened(from[first_input(call, first + k) + input]);
        }
    }
}

/// A convolution whose channels are in groups, plus `addend`, then `after`. weights [row][column]
/// [input of a group][output, padded], `inputs` and `outputs` of a group. One thread a group of
/// eight channels of out_shape.
template <typename Number>
VULTUS_BOTH void grouped_body(const kernel_call& call, int i) {
    const spot here = spot_of(i, call.out_shape);
    float sums[channel_step];
    for (int k = 0; k < channel_step; ++k) sums[k] = call.offsets[here.part * channel_step + k];
    for (int place = 0; place < call.window_rows * call.window_columns; ++place) {
        const int row = here.row * call.stride - call.padding_rows + place / call.window_columns;
        const int column =
            here.column * call.stride - call.padding_columns + place % call.window_columns;
        if (row < 0 || row >= call.in_shape.rows) continue;
        if (column < 0 || column >= call.in_shape.columns) continue;
        const long line = static_cast<long>(here.picture) * call.in_shape.rows + row;
        add_place<Number>(call, here, place, line * call.in_shape.columns + column, sums);
    }
    store<Number>(call, i, here.part, sums);
}

/// The pixel of a side of `in` whose window has that place on pixel `at` of `out`; -1: none.
VULTUS_BOTH int pixel_under(int at, int padding, int place, int stride, int side) {
    const int from = at + padding - place;
    if (from < 0 || from % stride != 0) return -1;
    return from / stride < side ? from / stride : -1;
}

/// A transposed convolution: of each pixel of `out` the bias and what the windows of `in` put
/// there; then `after`. weights [row][column][input][output, padded]. One thread a group of
/// out_shape.
template <typename Number>
VULTUS_BOTH void transposed_body(const kernel_call& call, int i) {
    const spot here = spot_of(i, call.out_shape);
    float sums[channel_step];
    for (int k = 0; k < channel_step; ++k) sums[k] = call.offsets[here.part * channel_step + k];
    for (int place = 0; place < call.window_rows * call.window_columns; ++place) {
        const int row = pixel_under(here.row, call.padding_rows, place / call.window_columns,
                                    call.stride, call.in_shape.rows);
        const int column =
            pixel_under(here.column, call.padding_columns, place % call.window_columns, call.stride,
                        call.in_shape.columns);
        if (row < 0 || column < 0) continue;
        const auto* from = static_cast<const Number*>(call.in) +
                           group_index(here.picture, row, column, 0, call.in_shape) * channel_step;
        for (int input = 0; input < call.inputs; ++input) {
            const long line = static_cast<long>(place) * call.inputs + input;
            const eight<float> by = group<float>(call.weights, line * here.parts + here.part);
            const float value = widened(from[input]);
            for (int k = 0; k < channel_step; ++k) sums[k] += by.at[k] * value;
        }
    }
    store<Number>(call, i, here.part, sums);
}

/// weights * in + offsets, one of each a channel, then `after`. One thread a group.
template <typename Number>
VULTUS_BOTH void affine_body(const kernel_call& call, int i) {
    const int part = i % (call.out_shape.channels / channel_step);
    const eight<Number> from = group<Number>(call.in, i);
    float values[channel_step];
    for (int k = 0; k < channel_step; ++k) {
        const int channel = part * channel_step + k;
        values[k] = widened(from.at[k]) * call.weights[channel] + call.offsets[channel];
    }
    store<Number>(call, i, part, values);
}

/// in * plus + addend, then `after`; plus as large as `in` or one number a channel. One thread a
/// group.
template <typename Number>
VULTUS_BOTH void multiply_body(const kernel_call& call, int i) {
    const spot here = spot_of(i, call.out_shape);
    const bool one_each = call.plus_shape.rows == 1 && call.plus_shape.columns == 1;
    const eight<Number> a = group<Number>(call.in, i);
    const eight<Number> b =
        group<Number>(call.plus, one_each ? here.picture * here.parts + here.part : i);
    float products[channel_step];
    for (int k = 0; k < channel_step; ++k) products[k] = widened(a.at[k]) * widened(b.at[k]);
    store<Number>(call, i, here.part, products);
}

/// Each pixel `stride` times in both directions, plus `addend`, then `after`. One thread a group of
/// out_shape.
template <typename Number>
VULTUS_BOTH void upsample_body(const kernel_call& call, int i) {
    const spot here = spot_of(i, call.out_shape);
    const eight<Number> from =
        group<Number>(call.in, group_index(here.picture, here.row / call.stride,
                                           here.column / call.stride, here.part, call.in_shape));
    float values[channel_step];
    for (int k = 0; k < channel_step; ++k) values[k] = widened(from.at[k]);
    store<Number>(call, i, here.part, values);
}

/// out = weights * in + offsets over all numbers of `in`; weights [input][output], inputs as
/// [channel][row][column]; `inputs` channels, the others are padding. One thread an output of a
/// picture, those of padding among them.
template <typename Number>
VULTUS_BOTH void linear_body(const kernel_call& call, int i) {
    const int padded = call.out_shape.channels, output = i % padded;
    const int pixels = call.in_shape.rows * call.in_shape.columns;
    if (output >= call.channels) return put_out(call, i, 0.0f);
    const auto* from = static_cast<const Number*>(call.in) +
                       static_cast<long>(i / padded) * pixels * call.in_shape.channels;
    const float* by = call.weights + output;
    float sum = 0;
    for (int channel = 0; channel < call.inputs; ++channel) {
        for (int p = 0; p < pixels; ++p, by += call.channels) {
            sum += widened(from[static_cast<long>(p) * call.in_shape.channels + channel]) * *by;
        }
    }
    put_out(call, i, call.offsets == nullptr ? sum : sum + call.offsets[output]);
}

/// out[y][x] = bias + sum over k of in[y][x + k - padding][k], float32. One thread a pixel.
template <typename Number>
VULTUS_BOTH void column_sum_body(const kernel_call& call, int i) {
    const int columns = call.in_shape.columns, column = i % columns;
    const auto* line = static_cast<const Number*>(call.in) +
                       static_cast<long>(i - column) * call.in_shape.channels;
    float sum = call.bias;
    for (int k = 0; k < call.window_columns; ++k) {
        const int from = column + k - call.padding_columns;
        if (from < 0 || from >= columns) continue;
        sum += widened(line[static_cast<long>(from) * call.in_shape.channels + k]);
    }
    static_cast<float*>(call.out)[i] = sum;
}

/// A value as planes of float32, [picture][channel][row][column] without padding. One thread eight
/// channels of a pixel; neighbours have neighbouring pixels, as they lie together in the planes.
template <typename Number>
VULTUS_BOTH void planes_body(const kernel_call& call, int i) {
    const int parts = call.in_shape.channels / channel_step;
    const int pixels = call.in_shape.rows * call.in_shape.columns, pixel = i % pixels;
    const int part = i / pixels % parts, picture = i / pixels / parts;
    const eight<Number> from =
        group<Number>(call.in, (static_cast<long>(picture) * pixels + pixel) * parts + part);
    for (int k = 0; k < channel_step && part * channel_step + k < call.channels; ++k) {
        const long plane = static_cast<long>(picture) * call.channels + part * channel_step + k;
        static_cast<float*>(call.out)[plane * pixels + pixel] = widened(from.at[k]);
    }
}

template <typename Number>
VULTUS_BOTH void body_as(const kernel_call& call, int i) {
    switch (call.what) {
        case kernel::picture:
            return picture_body<Number>(call, i);
        case kernel::shrink:
            return shrink_body<Number>(call, i);
        case kernel::pool:
            return pool_body<Number>(call, i);
        case kernel::average_rows:
            return average_rows_body<Number>(call, i);
        case kernel::average_all:
            return average_all_body<Number>(call, i);
        case kernel::add:
            return add_body<Number>(call, i);
        case kernel::activate:
            return activate_body<Number>(call, i);
        case kernel::grouped:
            return grouped_body<Number>(call, i);
        case kernel::depthwise:
            return depthwise_of_any_size<Number>(call, i);
        case kernel::transposed:
            return transposed_body<Number>(call, i);
        case kernel::affine:
            return affine_body<Number>(call, i);
        case kernel::multiply:
            return multiply_body<Number>(call, i);
        case kernel::upsample:
            return upsample_body<Number>(call, i);
        case kernel::linear:
            return linear_body<Number>(call, i);
        case kernel::column_sum:
            return column_sum_body<Number>(call, i);
        case kernel::planes:
            return planes_body<Number>(call, i);
    }
}

/// Piece i of a launch.
VULTUS_BOTH void body(const kernel_call& call, int i) {
    call.wide ? body_as<float>(call, i) : body_as<fp16>(call, i);
}

}  // namespace vultus::cuda
