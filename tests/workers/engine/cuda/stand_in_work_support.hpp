// Which memory a piece of the stand-in's work reads and writes, and whether what is asked makes
// sense: the checks that a GPU does not make.
#pragma once

#include <string>
#include <vector>

#include "workers/engine/cuda/table.hpp"

namespace vultus::testing {

struct memory_range {
    const void* begin = nullptr;
    std::size_t bytes = 0;
    bool host = false;
};

struct piece_of_work {
    std::vector<memory_range> touches;
    std::string wrong;  ///< what is wrong with it; empty if nothing
    std::string kind;   ///< code that the GPU would load for it
};

/// workspace_bytes: of the plan
piece_of_work looked_at(const cuda::convolution&, const cuda::convolution_memory&,
                        std::size_t workspace_bytes);
piece_of_work looked_at(const cuda::kernel_call&);

}  // namespace vultus::testing
