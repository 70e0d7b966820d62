// cuDNN's descriptors of a fused convolution. Making them needs no GPU and no driver, so the tests
// try them where the toolkit is.
#pragma once

#include <cudnn.h>

#include "workers/engine/cuda/table.hpp"

namespace vultus::cuda {

/// The one way that computes every convolution here, fused, in NHWC, on tensor cores.
constexpr cudnnConvolutionFwdAlgo_t way = CUDNN_CONVOLUTION_FWD_ALGO_IMPLICIT_PRECOMP_GEMM;

/// threads   one at a time
class descriptors {
 public:
    descriptors() = default;
    descriptors(const descriptors&) = delete;
    descriptors& operator=(const descriptors&) = delete;
    ~descriptors();

    /// Makes all of them. returns  cuDNN's status; CUDNN_STATUS_BAD_PARAM too if cuDNN's output has
    /// another size. Once per object.
    cudnnStatus_t make(const convolution&);

    cudnnTensorDescriptor_t x = nullptr, y = nullptr, bias = nullptr;
    cudnnFilterDescriptor_t weights = nullptr;
    cudnnConvolutionDescriptor_t window = nullptr;
    cudnnActivationDescriptor_t after = nullptr;
};

}  // namespace vultus::cuda
