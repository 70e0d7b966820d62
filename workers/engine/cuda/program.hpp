// From a layer list and an input size to the launches that compute it, with every address settled.
// Pure: it calls nothing, so that what a GPU is asked can be looked at.
#pragma once

#include <variant>
#include <vector>

#include "workers/engine/cuda/device_network.hpp"
#include "workers/engine/cuda/table.hpp"

namespace vultus::cuda {

/// Where a network's parts lie on the GPU.
struct addresses {
    struct of_layer {
        const void* weights = nullptr;
        const void* bias = nullptr;
    };
    std::vector<of_layer> layers;  ///< one per layer of the list
    std::uintptr_t arena = 0;      ///< for all values
    const void* pictures = nullptr;
};

struct convolve {
    convolution what;
    convolution_memory where;  ///< but the workspace, which is of the plan that computes it
};
using launch = std::variant<convolve, kernel_call>;

struct launches {
    /// The pictures onto their canvases. Not the program's: it is completed by `from`, the size in
    /// which the pictures come, and goes before all others.
    kernel_call picture;
    std::vector<launch> all;
    std::size_t seen_bytes = 0;    ///< of the pictures in the size that the network sees
    std::size_t canvas_bytes = 0;  ///< at the arena's begin: cleared first unless covered
    bool cleared = false;
    std::size_t arena_bytes = 0;
    std::size_t result_offset = 0;  ///< in the arena
    std::size_t result_floats = 0;
    std::vector<result_place> results;  ///< as outputs_of() has them
};

/// requires  check(net) found nothing; a column_sum is the last layer, and no outputs are named
/// then errors    bad_option: the picture is smaller than a window, or a value has more numbers
/// than one
///           launch can have
result<launches> compose(const network&, bool wide, const input_size&, const addresses&);

}  // namespace vultus::cuda
