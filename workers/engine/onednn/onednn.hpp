// A layer list run by oneDNN on the CPU; convolution.hpp is the library's part.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "workers/engine/engine.hpp"
#include "workers/engine/layers.hpp"
#include "workers/engine/runner.hpp"

namespace vultus {

/// What oneDNN may use of this CPU: "avx2", "avx512" or "avx512_bf16". ONEDNN_MAX_CPU_ISA lowers
/// it.
/// errors    bad_option: less than AVX2, which it computes a hundred times slower
result<std::string> onednn_cpu();

/// When convolutions one behind the other are computed in bands of rows (band.hpp).
/// source    CenterFace at 640x480 on an AMD EPYC with 1 MiB of L2: bands of 8 rows or more took
///           0.89 of the time without; their size makes 2 % between 256 KiB and 3 MiB
struct banding {
    /// Floats of one picture from which on a value between them is too large for the caches.
    std::size_t chained_floats = std::size_t{1} << 20;
    std::size_t bytes = 768 * 1024;  ///< of the largest value of a band, if it is
    long rows_min = 8;               ///< at least so high, as two bands compute some rows both
};

/// threads   one caller at a time, whichever; one object per lane (clone()). Objects share the
///           weights. Uses the calling thread only.
class onednn_network {
 public:
    /// Kept ready: programs for so many batch and picture sizes, the least recently used goes
    /// first.
    static constexpr std::size_t programs_max = 8;

    /// Makes the network ready for pictures of `warm` sizes (batch, shape): primitives are made and
    /// weights laid out as they want them.
    /// requires  check(net) found nothing; nothing reads a column_sum
    /// errors    bad_option: bf16 on a CPU without it; a CPU below AVX2; a layer for which oneDNN
    ///           has only its reference code; more weights than rewrite.hpp takes
    static result<onednn_network> make(std::shared_ptr<const network> net, precision numbers,
                                       const std::vector<std::pair<long, tensor_shape>>& warm,
                                       const banding& = {});
    onednn_network(onednn_network&&) noexcept;
    onednn_network& operator=(onednn_network&&) noexcept;
    ~onednn_network();
    /// For another lane: the same weights in memory, buffers of its own.
    onednn_network clone() const;

    /// Where to put `batch` pictures before run(): [picture][channel][row][column]. What was there
    /// is undefined. Makes a program if there is none for this size: about 20 ms.
    /// errors    bad_option: smaller than the network's window. Ends the process (70) if oneDNN
    ///           cannot make one.
    result<std::span<float>> input(long batch, tensor_shape picture);

    /// Runs the pictures. returns  the first output, [picture][channel][row][column], valid until
    /// the next call; ends the process (70) if oneDNN fails
    std::span<const float> run();
    /// All outputs of the last run, in the order of outputs_of(); valid until the next call.
    std::span<const output_tensor> outputs() const;
    /// The shape of one picture's first output.
    tensor_shape output() const;

    /// For tests: how oneDNN runs each convolution of the current program, as it names it.
    std::vector<std::string> implementations() const;
    std::size_t programs() const;

 private:
    struct state;
    explicit onednn_network(std::unique_ptr<state>);
    std::unique_ptr<state> state_;
};

}  // namespace vultus
