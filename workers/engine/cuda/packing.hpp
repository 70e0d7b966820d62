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
    std::vector<std::byte>
        weights;                  ///< [output][row][column][input]; linear: [input][output], fp32
    std::vector<std::byte> bias;  ///< [output]; empty for linear
};

/// requires  a conv or linear layer that check() accepts
/// errors    malformed: a number that half precision cannot hold
result<packed_weights> pack(const layer&, bool wide);

}  // namespace vultus::cuda
