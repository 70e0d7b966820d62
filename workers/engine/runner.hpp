// A network on the pixels of pictures: bytes in, the network's outputs out. Detectors and embedders
// of imported models stand on it and decode what comes out; the seam at which their tests put a
// made-up network.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "workers/engine/engine.hpp"
#include "workers/engine/layers.hpp"

namespace vultus {

/// Pixels of a picture, RGB, 8 bit, interleaved, rows without room between them.
struct picture_view {
    const std::uint8_t* rgb = nullptr;
    long rows = 0;
    long columns = 0;
};

/// One output of a run.
struct output_tensor {
    std::string name;               ///< the file's; empty if it has none
    tensor_shape shape;             ///< of one picture
    std::span<const float> values;  ///< [picture][channel][row][column]
};

/// threads   one caller at a time, whichever; one object per replica (clone()). Objects share the
///           weights. Uses the calling thread only
class runner {
 public:
    virtual ~runner() = default;
    virtual std::unique_ptr<runner> clone() const = 0;
    /// The network's; `input` says what the bytes become.
    virtual const network& of() const = 0;

    /// Runs the network on pictures, each in the upper left of a canvas of `rows` x `columns` that
    /// is black beyond it. The first run at a size makes its program: about 20 ms to 100 ms on a
    /// CPU; the last sizes are kept (8 on a CPU, 16 on a GPU).
    /// requires  1 <= pictures.size() <= limits::batch_max, none empty or larger than the canvas
    /// returns   the outputs in the order of outputs_of(); valid until the next call
    /// errors    bad_option: the network cannot run at that size (shapes_of()); on a GPU also: it
    ///           needs more memory there than was taken at start. Ends the process (70) if the
    ///           library behind it fails
    virtual result<std::span<const output_tensor>> run(std::span<const picture_view> pictures,
                                                       long rows, long columns) = 0;
};

/// A batch and picture size whose program is made at start.
struct warm_size {
    long batch = 1;
    long rows = 0;
    long columns = 0;
};

/// On the CPU by oneDNN in fp32; it runs canvases of any size.
runner_maker cpu_runners();

/// On the CPU by oneDNN.
/// requires  check(net) found nothing; fp32 or bf16
/// errors    bad_option: this CPU cannot (engine/onednn/onednn.hpp), or a warm size does not fit
result<std::unique_ptr<runner>> make_onednn_runner(std::shared_ptr<const network>, precision,
                                                   const std::vector<warm_size>&);

}  // namespace vultus
