// One thread for each piece of work; the bodies are in kernel_bodies.hpp.
#include "workers/engine/cuda/kernel_bodies.hpp"
#include "workers/engine/cuda/launches.hpp"

namespace vultus::cuda {
namespace {

constexpr int threads = 256;  ///< of a block

template <void Body(const kernel_call&, int)>
__global__ void each(const kernel_call call) {
    const int i = static_cast<int>(blockIdx.x) * threads + static_cast<int>(threadIdx.x);
    if (i < call.count) Body(call, i);
}

template <void Body(const kernel_call&, int)>
cudaError_t start(cudaStream_t line, const kernel_call& call) {
    cudaLaunchConfig_t config{};
    config.gridDim = dim3(static_cast<unsigned>((call.count - 1) / threads + 1));
    config.blockDim = dim3(threads);
    config.stream = line;
    void* arguments[] = {const_cast<kernel_call*>(&call)};
    // This launch's own status, not that of a call before it.
    return cudaLaunchKernelExC(&config, reinterpret_cast<const void*>(&each<Body>), arguments);
}

template <typename Number>
cudaError_t start_depthwise(cudaStream_t line, const kernel_call& call) {
    if (call.window_columns == 3) {
        return call.stride == 1 ? start<depthwise_body<Number, 3, 1>>(line, call)
                                : start<depthwise_body<Number, 3, 2>>(line, call);
    }
    return call.stride == 1 ? start<depthwise_body<Number, 5, 1>>(line, call)
                            : start<depthwise_body<Number, 5, 2>>(line, call);
}

template <typename Number>
cudaError_t start_as(cudaStream_t line, const kernel_call& call) {
    switch (call.what) {
        case kernel::picture: return start<picture_body<Number>>(line, call);
        case kernel::shrink: return start<shrink_body<Number>>(line, call);
        case kernel::pool: return start<pool_body<Number>>(line, call);
        case kernel::average_rows: return start<average_rows_body<Number>>(line, call);
        case kernel::average_all: return start<average_all_body<Number>>(line, call);
        case kernel::add: return start<add_body<Number>>(line, call);
        case kernel::activate: return start<activate_body<Number>>(line, call);
        case kernel::grouped: return start<grouped_body<Number>>(line, call);
        case kernel::depthwise: return start_depthwise<Number>(line, call);
        case kernel::transposed: return start<transposed_body<Number>>(line, call);
        case kernel::affine: return start<affine_body<Number>>(line, call);
        case kernel::multiply: return start<multiply_body<Number>>(line, call);
        case kernel::upsample: return start<upsample_body<Number>>(line, call);
        case kernel::linear: return start<linear_body<Number>>(line, call);
        case kernel::column_sum: return start<column_sum_body<Number>>(line, call);
        case kernel::planes: return start<planes_body<Number>>(line, call);
    }
    return cudaErrorInvalidValue;
}

}  // namespace

cudaError_t launch_kernel(cudaStream_t line, const kernel_call& call) {
    return call.wide ? start_as<float>(line, call) : start_as<fp16>(line, call);
}

cudaError_t try_kernels() {
    cudaFuncAttributes found{};
    return cudaFuncGetAttributes(&found, reinterpret_cast<const void*>(&each<add_body<fp16>>));
}

#define VULTUS_TEXT_OF(...) #__VA_ARGS__
#define VULTUS_TEXT(...) VULTUS_TEXT_OF(__VA_ARGS__)
const char* architectures() {
    return VULTUS_TEXT(__CUDA_ARCH_LIST__);
}

}  // namespace vultus::cuda
