// A network as a plain list: what to compute, in which order, with which numbers. No library behind
// it. dlib_layers and importers/ make one of a model file; every backend but the reference runs it.
// Pure.
#pragma once

#include <array>
#include <cstddef>
#include <string>
#include <vector>

#include "shared/base/result.hpp"

namespace vultus {

/// What a layer does. In all of them a picture is channels x rows x columns floats.
enum class layer_kind {
    conv,            ///< out = bias + sum of weights * in, over a window
    conv_transpose,  ///< each pixel of `in` adds weights * in to a window of out; then the bias
    relu,            ///< max(in, 0)
    prelu,           ///< in where it is positive, else weights * in
    sigmoid,         ///< 1 / (1 + exp(-in))
    affine,          ///< weights * in + bias, one of each a channel
    max_pool,        ///< the largest of a window
    average_pool,    ///< the mean of a window
    average_all,     ///< the mean of each channel
    upsample,        ///< each pixel `stride` times in both directions
    add,             ///< from + plus; see layer::same_size
    multiply,        ///< from * plus; plus has the shape of from, or one number a channel
    linear,          ///< out = weights * in + bias over all numbers of in
    column_sum       ///< out[0][y][x] = bias[0] + sum of in[k][y][x + k - padding_columns] over k
};

/// Values are numbered: 0 is the picture that goes in, n the output of layers[n - 1].
struct layer {
    layer_kind kind = layer_kind::relu;
    std::size_t from = 0;  ///< the value it reads; an earlier one
    std::size_t plus = 0;  ///< add, multiply: the other value
    /// add: a picture of another shape is malformed. If not, the smaller operand is continued with
    /// zeros to the larger's size in channels, rows and columns, as dlib does.
    bool same_size = false;
    long inputs = 0;   ///< conv, conv_transpose, column_sum: channels in; linear: numbers in
    long outputs = 0;  ///< conv, conv_transpose: channels out; linear: numbers out
    /// conv: input and output channels are split into so many parts that do not see one another.
    long groups = 1;
    long rows = 1;  ///< the window, pixels
    long columns = 1;
    long stride = 1;           ///< pixels between windows, in both directions; upsample: the factor
    long padding_rows = 0;     ///< zeros above and below, at most rows - 1; conv_transpose: cut off
    long padding_columns = 0;  ///< zeros left and right, at most columns - 1
    /// conv: [output][input of its group][row][column]; conv_transpose: [output][input][row]
    /// [column]; linear: [input][output], inputs as [channel][row][column]; affine: one a channel;
    /// prelu: one a channel, or one for all
    std::vector<float> weights;
    /// conv, conv_transpose: one an output; linear: one an output or none; affine: one a channel;
    /// column_sum: one
    std::vector<float> bias;
    bool operator==(const layer&) const = default;
};

/// How the bytes of a picture become the numbers that go into the network.
struct input_format {
    /// Plane p of value 0 is (byte - mean[p]) * scale[p] of red, green and blue for p = 0, 1, 2; of
    /// blue, green and red if `bgr`.
    std::array<float, 3> mean{};
    std::array<float, 3> scale{1.0f / 256.0f, 1.0f / 256.0f, 1.0f / 256.0f};  ///< dlib's
    bool bgr = false;
    /// The picture's size that the file declares, pixels; 0: none. Many files of networks that take
    /// any size declare one.
    long rows = 0;
    long columns = 0;
    bool operator==(const input_format&) const = default;
};

/// A value that is a result, by the file's name for it.
struct network_output {
    std::string name;
    std::size_t value = 0;
    bool operator==(const network_output&) const = default;
};

struct network {
    input_format input;
    std::vector<layer> layers;
    std::vector<network_output> outputs;  ///< empty: the last layer's, without a name
    bool operator==(const network&) const = default;
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

/// Floats of the largest value that is computed, 2 GiB. No file and no picture may want more.
constexpr std::size_t value_floats_max = std::size_t{1} << 29;

/// The outputs, in the order of the file; at least one.
/// requires  check() found nothing
std::vector<network_output> outputs_of(const network&);

/// The shape that a layer makes of the values that it reads.
/// requires  the layer is one of a list in which check() found nothing
/// errors    bad_option, as shapes_of()
result<tensor_shape> shape_after(const layer&, const tensor_shape& from, const tensor_shape& plus);

/// The shape of each value for a picture of that size: layers.size() + 1 shapes.
/// requires  check() found nothing
/// errors    bad_option: the picture is smaller than a window, or two values that are added or
///           multiplied, or the numbers into a linear layer, do not fit at that size; a value has
///           more than value_floats_max numbers
result<std::vector<tensor_shape>> shapes_of(const network&, tensor_shape picture);

/// Whether the list can be computed at all: each layer reads earlier values of fitting channels,
/// has as many weights as it says, every number in it is finite, and each output is the value of a
/// layer, under a name of its own.
/// errors    malformed; the detail names the layer
result<void> check(const network&);

/// The same network with each convolution of one output and several columns (the last of the
/// detector) as one of one column with an output for each of them, and a column_sum. Libraries
/// compute channels by 8 or 16: that is a ninth of the work for a 9x9 window.
/// requires  no outputs are named
network split_columns(network);

}  // namespace vultus
