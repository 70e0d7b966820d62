// A convolution with one channel in and out a group, as mobile networks have them, 3x3 or 5x5. Each
// thread computes four neighbours of a row at once: they share most of what they read.
#pragma once

#include "workers/engine/cuda/kernel_numbers.hpp"

namespace vultus::cuda {

/// Pixels of a row that one thread computes.
constexpr int row_at_once = 4;

/// The pixels of `in` on one line of the window, times a line of weights, added to the sums.
/// slopes: of the prelu on what is read; ones if there is none
template <typename Number, int Window, int Stride>
VULTUS_BOTH void add_line(const kernel_call& call, const eight<Number>* line, int first,
                          const eight<float>* weights, int parts, const eight<float>& slopes,
                          float (&sums)[row_at_once][channel_step]) {
    eight<float> by[Window];
    for (int x = 0; x < Window; ++x) by[x] = weights[x * parts];
    constexpr int seen = (row_at_once - 1) * Stride + Window;
#if defined(__CUDA_ARCH__)
#pragma unroll
#endif
    for (int x = 0; x < seen; ++x) {
        const int column = first + x;
        if (column < 0 || column >= call.in_shape.columns) continue;
        const eight<Number> from = line[static_cast<long>(column) * parts];
        float values[channel_step];
        for (int k = 0; k < channel_step; ++k) {
            const float value = widened(from.at[k]);
            values[k] = value < 0 ? value * slopes.at[k] : value;
        }
#if defined(__CUDA_ARCH__)
#pragma unroll
#endif
        for (int at = 0; at < row_at_once; ++at) {
            const int place = x - at * Stride;
            if (place < 0 || place >= Window) continue;
            for (int k = 0; k < channel_step; ++k) {
                sums[at][k] += by[place].at[k] * values[k];
            }
        }
    }
}

/// Such a convolution of `in` after `before`, plus `addend`, then `after`. weights
/// [row][column][channel, padded]. One thread eight channels of row_at_once pixels of out_shape.
template <typename Number, int Window, int Stride>
VULTUS_BOTH void depthwise_body(const kernel_call& call, int i) {
    const int parts = call.out_shape.channels / channel_step;
    const int runs = (call.out_shape.columns + row_at_once - 1) / row_at_once;
    const int part = i % parts, run = i / parts % runs, row = i / parts / runs;
    const int picture = row / call.out_shape.rows, inside = row % call.out_shape.rows;
    eight<float> slopes;
    for (int k = 0; k < channel_step; ++k) {
        const int channel = call.before_one_slope ? 0 : part * channel_step + k;
        slopes.at[k] = call.before == finish::prelu ? call.before_slopes[channel] : 1.0f;
    }
    float sums[row_at_once][channel_step];
    for (int at = 0; at < row_at_once; ++at) {
        for (int k = 0; k < channel_step; ++k) {
            sums[at][k] = call.offsets[part * channel_step + k];
        }
    }
    for (int y = 0; y < Window; ++y) {
        const int from = inside * Stride - call.padding_rows + y;
        if (from < 0 || from >= call.in_shape.rows) continue;
        const eight<Number>* line = static_cast<const eight<Number>*>(call.in) +
                                    (static_cast<long>(picture) * call.in_shape.rows + from) *
                                        call.in_shape.columns * parts +
                                    part;
        const eight<float>* weights =
            reinterpret_cast<const eight<float>*>(call.weights) + y * Window * parts + part;
        add_line<Number, Window, Stride>(call, line,
                                         run * row_at_once * Stride - call.padding_columns, weights,
                                         parts, slopes, sums);
    }
    for (int at = 0; at < row_at_once; ++at) {
        const int column = run * row_at_once + at;
        if (column >= call.out_shape.columns) break;
        store<Number>(call, (row * call.out_shape.columns + column) * parts + part, part, sums[at]);
    }
}

/// The body for that window.
template <typename Number>
VULTUS_BOTH void depthwise_of_any_size(const kernel_call& call, int i) {
    if (call.window_columns == 3) {
        return call.stride == 1 ? depthwise_body<Number, 3, 1>(call, i)
                                : depthwise_body<Number, 3, 2>(call, i);
    }
    return call.stride == 1 ? depthwise_body<Number, 5, 1>(call, i)
                            : depthwise_body<Number, 5, 2>(call, i);
}

}  // namespace vultus::cuda
