// The kernels' bodies: what one thread of a launch computes. Compiled by nvcc for the GPU, where
// launches.cu calls them, and by any compiler for the tests' stand-in, which calls them in loops.
// Pictures are [picture][row][column][channel], channels padded to channel_step with zeros.
#pragma once

#include "workers/engine/cuda/fp16.hpp"
#include "workers/engine/cuda/table.hpp"

namespace vultus::cuda {

/// The channels that one thread loads and stores at once.
template <typename Number>
struct alignas(channel_step * sizeof(Number)) eight {
    Number at[channel_step];
};

template <typename Number>
VULTUS_BOTH const eight<Number>& group(const void* of, long index) {
    return static_cast<const eight<Number>*>(of)[index];
}
template <typename Number>
VULTUS_BOTH eight<Number>& group(void* of, long index) {
    return static_cast<eight<Number>*>(of)[index];
}

/// A thread's place in a picture: row, column and group of channels.
struct spot {
    int picture, row, column, part, parts;
};

VULTUS_BOTH spot spot_of(int i, const extent& shape) {
    const int parts = shape.channels / channel_step;
    const int pixel = i / parts, line = pixel / shape.columns;
    return {line / shape.rows, line % shape.rows, pixel % shape.columns, i % parts, parts};
}

VULTUS_BOTH long group_index(int picture, int row, int column, int part, const extent& shape) {
    const long line = static_cast<long>(picture) * shape.rows + row;
    return (line * shape.columns + column) * (shape.channels / channel_step) + part;
}

/// The piece of a side of `from` pixels that pixel i of `to` shows.
struct cover {
    float begin, end;
    int first, after;  ///< the pixels that it touches
};

/// As long as a step where the picture shrinks, so that nothing is left out; one pixel long where
/// it grows, and then lies between two of them.
VULTUS_BOTH cover cover_of(int i, int from, int to) {
    const float step = static_cast<float>(from) / static_cast<float>(to);
    const float length = step > 1.0f ? step : 1.0f, room = static_cast<float>(from) - length;
    float begin = (static_cast<float>(i) + 0.5f) * step - length / 2;
    begin = begin < 0.0f ? 0.0f : begin > room ? room : begin;
    const float end = begin + length;
    const int before_end = static_cast<int>(end);
    const int after = static_cast<float>(before_end) < end ? before_end + 1 : before_end;
    return {begin, end, static_cast<int>(begin), after < from ? after : from};
}

/// How much of `piece` pixel k has.
VULTUS_BOTH float share_of(const cover& piece, int k) {
    const auto begin = static_cast<float>(k), end = begin + 1.0f;
    const float part =
        (end < piece.end ? end : piece.end) - (begin > piece.begin ? begin : piece.begin);
    return part / (piece.end - piece.begin);
}

/// Bytes of another size to numbers, (byte - mean) / 256, at `to` on each canvas of out_shape: each
/// is the mean of the pixels that it covers, rounded to a byte. One thread a pixel.
/// in: [picture][from.rows][from.columns][3] bytes
template <typename Number>
VULTUS_BOTH void picture_body(const kernel_call& call, int i) {
    const int pixels = call.to.rows * call.to.columns, inside = i % pixels;
    const int row = inside / call.to.columns, column = inside % call.to.columns;
    const cover down = cover_of(row, call.from.rows, call.to.rows);
    const cover across = cover_of(column, call.from.columns, call.to.columns);
    const long lines = static_cast<long>(i / pixels) * call.from.rows;
    float mean[3] = {};
    for (int y = down.first; y < down.after; ++y) {
        const auto* line =
            static_cast<const unsigned char*>(call.in) + (lines + y) * call.from.columns * 3;
        const float of_line = share_of(down, y);
        for (int x = across.first; x < across.after; ++x) {
            const float share = of_line * share_of(across, x);
            for (int c = 0; c < 3; ++c) mean[c] += share * static_cast<float>(line[x * 3 + c]);
        }
    }
    eight<Number> pixel{};
    for (int c = 0; c < 3; ++c) {
        const auto byte = static_cast<float>(static_cast<int>(mean[c] + 0.5f));
        put((byte - call.mean[c]) / 256.0f, pixel.at[c]);
    }
    const long at =
        group_index(i / pixels, call.to.top + row, call.to.left + column, 0, call.out_shape);
    group<Number>(call.out, at) = pixel;
}

/// The level `to` of a canvas from the level `from`, between its four nearest pixels. One thread a
/// pixel of `to`; out: the canvas, out_shape.
template <typename Number>
VULTUS_BOTH void shrink_body(const kernel_call& call, int i) {
    const int row = i / call.to.columns, column = i % call.to.columns;
    const float down = call.to.rows > 1 ? static_cast<float>(call.from.rows - 1) /
                                              static_cast<float>(call.to.rows - 1)
                                        : 0.0f;
    const float across = call.to.columns > 1 ? static_cast<float>(call.from.columns - 1) /
                                                   static_cast<float>(call.to.columns - 1)
                                             : 0.0f;
    const float y = static_cast<float>(row) * down, x = static_cast<float>(column) * across;
    const int top = static_cast<int>(y), left = static_cast<int>(x);
    const int bottom = top + 1 < call.from.rows ? top + 1 : call.from.rows - 1;
    const int right = left + 1 < call.from.columns ? left + 1 : call.from.columns - 1;
    const float below = y - static_cast<float>(top), beside = x - static_cast<float>(left);
    const extent& canvas = call.out_shape;
    const auto pixel = [&](int r, int c) -> const eight<Number>& {
        const long at = group_index(0, call.from.top + r, call.from.left + c, 0, canvas);
        return group<Number>(static_cast<const void*>(call.out), at);
    };
    const auto &a = pixel(top, left), &b = pixel(top, right);
    const auto &c = pixel(bottom, left), &d = pixel(bottom, right);
    eight<Number> made{};
    for (int k = 0; k < 3; ++k) {
        const float over = (1.0f - beside) * widened(a.at[k]) + beside * widened(b.at[k]);
        const float under = (1.0f - beside) * widened(c.at[k]) + beside * widened(d.at[k]);
        put((1.0f - below) * over + below * under, made.at[k]);
    }
    const long at = group_index(0, call.to.top + row, call.to.left + column, 0, canvas);
    group<Number>(call.out, at) = made;
}

/// The largest or the mean of each window without padding. One thread a group of out_shape.
template <typename Number>
VULTUS_BOTH void pool_body(const kernel_call& call, int i) {
    const spot here = spot_of(i, call.out_shape);
    float kept[channel_step] = {};
    for (int tap = 0; tap < call.window_rows * call.window_columns; ++tap) {
        const int row = here.row * call.stride + tap / call.window_columns;
        const int column = here.column * call.stride + tap % call.window_columns;
        const auto& from = group<Number>(
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

/// The mean of each channel, float32. One thread a channel of a picture.
template <typename Number>
VULTUS_BOTH void average_all_body(const kernel_call& call, int i) {
    const int channels = call.in_shape.channels,
              pixels = call.in_shape.rows * call.in_shape.columns;
    const auto* from = static_cast<const Number*>(call.in) +
                       static_cast<long>(i / channels) * pixels * channels + i % channels;
    float sum = 0;
    for (int p = 0; p < pixels; ++p) sum += widened(from[static_cast<long>(p) * channels]);
    static_cast<float*>(call.out)[i] = sum / static_cast<float>(pixels);
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

/// in + plus, the smaller one continued with zeros; then max(0) if `relu`. One thread a group of
/// out_shape.
template <typename Number>
VULTUS_BOTH void add_body(const kernel_call& call, int i) {
    const spot here = spot_of(i, call.out_shape);
    const auto a = operand<Number>(call.in, here, call.in_shape);
    const auto b = operand<Number>(call.plus, here, call.plus_shape);
    eight<Number> made;
    for (int k = 0; k < channel_step; ++k) {
        const float sum = widened(a.at[k]) + widened(b.at[k]);
        put(call.relu && sum < 0 ? 0.0f : sum, made.at[k]);
    }
    group<Number>(call.out, i) = made;
}

/// max(0). One thread a group.
template <typename Number>
VULTUS_BOTH void relu_body(const kernel_call& call, int i) {
    eight<Number> made = group<Number>(call.in, i);
    for (int k = 0; k < channel_step; ++k) {
        const float value = widened(made.at[k]);
        put(value < 0 ? 0.0f : value, made.at[k]);
    }
    group<Number>(call.out, i) = made;
}

/// out = weights * in, all float32: weights [input][output] (`plus_shape.channels` inputs, the
/// others are padding), in as average_all gives it. One thread an output of a picture.
VULTUS_BOTH void linear_body(const kernel_call& call, int i) {
    const int outputs = call.out_shape.channels, output = i % outputs;
    const float* from = static_cast<const float*>(call.in) +
                        static_cast<long>(i / outputs) * call.in_shape.channels;
    float sum = 0;
    for (int k = 0; k < call.plus_shape.channels; ++k) {
        sum += from[k] * call.weights[static_cast<long>(k) * outputs + output];
    }
    static_cast<float*>(call.out)[i] = sum;
}

/// out[y][x] = bias + sum over k of in[y][x + k - padding][k], float32. One thread a pixel.
template <typename Number>
VULTUS_BOTH void column_sum_body(const kernel_call& call, int i) {
    const int columns = call.in_shape.columns, column = i % columns;
    const auto* line = static_cast<const Number*>(call.in) +
                       static_cast<long>(i - column) * call.in_shape.channels;
    float sum = call.bias;
    for (int k = 0; k < call.window_columns; ++k) {
        const int from = column + k - call.padding;
        if (from < 0 || from >= columns) continue;
        sum += widened(line[static_cast<long>(from) * call.in_shape.channels + k]);
    }
    static_cast<float*>(call.out)[i] = sum;
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
        case kernel::average_all:
            return average_all_body<Number>(call, i);
        case kernel::add:
            return add_body<Number>(call, i);
        case kernel::relu:
            return relu_body<Number>(call, i);
        case kernel::linear:
            return linear_body(call, i);
        case kernel::column_sum:
            return column_sum_body<Number>(call, i);
    }
}

/// Piece i of a launch.
VULTUS_BOTH void body(const kernel_call& call, int i) {
    call.wide ? body_as<float>(call, i) : body_as<fp16>(call, i);
}

}  // namespace vultus::cuda
