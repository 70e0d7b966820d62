// Factors and offsets out of a layer list. Pure.
#pragma once

#include "workers/engine/layers.hpp"

namespace vultus::importers {

/// The list with each affine layer folded into the convolution or linear layer before it, into the
/// input, or into the one convolution or linear layer that reads it, where that gives the same
/// results: a convolution whose padding is zeros cannot take an offset of its input. What no output
/// needs is left out.
/// requires  check() found nothing
network folded(network);

}  // namespace vultus::importers
