// cuDNN's ways to compute a fused convolution, by its graph interface: an operation graph, the
// engines that its heuristics name for a device, and a plan for one of them. Of a GPU only its
// properties are needed until a plan is executed, so the tests make every plan for GPUs that the
// machine lacks.
#pragma once

#include <cudnn.h>

#include <vector>

#include "workers/engine/cuda/convolution_graph.hpp"
#include "workers/engine/cuda/table.hpp"

namespace vultus::cuda {

/// For whom plans are made: a handle, or a device's properties alone.
struct planned_for {
    cudnnHandle_t handle = nullptr;
    cudnnBackendDescriptor_t properties = nullptr;
};

/// threads   one at a time
class convolution_ways {
 public:
    /// The ways for that device: the heuristics' choice, then those that always can. Left out are
    /// engines that need a compiler, whose sums are in half precision or come in any order, and
    /// that compute by Winograd or FFT.
    cudnnStatus_t find(const convolution&, const planned_for&);
    std::size_t size() const { return configs_.size(); }
    /// errors    a status of cuDNN's: it cannot compute it that way
    cudnnStatus_t plan(std::size_t rank, part& made, plan_info&) const;

 private:
    cudnnStatus_t ask(cudnnBackendHeurMode_t);

    planned_for whom_;
    std::vector<part> pieces_;  ///< what the graph consists of
    part graph_;
    std::vector<part> configs_;
};

}  // namespace vultus::cuda
