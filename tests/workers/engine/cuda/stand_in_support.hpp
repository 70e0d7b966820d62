// A GPU on the CPU, behind the table that the cuda backend calls (engine/cuda/table.hpp), as
// strict as CUDA and stricter: new memory is poisoned; streams carry work out late, in any order
// that is legal across streams; graphs record and replay; what CUDA forbids during a capture, or
// would do wrong in silence, is refused.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "workers/engine/cuda/table.hpp"

namespace vultus::testing {

struct stand_in_options {
    int gpus = 1;
    std::size_t memory_bytes = std::size_t{2} << 30;  ///< of each
    std::uint32_t seed = 1;                           ///< of the order of work
    int fail_call = 0;  ///< the call with this number fails, and all after it; 0: none
    int fail_work = 0;  ///< the same for pieces of work on a stream: wait() says so
    int compute = 90;   ///< compute capability
    const char* name = "Stand-in";
    bool captures = true;               ///< graphs can be made
    std::size_t host_bytes = ~0ull;     ///< memory of the CPU for the GPU, of each
    std::size_t workspace_step = 4096;  ///< each way of a convolution needs more than the next
    int ways_refused = 0;               ///< the first ones of each convolution
};

struct stand_in_state;

/// threads   any; one stand-in outlives the sessions on it
class stand_in {
 public:
    explicit stand_in(stand_in_options = {});
    stand_in(const stand_in&) = delete;
    stand_in& operator=(const stand_in&) = delete;
    ~stand_in();

    const cuda::table& calls() const;

    /// What is alive: pieces of memory, streams, events, graphs, open devices.
    struct count {
        std::size_t gpu_memory = 0, host_memory = 0, streams = 0, events = 0, graphs = 0,
                    devices = 0, plans = 0;
        std::size_t gpu_bytes = 0;
        bool operator==(const count&) const = default;
    };
    count alive() const;
    /// Calls and pieces of work so far.
    int calls_made() const;
    int work_done() const;
    /// Pieces of work that ran between another stream's.
    int interleaved() const;
    /// Ways of convolutions that were timed, and pieces of work that were convolutions by the
    /// fastest one.
    int ways_timed() const;
    int by_the_fastest() const;
    /// Why the last call was refused; empty if none was.
    std::string refusal() const;

 private:
    std::unique_ptr<stand_in_state> state_;
};

}  // namespace vultus::testing
