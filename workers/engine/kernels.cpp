// Pools, sums and what goes in. Loops over blocks of 8 or 16 channels, which the compiler turns
// into vectors (-O3).
#include "workers/engine/kernels.hpp"

#include <algorithm>
#include <limits>
#include <vector>

#include "workers/engine/blocked.hpp"

namespace vultus::kernels {
namespace {

/// How the numbers of one place of the window join those kept so far.
enum class joining { first, largest, sum };

/// One place of the window over a row of outputs.
template <joining How, typename Number, long Block>
void take_tap(const Number* __restrict in, long columns, long stride, float* __restrict kept) {
    for (long x = 0; x < columns; ++x) {
        const Number* from = in + x * stride * Block;
        float* to = kept + x * Block;
        for (long k = 0; k < Block; ++k) {
            const float value = widened(from[k]);
            if constexpr (How == joining::first) to[k] = value;
            if constexpr (How == joining::largest) to[k] = to[k] < value ? value : to[k];
            if constexpr (How == joining::sum) to[k] += value;
        }
    }
}

template <bool Largest, typename Number, long Block>
void pool_row(const layer& one, const Number* in, long row_numbers, long columns, float* kept,
              Number* out) {
    constexpr joining next = Largest ? joining::largest : joining::sum;
    take_tap<joining::first, Number, Block>(in, columns, one.stride, kept);
    for (long i = 1; i < one.rows * one.columns; ++i) {
        const Number* from = in + i / one.columns * row_numbers + i % one.columns * Block;
        take_tap<next, Number, Block>(from, columns, one.stride, kept);
    }
    const float share = Largest ? 1.0f : 1.0f / static_cast<float>(one.rows * one.columns);
    for (long i = 0; i < columns * Block; ++i) put(kept[i] * share, out[i]);
}

template <typename Number, long Block>
void pool_as(const format& how, const layer& one, const Number* in, tensor_shape in_shape,
             Number* out, tensor_shape out_shape) {
    const long planes = how.batch * blocks(how, in_shape), row_numbers = in_shape.columns * Block;
    std::vector<float> kept(static_cast<std::size_t>(out_shape.columns * Block));
    for (long plane = 0; plane < planes; ++plane, in += in_shape.rows * row_numbers) {
        for (long y = 0; y < out_shape.rows; ++y, out += out_shape.columns * Block) {
            const Number* from = in + y * one.stride * row_numbers;
            if (one.kind == layer_kind::max_pool) {
                pool_row<true, Number, Block>(one, from, row_numbers, out_shape.columns,
                                              kept.data(), out);
            } else {
                pool_row<false, Number, Block>(one, from, row_numbers, out_shape.columns,
                                               kept.data(), out);
            }
        }
    }
}

/// Where a block's row begins, or nullptr where the operand has ended.
template <typename Number, long Block>
const Number* row_of(const Number* from, const tensor_shape& shape, long picture, long channels,
                     long row) {
    const long count = (shape.channels + Block - 1) / Block;
    if (channels >= count || row >= shape.rows) return nullptr;
    return from + ((picture * count + channels) * shape.rows + row) * shape.columns * Block;
}

/// What may not lie in one another's memory, so that the compiler makes vectors of it.
template <typename Number>
void add_both(const Number* __restrict a, const Number* __restrict b, long numbers, float floor,
              Number* __restrict out) {
    for (long i = 0; i < numbers; ++i) put(std::max(widened(a[i]) + widened(b[i]), floor), out[i]);
}

template <typename Number>
void take_one(const Number* __restrict from, long numbers, float floor, Number* __restrict out) {
    for (long i = 0; i < numbers; ++i) put(std::max(widened(from[i]), floor), out[i]);
}

/// A row of `numbers`; an operand that is nullptr or shorter goes on with zeros.
template <typename Number>
void add_rows(const Number* a, long a_numbers, const Number* b, long b_numbers, Number* out,
              long numbers, bool relu) {
    const float floor = relu ? 0.0f : -std::numeric_limits<float>::infinity();
    if (a == nullptr) a_numbers = 0;
    if (b == nullptr) b_numbers = 0;
    const long both = std::min(a_numbers, b_numbers), some = std::max(a_numbers, b_numbers);
    add_both(a, b, both, floor, out);
    take_one((a_numbers > b_numbers ? a : b) + both, some - both, floor, out + both);
    std::fill(out + some, out + numbers, Number{});
}

template <typename Number, long Block>
void add_as(const format& how, const Number* a, tensor_shape a_shape, const Number* b,
            tensor_shape b_shape, Number* out, tensor_shape out_shape, bool relu) {
    const long numbers = out_shape.columns * Block;
    for (long picture = 0; picture < how.batch; ++picture) {
        for (long channels = 0; channels < blocks(how, out_shape); ++channels) {
            for (long row = 0; row < out_shape.rows; ++row, out += numbers) {
                add_rows<Number>(row_of<Number, Block>(a, a_shape, picture, channels, row),
                                 a_shape.columns * Block,
                                 row_of<Number, Block>(b, b_shape, picture, channels, row),
                                 b_shape.columns * Block, out, numbers, relu);
            }
        }
    }
}

}  // namespace

void pool(const format& how, const layer& one, const void* in, tensor_shape in_shape, void* out,
          tensor_shape out_shape) {
    dispatch(how, [&]<typename Number, long Block>(Number, width<Block>) {
        pool_as<Number, Block>(how, one, static_cast<const Number*>(in), in_shape,
                               static_cast<Number*>(out), out_shape);
    });
}

void add(const format& how, const void* a, tensor_shape a_shape, const void* b,
         tensor_shape b_shape, void* out, tensor_shape out_shape, bool relu) {
    dispatch(how, [&]<typename Number, long Block>(Number, width<Block>) {
        add_as<Number, Block>(how, static_cast<const Number*>(a), a_shape,
                              static_cast<const Number*>(b), b_shape, static_cast<Number*>(out),
                              out_shape, relu);
    });
}

void column_sum(const format& how, const layer& one, const float* in, tensor_shape in_shape,
                float* out) {
    const long plane = in_shape.rows * in_shape.columns * how.block;
    const long channel_blocks = blocks(how, in_shape);
    for (long picture = 0; picture < how.batch; ++picture) {
        const float* from = in + picture * channel_blocks * plane;
        for (long y = 0; y < in_shape.rows; ++y, out += in_shape.columns) {
            std::fill_n(out, in_shape.columns, one.bias[0]);
            for (long k = 0; k < one.columns; ++k) {
                const long shift = k - one.padding_columns;
                const float* row =
                    from + k / how.block * plane + y * in_shape.columns * how.block + k % how.block;
                const long first = std::max(0L, -shift);
                const long last = std::min(in_shape.columns, in_shape.columns - shift);
                for (long x = first; x < last; ++x) out[x] += row[(x + shift) * how.block];
            }
        }
    }
}

void planes_of(const std::uint8_t* __restrict rgb, std::size_t pixels, const input_format& how,
               float* __restrict out, std::size_t plane) {
    const std::size_t first = how.bgr ? 2 : 0, last = 2 - first;
    const auto [mean_0, mean_1, mean_2] = how.mean;
    const auto [scale_0, scale_1, scale_2] = how.scale;
    for (std::size_t i = 0; i < pixels; ++i) {
        out[i] = (static_cast<float>(rgb[i * 3 + first]) - mean_0) * scale_0;
        out[i + plane] = (static_cast<float>(rgb[i * 3 + 1]) - mean_1) * scale_1;
        out[i + plane * 2] = (static_cast<float>(rgb[i * 3 + last]) - mean_2) * scale_2;
    }
}

void narrow(const float* in, std::size_t count, std::uint16_t* out) {
    for (std::size_t i = 0; i < count; ++i) put(in[i], out[i]);
}

}  // namespace vultus::kernels
