// What oneDNN is not asked for: pools, sums, products of numbers, activations that it has no fast
// code for, and the way in and out. Their memory is oneDNN's blocked
// layout, [picture][channels / block][row][column][block], channels rounded up with zeros. Pure.
#pragma once

#include <cstdint>

#include "workers/engine/layers.hpp"
#include "workers/engine/plan.hpp"

namespace vultus::kernels {

/// How activations lie in memory.
struct format {
    long block = 8;     ///< 8 or 16
    bool bf16 = false;  ///< bfloat16 (the upper half of a float32), else float32
    long batch = 1;     ///< pictures, one after the other
};

/// The layer's window over `in`. requires  max_pool or average_pool without padding
void pool(const format&, const layer&, const void* in, tensor_shape in_shape, void* out,
          tensor_shape out_shape);

/// The mean of each channel; `out` float32 if `wide`, else as `in`.
void average_all(const format&, const void* in, tensor_shape in_shape, void* out, bool wide);

/// a + b, each continued with zeros to `out_shape`, then max(0) if `relu`.
void add(const format&, const void* a, tensor_shape a_shape, const void* b, tensor_shape b_shape,
         void* out, tensor_shape out_shape, bool relu);

/// The activation, with a prelu layer's slopes; `in` may be `out`.
void activate(const format&, activation, const layer& slopes, const void* in, tensor_shape shape,
              void* out);

/// The layer's factor and offset of each channel; `in` may be `out`.
void affine(const format&, const layer&, const void* in, tensor_shape shape, void* out);

/// a * b + addend; b as large as a or one number a channel, the addend as large as a or nullptr.
void multiply(const format&, const void* a, tensor_shape a_shape, const void* b,
              tensor_shape b_shape, const void* addend, void* out);

/// Each pixel `factor` times in both directions, plus the addend of the output's shape or nullptr.
void upsample(const format&, long factor, const void* in, tensor_shape in_shape, const void* addend,
              void* out);

/// The second half of a transposed convolution: each output is its bias and the sum of the places
/// of windows that lie on it. in   float32 [picture][place of the window][channels out / block]
/// [row][column][block], what a convolution of one pixel makes of each place's weights
void gather_windows(const format&, const layer&, const float* in, tensor_shape in_shape, void* out,
                    tensor_shape out_shape);

/// The layer's product; `in` float32 if `reads_wide`, `out` if `wide`, both blocked.
void linear(const format&, const layer&, const void* in, tensor_shape in_shape, bool reads_wide,
            void* out, bool wide);

/// The layer's sum over float32 `in`; out [picture][row][column].
void column_sum(const format&, const layer&, const float* in, tensor_shape in_shape, float* out);

/// Interleaved bytes to three planes `plane` floats apart, as the network wants them.
void planes_of(const std::uint8_t* rgb, std::size_t pixels, const input_format&, float* out,
               std::size_t plane);

/// From the blocked layout to float32 [picture][channel][row][column]; `in` float32 if `wide`.
void to_planes(const format&, const void* in, tensor_shape shape, bool wide, float* out);

/// To bfloat16, to the nearest, ties to even.
void narrow(const float* in, std::size_t count, std::uint16_t* out);

}  // namespace vultus::kernels
