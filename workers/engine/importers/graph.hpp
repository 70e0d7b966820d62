// A model file as a graph, whatever wrote it: nodes that read and write named values, and
// constants. The readers of the formats (onnx.cpp, openvino.cpp) make one and refuse what they do
// not know; lower.cpp makes a layer list of it. Plain values.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "shared/base/result.hpp"
#include "workers/engine/layers.hpp"

namespace vultus::importers {

enum class operation {
    add,
    average_all,  ///< the mean of each channel
    average_pool,
    batch_normalization,
    convolution,
    convolution_transpose,
    divide,
    flatten,   ///< to [picture][all other numbers]
    identity,  ///< and whatever does nothing but in training
    max_pool,
    multiply,
    prelu,
    product,  ///< of [picture][number] with a constant matrix, plus a constant
    relu,
    repeat,  ///< of each pixel, both ways
    reshape,
    sigmoid,
    subtract,
    transpose
};

/// Numbers of the file, not larger than it.
struct constant {
    std::vector<long> dimensions;
    std::vector<float> numbers;  ///< of floats; empty for integers
    std::vector<long> integers;
    std::size_t count() const { return numbers.size() + integers.size(); }
};

struct node {
    std::string label;  ///< for messages: its operator and its name
    operation what = operation::identity;
    std::vector<std::string> inputs;  ///< those left out are empty
    std::string output;
    std::vector<long> kernel;  ///< rows, columns; empty: the weights say
    std::vector<long> strides{1, 1};
    std::vector<long> padding{0, 0, 0, 0};  ///< above, left, below, right
    long groups = 1;
    bool group_dimension = false;    ///< convolution: weights are [group][output][input]...
    bool slopes_by_channel = false;  ///< prelu: a list of slopes is one a channel, not a column
    std::vector<long> order;         ///< transpose
    float epsilon = 0;               ///< batch_normalization
    float factor = 1;                ///< product: of the product
    float constant_factor = 1;       ///< product: of the constant that is added
    bool transposed = false;         ///< product: the matrix is [output][input]
};

struct graph_output {
    std::string name;  ///< as others know it
    std::string value;
};

struct graph {
    std::string input;  ///< the value that the picture goes into; three channels
    long rows = 0;      ///< of the picture; 0: any
    long columns = 0;
    std::vector<graph_output> outputs;
    std::map<std::string, constant, std::less<>> constants;
    std::vector<node> nodes;  ///< each reads constants, the input, and outputs of earlier ones
};

/// errors    malformed: what the nodes do to their operands cannot be said in a layer list; the
///           detail names the node
result<network> lowered(graph, const input_format&);

}  // namespace vultus::importers
