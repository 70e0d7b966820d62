// How a layer list is run: which layers become one step, and which buffer each value lies in. Pure;
// onednn.cpp carries it out.
#pragma once

#include <cstddef>
#include <vector>

#include "workers/engine/layers.hpp"

namespace vultus {

/// What is done to each number of a step's output, last of all.
enum class activation { none, relu, prelu, sigmoid };
/// What a layer of that kind does alone; `none` if it is no activation.
activation activation_of(layer_kind);

/// A value that is never whole in memory.
constexpr std::size_t no_buffer = static_cast<std::size_t>(-1);

/// One computation. `from`, `plus`, `addend` and `to` are buffers.
struct step {
    std::size_t layer = 0;  ///< what to compute: network::layers[layer]
    std::size_t from = 0;
    std::size_t plus = 0;    ///< add, multiply: the other operand
    std::size_t addend = 0;  ///< if it accumulates
    std::size_t to = 0;      ///< another one than those that are read, but for conv's addend
    tensor_shape in, plus_shape, out;
    /// The add that follows is part of the step. conv: the addend lies in `to`, and the sum stays
    /// there, but at the end of a chain; multiply, upsample: it has the shape of the output.
    bool accumulate = false;
    activation after = activation::none;
    std::size_t slopes = 0;   ///< prelu: the layer that has them
    bool reads_wide = false;  ///< `from` is float32 whatever the precision
    bool widens = false;      ///< so is the output
};

/// Convolutions one behind the other. What lies between them is read by nothing else, is large, and
/// has no buffer: they are computed together, in bands of rows.
struct chain {
    std::size_t first = 0;  ///< index in plan::steps
    std::size_t count = 0;  ///< steps, at least two
};

/// Where a result lies when the steps are done.
struct plan_output {
    std::size_t buffer = 0;
    tensor_shape shape;
    bool wide = false;    ///< float32 whatever the precision
    bool planar = false;  ///< a column_sum's: one plane, nothing between its numbers
};

struct plan {
    std::vector<step> steps;
    std::vector<chain> chains;  ///< in the order of the steps
    /// Largest value that each buffer holds: channels rounded up to `block`. Buffer 0 is the
    /// picture's, three planes without rounding, and holds nothing else.
    std::vector<std::size_t> buffer_sizes;
    std::vector<plan_output> outputs;  ///< as outputs_of() has them
};

/// requires  check(net) found nothing; only convolutions without groups read the picture, and
///           nothing reads a column_sum; block 8 or 16, the channels that lie together in memory
/// `chained` floats of one picture from which on a value between convolutions is large; the default
///           makes no chains
/// errors    bad_option: the picture is smaller than a window
result<plan> make_plan(const network& net, tensor_shape picture, long block,
                       std::size_t chained = no_buffer);

}  // namespace vultus
