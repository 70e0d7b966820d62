// Weights as the GPU wants them: channels last, padded to channel_step with zeros, in half or
// float32. Pure.
#pragma once

#include <cstddef>
#include <vector>

#include "shared/base/result.hpp"
#include "workers/engine/layers.hpp"

namespace vultus::cuda {

/// Channels as they lie in memory.
long padded(long channels);

struct packed_weights {
    std::vector<std::byte> weights;  ///< conv: [output][row][column][input]
    std::vector<std::byte> bias;     ///< one a channel; may be empty
};

/// The numbers of a conv without groups, in half or float32, as cuDNN reads them. Those of all
/// other layers are float32, for kernels of our own: conv with groups and conv_transpose
/// [row][column] [input of its group][output]; linear as it is; prelu, affine one a channel, or one
/// for all. requires  a layer with weights that check() accepts errors    malformed: a number that
/// half precision cannot hold
result<packed_weights> pack(const layer&, bool wide);

}  // namespace vultus::cuda
