// Memory of the CPU through which pictures go up to a GPU and numbers come down. A few
// pieces of it, so that lanes fill theirs, and read what came, while the GPU works for another.
#pragma once

#include <condition_variable>
#include <memory>
#include <mutex>
#include <span>
#include <vector>

#include "workers/engine/cuda/gpu_context.hpp"

namespace vultus::cuda {

/// An event, dropped with what waits for it.
struct drop_event {
    const table* calls = nullptr;
    void operator()(event* made) const { calls->drop_event(made); }
};

/// threads   any; made and destroyed in the session's turn
class staging {
 public:
    /// For one run.
    struct piece {
        memory pictures;                             ///< [picture][row][column][3] bytes
        memory numbers;                              ///< [picture][output] float32
        std::unique_ptr<event, drop_event> arrived;  ///< the numbers are there
    };
    struct give_back {
        staging* to;
        void operator()(piece*) const noexcept;
    };
    /// A piece that nobody else uses.
    using lent = std::unique_ptr<piece, give_back>;

    /// All bytes are 0.
    /// errors    bad_option: the machine does not have that much; device_fault
    static result<std::unique_ptr<staging>> make(const std::shared_ptr<gpu_context>&,
                                                 std::size_t pieces, std::size_t picture_bytes,
                                                 std::size_t number_bytes);
    staging(const staging&) = delete;
    staging& operator=(const staging&) = delete;

    /// Blocks until a piece is free. requires  no turn, unless no other thread has a piece
    lent lend();

 private:
    staging() = default;

    std::vector<std::unique_ptr<piece>> all_;
    std::mutex mutex_;
    std::condition_variable returned_;
    std::vector<piece*> free_;
};

}  // namespace vultus::cuda
