// Four pixels times sixteen outputs at a time, so that the sums stay in registers.
#include "tests/workers/engine/cuda/stand_in_convolution_support.hpp"

#include <algorithm>
#include <vector>

#include "workers/engine/cuda/fp16.hpp"

namespace vultus::testing {
namespace {

using cuda::convolution;
using cuda::convolution_memory;
using cuda::fp16;

constexpr int wide = 16, pixels_at_once = 4;

template <typename Number>
std::vector<float> floats(const void* from, long count) {
    std::vector<float> values(static_cast<std::size_t>(count));
    const auto* numbers = static_cast<const Number*>(from);
    for (long i = 0; i < count; ++i)
        values[static_cast<std::size_t>(i)] = cuda::widened(numbers[i]);
    return values;
}

/// [output / 16][tap][input][16], zeros beyond the outputs.
std::vector<float> in_sixteens(const convolution& c, const std::vector<float>& weights) {
    const int blocks = (c.outputs + wide - 1) / wide;
    const long each = long{c.window_rows} * c.window_columns * c.inputs;
    std::vector<float> moved(static_cast<std::size_t>(blocks * each * wide));
    for (int output = 0; output < c.outputs; ++output) {
        float* to = moved.data() + output / wide * each * wide + output % wide;
        for (long i = 0; i < each; ++i) {
            to[i * wide] = weights[static_cast<std::size_t>(output * each + i)];
        }
    }
    return moved;
}

/// The picture with its zeros around it, and four pixels more, which are computed and not kept.
struct bordered {
    long columns = 0;
    std::vector<float> numbers;
};

bordered with_borders(const convolution& c, const float* picture) {
    bordered made;
    made.columns = c.columns + 2 * c.padding_columns + c.stride * pixels_at_once + c.window_columns;
    const long rows = c.rows + 2 * c.padding_rows;
    made.numbers.assign(static_cast<std::size_t>(rows * made.columns * c.inputs), 0.0f);
    for (long row = 0; row < c.rows; ++row) {
        std::copy_n(picture + row * c.columns * c.inputs, c.columns * c.inputs,
                    made.numbers.data() +
                        ((row + c.padding_rows) * made.columns + c.padding_columns) * c.inputs);
    }
    return made;
}

void sixteen_of_four(const convolution& c, const float* __restrict from, long line,
                     const float* __restrict weights, float (&sums)[pixels_at_once][wide]) {
    const long step = long{c.stride} * c.inputs;
    for (auto& pixel : sums) std::fill(std::begin(pixel), std::end(pixel), 0.0f);
    for (int row = 0; row < c.window_rows; ++row) {
        const float* at = from + row * line;
        for (long i = 0; i < long{c.window_columns} * c.inputs; ++i, weights += wide) {
            for (int p = 0; p < pixels_at_once; ++p) {
                for (int k = 0; k < wide; ++k) sums[p][k] += at[i + p * step] * weights[k];
            }
        }
    }
}

template <typename Number>
void finish(const convolution& c, const convolution_memory& m, const float* bias, long pixel,
            int block, const float* sums) {
    for (int k = 0; k < std::min(wide, c.outputs - block * wide); ++k) {
        const long at = pixel * c.outputs + block * wide + k;
        float value = sums[k] + bias[block * wide + k];
        if (c.residual) value += cuda::widened(static_cast<const Number*>(m.residual)[at]);
        if (c.relu && value < 0) value = 0;
        cuda::put(value, static_cast<Number*>(m.y)[at]);
    }
}

template <typename Number>
void convolve_as(const convolution& c, const convolution_memory& m) {
    const long taps = long{c.window_rows} * c.window_columns;
    const auto weights = in_sixteens(c, floats<Number>(m.weights, c.outputs * taps * c.inputs));
    const auto bias = floats<Number>(m.bias, c.outputs);
    const long in_size = long{c.rows} * c.columns * c.inputs, each = taps * c.inputs * wide;
    const int blocks = (c.outputs + wide - 1) / wide;
    for (int n = 0; n < c.batch; ++n) {
        const auto picture = floats<Number>(static_cast<const Number*>(m.x) + n * in_size, in_size);
        const bordered in = with_borders(c, picture.data());
        const long line = in.columns * c.inputs;
        for (int row = 0; row < c.out_rows; ++row) {
            for (int column = 0; column < c.out_columns; column += pixels_at_once) {
                const float* from =
                    in.numbers.data() + row * c.stride * line + long{column} * c.stride * c.inputs;
                for (int block = 0; block < blocks; ++block) {
                    float sums[pixels_at_once][wide];
                    sixteen_of_four(c, from, line, weights.data() + block * each, sums);
                    const long pixel = (long{n} * c.out_rows + row) * c.out_columns + column;
                    for (int p = 0; p < std::min(pixels_at_once, c.out_columns - column); ++p) {
                        finish<Number>(c, m, bias.data(), pixel + p, block, sums[p]);
                    }
                }
            }
        }
    }
}

}  // namespace

void convolve_in_loops(const convolution& c, const convolution_memory& m) {
    c.wide ? convolve_as<float>(c, m) : convolve_as<fp16>(c, m);
}

}  // namespace vultus::testing
