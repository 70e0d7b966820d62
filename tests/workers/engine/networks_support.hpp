// What the tests of the backends share: chips and pictures to run, small networks, and how far two
// answers lie apart.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "tests/workers/engine/plain_layers_support.hpp"
#include "workers/engine/layers.hpp"
#include "workers/geometry/geometry.hpp"
#include "workers/image/image.hpp"

namespace vultus::testing {

/// A sample photo, decoded.
image photo(const std::string& name);
image as_wide_as(const image& picture, std::uint32_t width);
/// The picture so many times, side by side and row below row.
image many_of(const image& picture, std::uint32_t columns, std::uint32_t rows);
/// Places of the sample photos, faces or not.
std::vector<chip> sample_chips(std::size_t count);
chip one_colour(std::uint8_t red, std::uint8_t green, std::uint8_t blue);

/// The largest difference over the largest number.
double relative_difference(const embedding& ours, const embedding& theirs);
/// The same; infinite if a number is none.
double difference_of(std::span<const float> ours, const plain_tensor& expected);

/// Numbers between -1 and 1, the same each time.
struct noise {
    std::uint32_t state = 7;
    float operator()() {
        state = state * 1'664'525u + 1'013'904'223u;
        return static_cast<float>(state >> 8) / 8'388'608.0f - 1.0f;
    }
};

layer conv(long inputs, long outputs, long side, long stride, long padding, std::size_t from,
           noise& random);
layer plain(layer_kind kind, std::size_t from, std::size_t plus = 0);

/// Each kind of layer and of fusing: a residual sum, one whose operand is read again later, one of
/// two sizes, a relu that stands alone, 45 channels, and the split convolution at the end.
network every_kind();

}  // namespace vultus::testing
