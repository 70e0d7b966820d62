// A network as a plain list: what to compute, in which order, with which numbers. No library behind
// it; dlib_layers makes one of a model file, every backend but the reference runs it. Pure.
#pragma once

#include <array>
#include <cstddef>
#include <vector>

#include "shared/base/result.hpp"

namespace vultus {

/// What a layer does. In all of them a picture is channels x rows x columns floats.
enum class layer_kind {
    conv,          ///< out = bias + sum of weights * in, over a window
    relu,          ///< max(in, 0)
    max_pool,      ///< the largest of a window
    average_pool,  ///< the mean of a window
    average_all,   ///< the mean of each channel
    add,           ///< from + plus; the smaller one is continued with zeros to the larger's size in
                   ///< channels, rows and columns
    linear,        ///< out = weights * in, no bias
    column_sum     ///< out[0][y][x] = bias[0] + sum of in[k][y][x + k - padding_columns] over k
};

/// Values are numbered: 0 is the picture that goes in, n the output of layers[n - 1].
struct layer {
    layer_kind kind = layer_kind::relu;
    std::size_t from = 0;  ///< the value it reads; an earlier one
    std::size_t plus = 0;  ///< add: the other value
    long inputs = 0;       ///< conv, linear, column_sum: channels in
    long outputs = 0;      ///< conv, linear: channels out
    long rows = 1;         ///< the window, pixels
    long columns = 1;
    long stride = 1;             ///< pixels between windows, both ways
    long padding_rows = 0;       ///< zeros above and below, at most rows - 1
    long padding_columns = 0;    ///< zeros left and right, at most columns - 1
    std::vector<float> weights;  ///< conv: [output][input][row][column]; linear: [input][output]
    std::vector<float> bias;     ///< conv: one an output; column_sum: one
};

struct network {
    /// Red, green and blue as they go in: (byte - mean) / 256.
    std::array<float, 3> mean{};
    std::vector<layer> layers;  ///< the last one's output is the network's
};

struct tensor_shape {
    long channels = 0;
    long rows = 0;
    long columns = 0;
    bool operator==(const tensor_shape&) const = default;
    std::size_t size() const {
        return static_cast<std::size_t>(channels) * static_cast<std::size_t>(rows) *
               static_cast<std::size_t>(columns);
    }
};

/// The shape of each value for a picture of that size: layers.size() + 1 shapes.
/// requires  check() found nothing
/// errors    bad_option: the picture is smaller than a window
result<std::vector<tensor_shape>> shapes_of(const network&, tensor_shape picture);

/// Whether the list can be computed at all: each layer reads earlier values of fitting channels,
/// has as many weights as it says, and every number in it is finite.
/// errors    malformed; the detail names the layer
result<void> check(const network&);

/// The same network with each convolution of one output and several columns (the last of the
/// detector) as one of one column with an output for each of them, and a column_sum. Libraries
/// compute channels by 8 or 16: that is a ninth of the work for a 9x9 window.
network split_columns(network);

}  // namespace vultus
