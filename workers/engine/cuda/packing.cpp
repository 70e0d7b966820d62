// One pass over the weights, each to its place.
#include "workers/engine/cuda/packing.hpp"

#include <cmath>
#include <cstring>

#include "shared/base/require.hpp"
#include "workers/engine/cuda/fp16.hpp"
#include "workers/engine/cuda/table.hpp"

namespace vultus::cuda {
namespace {

template <typename Number>
std::vector<std::byte> bytes_of(const std::vector<float>& values) {
    std::vector<Number> numbers(values.size());
    for (std::size_t i = 0; i < values.size(); ++i) put(values[i], numbers[i]);
    std::vector<std::byte> bytes(numbers.size() * sizeof(Number));
    if (!bytes.empty()) std::memcpy(bytes.data(), numbers.data(), bytes.size());
    return bytes;
}

bool fits_half(const std::vector<float>& values) {
    for (const float value : values) {
        fp16 narrow;
        put(value, narrow);
        if (!std::isfinite(widened(narrow))) return false;
    }
    return true;
}

std::vector<float> channels_last(const layer& conv) {
    const long inputs = padded(conv.inputs), taps = conv.rows * conv.columns;
    std::vector<float> moved(static_cast<std::size_t>(padded(conv.outputs) * taps * inputs));
    const float* from = conv.weights.data();
    for (long output = 0; output < conv.outputs; ++output) {
        for (long input = 0; input < conv.inputs; ++input) {
            for (long tap = 0; tap < taps; ++tap) {
                moved[static_cast<std::size_t>((output * taps + tap) * inputs + input)] = *from++;
            }
        }
    }
    return moved;
}

/// [place][input of a group][output], for the kernels that compute eight outputs at a time.
std::vector<float> outputs_last(const layer& conv) {
    const long inputs = conv.inputs / conv.groups, taps = conv.rows * conv.columns;
    const long outputs = padded(conv.outputs);
    std::vector<float> moved(static_cast<std::size_t>(taps * inputs * outputs));
    const float* from = conv.weights.data();
    for (long output = 0; output < conv.outputs; ++output) {
        for (long input = 0; input < inputs; ++input) {
            for (long tap = 0; tap < taps; ++tap) {
                moved[static_cast<std::size_t>((tap * inputs + input) * outputs + output)] =
                    *from++;
            }
        }
    }
    return moved;
}

/// One a channel, with zeros to the end of the padding.
std::vector<float> of_channels(std::vector<float> numbers) {
    numbers.resize(static_cast<std::size_t>(padded(static_cast<long>(numbers.size()))), 0.0f);
    return numbers;
}

}  // namespace

long padded(long channels) {
    return (channels + channel_step - 1) / channel_step * channel_step;
}

result<packed_weights> pack(const layer& one, bool wide) {
    VULTUS_REQUIRE(!one.weights.empty(), "a layer with weights");
    const std::vector<float> bias = of_channels(one.bias);
    const bool grouped = one.kind == layer_kind::conv && one.groups > 1;
    if (grouped || one.kind == layer_kind::conv_transpose) {
        return packed_weights{bytes_of<float>(outputs_last(one)), bytes_of<float>(bias)};
    }
    if (one.kind == layer_kind::linear) {
        return packed_weights{bytes_of<float>(one.weights), bytes_of<float>(bias)};
    }
    if (one.kind != layer_kind::conv) {
        return packed_weights{bytes_of<float>(of_channels(one.weights)), bytes_of<float>(bias)};
    }
    const std::vector<float> weights = channels_last(one);
    if (wide) return packed_weights{bytes_of<float>(weights), bytes_of<float>(bias)};
    if (!fits_half(weights) || !fits_half(bias)) {
        return fail(errc::malformed,
                    "a weight is too large for half precision: set worker.precision = tf32");
    }
    return packed_weights{bytes_of<fp16>(weights), bytes_of<fp16>(bias)};
}

}  // namespace vultus::cuda
