// The number of operations of a network, for the benches.
#pragma once

#include "workers/engine/layers.hpp"

namespace vultus {

/// Floating point operations of the convolutions and the product, two a multiply-add.
/// requires  a picture that is no smaller than the network's window
inline double flop_of(const network& net, tensor_shape picture) {
    double flop = 0;
    const auto shapes = shapes_of(net, picture).value();
    for (std::size_t i = 0; i < net.layers.size(); ++i) {
        const auto places = static_cast<double>(shapes[i + 1].rows * shapes[i + 1].columns);
        flop += 2.0 * places * static_cast<double>(net.layers[i].weights.size());
    }
    return flop;
}

}  // namespace vultus
