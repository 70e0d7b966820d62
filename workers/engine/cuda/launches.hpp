// The kernels' launches: the one file that nvcc compiles.
#pragma once

#include <cuda_runtime_api.h>

#include "workers/engine/cuda/table.hpp"

namespace vultus::cuda {

/// Puts the kernel into the stream.
cudaError_t launch_kernel(cudaStream_t, const kernel_call&);

/// Whether the device in use runs them: cudaErrorNoKernelImageForDevice if they were not compiled
/// for its architecture.
cudaError_t try_kernels();

/// The architectures that it was compiled for: "750,800,...".
const char* architectures();

}  // namespace vultus::cuda
