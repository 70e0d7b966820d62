// How a layer list is run: which layers become one step, and which buffer each value lies in. Pure;
// onednn.cpp carries it out.
#pragma once

#include <cstddef>
#include <vector>

#include "workers/engine/layers.hpp"

namespace vultus {

/// One computation. `from`, `plus` and `to` are buffers.
struct step {
    std::size_t layer = 0;  ///< what to compute: network::layers[layer]
    std::size_t from = 0;
    std::size_t plus = 0;  ///< add: the other operand
    std::size_t to = 0;    ///< another one than `from`; than `plus` too, unless it is added to
    tensor_shape in, plus_shape, out;
    bool accumulate =
        false;            ///< conv: `to` holds the other operand of an add, and the sum stays there
    bool relu = false;    ///< then max(out, 0)
    bool widens = false;  ///< out is float32 whatever the precision: what comes next needs it
};

struct plan {
    std::vector<step> steps;
    /// Largest value that each buffer holds: channels rounded up to `block`. Buffer 0 is the
    /// picture's, three planes without rounding, and holds nothing else.
    std::vector<std::size_t> buffer_sizes;
    std::size_t result = 0;  ///< the buffer of the network's output
    tensor_shape output;
};

/// requires  check(net) found nothing; block 8 or 16, the channels that lie together in memory
/// errors    bad_option: the picture is smaller than a window
result<plan> make_plan(const network& net, tensor_shape picture, long block);

}  // namespace vultus
