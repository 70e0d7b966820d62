// The fused convolution of the GPUs' stand-in: plain loops over channels-last memory, half or
// float32, sums in float32. In a file of its own, always optimised.
#pragma once

#include "workers/engine/cuda/table.hpp"

namespace vultus::testing {

void convolve_in_loops(const cuda::convolution&, const cuda::convolution_memory&);

}  // namespace vultus::testing
