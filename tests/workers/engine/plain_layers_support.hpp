// A layer list computed in the plainest way, in double: the oracle between dlib and the backends.
#pragma once

#include <vector>

#include "workers/engine/layers.hpp"

namespace vultus::testing {

struct plain_tensor {
    tensor_shape shape;
    std::vector<double> numbers;  ///< [channel][row][column]
};

/// Every value of the list (layers.hpp): the picture first.
std::vector<plain_tensor> computed(const network&, plain_tensor picture);

/// A picture of bytes as it goes into a network: planes, each (byte - mean) * scale.
plain_tensor picture_of(const std::uint8_t* rgb, long rows, long columns,
                        const input_format& input);

/// A convolution of one window, three channels in: weights 0.5, bias 1.
layer small_conv(long outputs, long columns);

}  // namespace vultus::testing
