// How the kernels' bodies (kernel_bodies.hpp) read and write: eight channels at a time, and what is
// done to each number last of all.
#pragma once

#include <cmath>

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

/// What the call does last of all, to a number of that channel. Channels of padding stay zero.
VULTUS_BOTH float finished(const kernel_call& call, float value, int channel) {
    switch (call.after) {
        case finish::none:
            break;
        case finish::relu:
            return value < 0 ? 0.0f : value;
        case finish::prelu:
            return value < 0 ? value * call.slopes[call.one_slope ? 0 : channel] : value;
        case finish::sigmoid:
            return channel < call.channels ? 1.0f / (1.0f + expf(-value)) : 0.0f;
    }
    return value;
}

/// Eight sums to their place i of `out`, with the addend's numbers there, finished.
template <typename Number>
VULTUS_BOTH void store(const kernel_call& call, int i, int part, const float* sums) {
    eight<Number> made, plus{};
    if (call.addend != nullptr) plus = group<Number>(call.addend, i);
    for (int k = 0; k < channel_step; ++k) {
        const float sum = sums[k] + widened(plus.at[k]);
        put(finished(call, sum, part * channel_step + k), made.at[k]);
    }
    group<Number>(call.out, i) = made;
}

}  // namespace vultus::cuda
