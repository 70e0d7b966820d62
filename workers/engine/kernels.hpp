// What oneDNN is not asked for: pools, sums, the last product. Their memory is oneDNN's blocked
// layout, [picture][channels / block][row][column][block], channels rounded up with zeros. Pure.
#pragma once

#include <cstdint>

#include "workers/engine/layers.hpp"

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

/// The mean of each channel, float32: batch * (channels rounded up) of them.
void average_all(const format&, const void* in, tensor_shape in_shape, float* out);

/// a + b, each continued with zeros to `out_shape`, then max(0) if `relu`.
void add(const format&, const void* a, tensor_shape a_shape, const void* b, tensor_shape b_shape,
         void* out, tensor_shape out_shape, bool relu);

/// max(0).
void relu(const format&, const void* in, tensor_shape shape, void* out);

/// The layer's product: `in` as average_all gives it, out [picture][output].
void linear(const format&, const layer&, const float* in, float* out);

/// The layer's sum over float32 `in`; out [picture][row][column].
void column_sum(const format&, const layer&, const float* in, tensor_shape in_shape, float* out);

/// Interleaved bytes to three planes `plane` floats apart, as the network wants them.
void planes_of(const std::uint8_t* rgb, std::size_t pixels, const input_format&, float* out,
               std::size_t plane);

/// To bfloat16, to the nearest, ties to even.
void narrow(const float* in, std::size_t count, std::uint16_t* out);

}  // namespace vultus::kernels
