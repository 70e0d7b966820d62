// A layer list run by a GPU: weights there, buffers as large as the largest input needs, and for
// each input size a program: the launches and, from its second run on, a CUDA graph of them.
#pragma once

#include <memory>
#include <span>
#include <vector>

#include "workers/engine/cuda/gpu_context.hpp"
#include "workers/engine/cuda/staging.hpp"
#include "workers/engine/engine.hpp"
#include "workers/engine/layers.hpp"
#include "workers/engine/pyramid.hpp"

namespace vultus::cuda {

/// Where an output of the network lies among the results: float32, [picture][channel][row][column].
struct result_place {
    tensor_shape shape;     ///< of one picture
    std::size_t first = 0;  ///< floats before it
};

/// What the network sees: `batch` pictures of the size of the layout's first level, each drawn on a
/// canvas of its own.
struct input_size {
    long batch = 1;
    pyramid_layout layout;  ///< one level and no room around it: the picture is the canvas
};

/// What a network is made for.
struct capacity {
    /// The inputs that buffers are made for: no other may need more.
    std::vector<input_size> largest = {};
    /// Inputs whose graphs are made at once.
    std::vector<input_size> warm = {};
    /// Programs that are kept; the least recently used goes first.
    std::size_t programs = 1;
    /// Of all pictures of a run as they come; at least those of `largest` in their own size.
    std::size_t picture_bytes = 0;
};

/// threads   the caller holds the session's turn in every call that does not say otherwise, and at
///           the end
class device_network {
 public:
    struct output {
        /// The results, one behind the other; there when finish() returns.
        std::span<const float> numbers;
        tensor_shape of_picture;  ///< of the first
        std::vector<result_place> results;
    };

    /// requires  check(net) found nothing; a column_sum is the last layer, and no outputs are named
    ///           then; precision fp16 or tf32
    /// errors    bad_option: too little memory, or a picture smaller than a window; malformed:
    ///           weights beyond half precision; device_fault
    static result<device_network> make(std::shared_ptr<gpu_context>, const network& net,
                                       precision numbers, const capacity&);
    device_network(device_network&&) noexcept;
    ~device_network();

    /// Where the pictures of a run go, and its numbers come. Without the turn, as it may block.
    staging::lent lend() const;
    /// Room for the pictures of a run. Any thread.
    std::size_t picture_bytes() const;

    /// Tells the GPU to run the network, behind what it was told before, and does not wait. The
    /// pictures in `from` are resized on the GPU to the size that the network sees: means of the
    /// pixels that one covers where they shrink, bilinear where they grow, rounded to bytes.
    /// rows, columns   of each picture as it comes
    /// requires  lent by this network, and not given back before finish(); the pictures fit
    /// A device fault ends the process.
    /// errors    bad_option: the input is smaller than the network's window; too_large: it needs
    ///           more memory than the largest of the capacity
    result<output> start(const input_size&, long rows, long columns, const staging::piece& from);
    /// Blocks until the numbers of the run that was started with that piece are there. Any thread,
    /// without the turn: another lane's run is told to the GPU meanwhile.
    void finish(const staging::piece&) const;
    /// Both, as a lane does them: takes the turn to start, and waits without it.
    /// requires  the thread has no turn
    result<output> run(const input_size&, long rows, long columns, const staging::piece& from);

    /// Milliseconds of a run of each of the capacity's warm inputs, as a graph, measured at start.
    const std::vector<double>& warm_ms() const;

    /// For tests: programs kept, and runs that were one launch of a graph.
    std::size_t programs() const;
    std::size_t graph_launches() const;

 private:
    struct state;
    explicit device_network(std::unique_ptr<state>);
    std::unique_ptr<state> state_;
};

}  // namespace vultus::cuda
