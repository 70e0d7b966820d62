// A layer list run by a card: weights there, buffers as large as the largest input needs, and for
// each input size a program: the launches and, from its second run on, a CUDA graph of them.
#pragma once

#include <array>
#include <memory>
#include <span>
#include <vector>

#include "workers/engine/cuda/session.hpp"
#include "workers/engine/engine.hpp"
#include "workers/engine/layers.hpp"
#include "workers/engine/pyramid.hpp"

namespace vultus::cuda {

/// What goes in: `batch` pictures of the size of the layout's first level, each drawn on a canvas
/// of its own.
struct input_size {
    long batch = 1;
    pyramid_layout layout;  ///< one level and no room around it: the picture is the canvas
};

/// threads   one at a time: the caller holds the session's turn in every call, and at the end
class device_network {
 public:
    /// requires  check(net) found nothing; it ends in linear or column_sum; precision fp16 or tf32
    /// largest   the inputs that buffers are made for: no other may need more
    /// warm      inputs whose graphs are made now
    /// programs  so many are kept; the least recently used goes first
    /// errors    bad_option: the card's memory is too small; malformed: weights beyond half
    ///           precision; device_fault
    static result<device_network> make(std::shared_ptr<session>, const network& net,
                                       precision numbers, const std::vector<input_size>& largest,
                                       const std::vector<input_size>& warm, std::size_t programs);
    device_network(device_network&&) noexcept;
    ~device_network();

    /// Where the pictures go before run(): [picture][row][column][3]. The same memory all the time.
    std::span<std::uint8_t> pictures();
    /// returns   [picture][output], valid until the next call. A device fault ends the process.
    /// errors    bad_option: smaller than the network's window
    result<std::span<const float>> run(const input_size&);
    /// The shape of one picture's output in the last run().
    tensor_shape output() const;

    /// For tests: programs kept, and runs that were one launch of a graph.
    std::size_t programs() const;
    std::size_t graph_launches() const;

 private:
    struct state;
    explicit device_network(std::unique_ptr<state>);
    std::unique_ptr<state> state_;
};

}  // namespace vultus::cuda
