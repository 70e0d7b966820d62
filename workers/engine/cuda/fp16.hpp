// IEEE half precision for code that runs on both sides: nvcc compiles it for the GPU, any compiler
// for the CPU (F16C, part of x86-64-v3). Pure.
#pragma once

#include <cstdint>

#if defined(__CUDACC__)
#include <cuda_fp16.h>
#define VULTUS_BOTH __host__ __device__ inline
#else
#define VULTUS_BOTH inline
#endif
#if !defined(__CUDA_ARCH__)
#include <immintrin.h>
#endif

namespace vultus::cuda {

struct fp16 {
    std::uint16_t bits;
};

VULTUS_BOTH float widened(float value) {
    return value;
}
VULTUS_BOTH float widened(fp16 value) {
#if defined(__CUDA_ARCH__)
    return __half2float(__ushort_as_half(value.bits));
#else
    return _cvtsh_ss(value.bits);
#endif
}

VULTUS_BOTH void put(float value, float& to) {
    to = value;
}
/// To the nearest, ties to even; beyond 65,504 to infinity.
VULTUS_BOTH void put(float value, fp16& to) {
#if defined(__CUDA_ARCH__)
    to.bits = __half_as_ushort(__float2half_rn(value));
#else
    const __m128i narrow = _mm_cvtps_ph(_mm_set_ss(value), _MM_FROUND_TO_NEAREST_INT);
    to.bits = static_cast<std::uint16_t>(_mm_cvtsi128_si32(narrow));
#endif
}

}  // namespace vultus::cuda
