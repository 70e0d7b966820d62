// Which kernel of our own computes a layer that cuDNN does not, and in how many pieces. Pure.
#pragma once

#include "workers/engine/cuda/table.hpp"
#include "workers/engine/plan.hpp"

namespace vultus::cuda {

finish finish_of(activation);

/// requires  a layer that no convolution of cuDNN's computes
kernel kernel_of(const layer&);

/// Pieces of work of that kernel for a step: one a thread.
long pieces_of(const layer&, const step&, long batch);

}  // namespace vultus::cuda
