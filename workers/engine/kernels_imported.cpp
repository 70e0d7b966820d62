// What only imported networks need, and products. Loops over blocks of 8 or 16 channels, which the
// compiler turns into vectors (-O3).
#include <algorithm>
#include <cmath>
#include <vector>

#include "workers/engine/blocked.hpp"

namespace vultus::kernels {
namespace {

/// The layer's numbers for all channels, rounded up with zeros; one number is everybody's.
std::vector<float> of_channels(const format& how, const std::vector<float>& numbers,
                               const tensor_shape& shape) {
    std::vector<float> all(static_cast<std::size_t>(blocks(how, shape) * how.block), 0.0f);
    const auto channels = static_cast<std::size_t>(shape.channels);
    if (numbers.size() == 1) std::fill_n(all.begin(), channels, numbers[0]);
    if (numbers.size() > 1) std::copy_n(numbers.begin(), channels, all.begin());
    return all;
}

/// Calls for each block of channels of each picture: its index in the channels, where it begins.
template <typename Call>
void each_plane(const format& how, const tensor_shape& shape, Call&& call) {
    const long count = blocks(how, shape), numbers = shape.rows * shape.columns * how.block;
    for (long plane = 0; plane < how.batch * count; ++plane) {
        call(plane % count, plane * numbers, numbers);
    }
}

template <typename Number, long Block>
void prelu_plane(const Number* in, long numbers, const float* slopes, Number* out) {
    for (long i = 0; i < numbers; i += Block) {
        for (long k = 0; k < Block; ++k) {
            const float value = widened(in[i + k]);
            put(std::max(value, 0.0f) + slopes[k] * std::min(value, 0.0f), out[i + k]);
        }
    }
}

/// Channels beyond the last stay zero.
template <typename Number, long Block>
void sigmoid_plane(const Number* in, long numbers, long channels, Number* out) {
    for (long i = 0; i < numbers; i += Block) {
        for (long k = 0; k < channels; ++k) {
            put(1.0f / (1.0f + std::exp(-widened(in[i + k]))), out[i + k]);
        }
        for (long k = channels; k < Block; ++k) put(0.0f, out[i + k]);
    }
}

/// One factor a channel.
template <typename Number, long Block>
void scale_plane(const Number* a, const Number* b, const Number* addend, long numbers,
                 Number* out) {
    float factor[Block];
    for (long k = 0; k < Block; ++k) factor[k] = widened(b[k]);
    for (long i = 0; i < numbers; i += Block) {
        for (long k = 0; k < Block; ++k) {
            const float more = addend == nullptr ? 0.0f : widened(addend[i + k]);
            put(widened(a[i + k]) * factor[k] + more, out[i + k]);
        }
    }
}

/// A row, each pixel repeated.
template <typename Number, long Block>
void spread_row(const Number* in, long columns, long factor, const Number* addend, Number* out) {
    for (long x = 0; x < columns * factor; ++x) {
        const Number* from = in + x / factor * Block;
        for (long k = 0; k < Block; ++k) {
            const float more = addend == nullptr ? 0.0f : widened(addend[x * Block + k]);
            put(widened(from[k]) + more, out[x * Block + k]);
        }
    }
}

/// The places of a window that lie on a side's pixel: for each, which one and whose.
struct window_place {
    long place, pixel;
};
std::vector<window_place> places_on(long at, long window, long stride, long padding, long side) {
    std::vector<window_place> found;
    for (long place = 0; place < window; ++place) {
        const long from = at + padding - place;
        if (from >= 0 && from % stride == 0 && from / stride < side) {
            found.push_back({place, from / stride});
        }
    }
    return found;
}

template <typename In, typename Out>
void linear_as(const format& how, const layer& one, const In* in, const tensor_shape& shape,
               Out* out) {
    const long pixels = shape.rows * shape.columns, outputs = one.outputs;
    const long rounded = (outputs + how.block - 1) / how.block * how.block;
    const auto batch = static_cast<std::size_t>(how.batch);
    std::vector<float> sums(batch * static_cast<std::size_t>(rounded), 0.0f);
    for (std::size_t picture = 0; picture < batch && !one.bias.empty(); ++picture) {
        std::copy(one.bias.begin(), one.bias.end(),
                  sums.begin() + static_cast<std::ptrdiff_t>(picture) * rounded);
    }
    for (long i = 0; i < one.inputs; ++i) {  // each weight is read once for all pictures
        const float* __restrict weights = one.weights.data() + i * outputs;
        const long channel = i / pixels;
        const long at =
            (channel / how.block * pixels + i % pixels) * how.block + channel % how.block;
        for (long picture = 0; picture < how.batch; ++picture) {
            const float factor = widened(in[picture * stored(how, shape) + at]);
            float* __restrict to = sums.data() + picture * rounded;
            for (long o = 0; o < outputs; ++o) to[o] += factor * weights[o];
        }
    }
    for (const float sum : sums) put(sum, *out++);
}

}  // namespace

void average_all(const format& how, const void* in, tensor_shape in_shape, void* out, bool wide) {
    const long pixels = in_shape.rows * in_shape.columns;
    dispatch(how, [&]<typename Number, long Block>(Number, width<Block>) {
        const auto* from = static_cast<const Number*>(in);
        each_plane(how, {in_shape.channels, 1, 1}, [&](long, long at, long) {
            float sum[Block] = {};
            for (long i = 0; i < pixels; ++i, from += Block) {
                for (long k = 0; k < Block; ++k) sum[k] += widened(from[k]);
            }
            for (long k = 0; k < Block; ++k) {
                const float mean = sum[k] / static_cast<float>(pixels);
                if (wide) {
                    static_cast<float*>(out)[at + k] = mean;
                } else {
                    put(mean, static_cast<Number*>(out)[at + k]);
                }
            }
        });
    });
}

void activate(const format& how, activation what, const layer& slopes, const void* in,
              tensor_shape shape, void* out) {
    const std::vector<float> factors = of_channels(how, slopes.weights, shape);
    dispatch(how, [&]<typename Number, long Block>(Number, width<Block>) {
        const auto* from = static_cast<const Number*>(in);
        auto* to = static_cast<Number*>(out);
        each_plane(how, shape, [&](long channels, long at, long numbers) {
            if (what == activation::sigmoid) {
                const long real = std::min(Block, shape.channels - channels * Block);
                sigmoid_plane<Number, Block>(from + at, numbers, real, to + at);
            } else if (what == activation::prelu) {
                prelu_plane<Number, Block>(from + at, numbers, factors.data() + channels * Block,
                                           to + at);
            } else {
                for (long i = at; i < at + numbers; ++i)
                    put(std::max(widened(from[i]), 0.0f), to[i]);
            }
        });
    });
}

void affine(const format& how, const layer& one, const void* in, tensor_shape shape, void* out) {
    const auto factors = of_channels(how, one.weights, shape);
    const auto offsets = of_channels(how, one.bias, shape);
    dispatch(how, [&]<typename Number, long Block>(Number, width<Block>) {
        each_plane(how, shape, [&](long channels, long at, long numbers) {
            const auto* from = static_cast<const Number*>(in) + at;
            auto* to = static_cast<Number*>(out) + at;
            const float* factor = factors.data() + channels * Block;
            const float* offset = offsets.data() + channels * Block;
            for (long i = 0; i < numbers; i += Block) {
                for (long k = 0; k < Block; ++k) {
                    put(widened(from[i + k]) * factor[k] + offset[k], to[i + k]);
                }
            }
        });
    });
}

void multiply(const format& how, const void* a, tensor_shape a_shape, const void* b,
              tensor_shape b_shape, const void* addend, void* out) {
    const bool alike = a_shape == b_shape;
    dispatch(how, [&]<typename Number, long Block>(Number, width<Block>) {
        long plane = 0;
        each_plane(how, a_shape, [&](long, long at, long numbers) {
            const auto* left = static_cast<const Number*>(a) + at;
            const auto* right = static_cast<const Number*>(b);
            const auto* more =
                addend == nullptr ? nullptr : static_cast<const Number*>(addend) + at;
            auto* to = static_cast<Number*>(out) + at;
            if (!alike) {
                scale_plane<Number, Block>(left, right + plane++ * Block, more, numbers, to);
                return;
            }
            for (long i = 0; i < numbers; ++i) {
                const float sum = more == nullptr ? 0.0f : widened(more[i]);
                put(widened(left[i]) * widened(right[at + i]) + sum, to[i]);
            }
        });
    });
}

void upsample(const format& how, long factor, const void* in, tensor_shape in_shape,
              const void* addend, void* out) {
    const long row_in = in_shape.columns * how.block, row_out = row_in * factor;
    dispatch(how, [&]<typename Number, long Block>(Number, width<Block>) {
        each_plane(how, in_shape, [&](long, long at, long) {
            for (long y = 0; y < in_shape.rows * factor; ++y) {
                const long to = at * factor * factor + y * row_out;
                spread_row<Number, Block>(
                    static_cast<const Number*>(in) + at + y / factor * row_in, in_shape.columns,
                    factor, addend == nullptr ? nullptr : static_cast<const Number*>(addend) + to,
                    static_cast<Number*>(out) + to);
            }
        });
    });
}

void gather_windows(const format& how, const layer& one, const float* in, tensor_shape in_shape,
                    void* out, tensor_shape out_shape) {
    const auto biases = of_channels(how, one.bias, out_shape);
    const long plane_in = in_shape.rows * in_shape.columns * how.block;
    const long count = blocks(how, out_shape),
               picture_in = one.rows * one.columns * count * plane_in;
    std::vector<std::vector<window_place>> across;
    for (long x = 0; x < out_shape.columns; ++x) {
        across.push_back(
            places_on(x, one.columns, one.stride, one.padding_columns, in_shape.columns));
    }
    dispatch(how, [&]<typename Number, long Block>(Number, width<Block>) {
        long picture = 0;
        each_plane(how, out_shape, [&](long channels, long at, long) {
            const float* from = in + picture / count * picture_in + channels * plane_in;
            ++picture;
            auto* to = static_cast<Number*>(out) + at;
            for (long y = 0; y < out_shape.rows; ++y) {
                const auto down =
                    places_on(y, one.rows, one.stride, one.padding_rows, in_shape.rows);
                for (long x = 0; x < out_shape.columns; ++x, to += Block) {
                    float sum[Block];
                    std::copy_n(biases.data() + channels * Block, Block, sum);
                    for (const window_place& row : down) {
                        for (const window_place& column : across[static_cast<std::size_t>(x)]) {
                            const float* part =
                                from + (row.place * one.columns + column.place) * count * plane_in +
                                (row.pixel * in_shape.columns + column.pixel) * Block;
                            for (long k = 0; k < Block; ++k) sum[k] += part[k];
                        }
                    }
                    for (long k = 0; k < Block; ++k) put(sum[k], to[k]);
                }
            }
        });
    });
}

void linear(const format& how, const layer& one, const void* in, tensor_shape in_shape,
            bool reads_wide, void* out, bool wide) {
    const auto* narrow_in = static_cast<const std::uint16_t*>(in);
    const auto* wide_in = static_cast<const float*>(in);
    auto* narrow_out = static_cast<std::uint16_t*>(out);
    auto* wide_out = static_cast<float*>(out);
    const bool from_floats = reads_wide || !how.bf16, to_floats = wide || !how.bf16;
    if (from_floats && to_floats) return linear_as(how, one, wide_in, in_shape, wide_out);
    if (from_floats) return linear_as(how, one, wide_in, in_shape, narrow_out);
    if (to_floats) return linear_as(how, one, narrow_in, in_shape, wide_out);
    linear_as(how, one, narrow_in, in_shape, narrow_out);
}

void to_planes(const format& how, const void* in, tensor_shape shape, bool wide, float* out) {
    format stored_as = how;
    stored_as.bf16 = how.bf16 && !wide;
    const long pixels = shape.rows * shape.columns;
    dispatch(stored_as, [&]<typename Number, long Block>(Number, width<Block>) {
        const auto* from = static_cast<const Number*>(in);
        each_plane(how, shape, [&](long channels, long at, long) {
            const long real = std::min(Block, shape.channels - channels * Block);
            for (long k = 0; k < real; ++k) {
                for (long i = 0; i < pixels; ++i) *out++ = widened(from[at + i * Block + k]);
            }
        });
    });
}

}  // namespace vultus::kernels
