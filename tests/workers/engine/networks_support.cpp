// Chips from the sample photos, lists with numbers from a small generator.
#include "tests/workers/engine/networks_support.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "tests/workers/image/photo_support.hpp"
#include "workers/geometry/resize.hpp"

namespace vultus::testing {

image photo(const std::string& name) {
    return std::move(decode_image(sample(name)).value().picture);
}

image as_wide_as(const image& picture, std::uint32_t width) {
    return resized(picture, width, std::max(1u, picture.height * width / picture.width));
}

image many_of(const image& picture, std::uint32_t columns, std::uint32_t rows) {
    image made(picture.width * columns, picture.height * rows);
    const std::size_t line = std::size_t{picture.width} * 3;
    for (std::uint32_t y = 0; y < made.height; ++y) {
        for (std::uint32_t column = 0; column < columns; ++column) {
            std::copy_n(picture.row(y % picture.height), line, made.row(y) + column * line);
        }
    }
    return made;
}

std::vector<chip> sample_chips(std::size_t count) {
    const image picture =
        resized(std::move(decode_image(sample("obama.jpg")).value().picture), 640, 480);
    std::vector<chip> chips(count);
    for (std::size_t i = 0; i < count; ++i) {
        for (std::size_t y = 0; y < limits::chip_side; ++y) {
            const auto* row =
                picture.row(static_cast<std::uint32_t>(y + i * 7 % 300)) + (i * 53 % 480) * 3;
            chips[i].rgb.insert(chips[i].rgb.end(), row, row + limits::chip_side * 3);
        }
    }
    return chips;
}

chip one_colour(std::uint8_t red, std::uint8_t green, std::uint8_t blue) {
    chip face;
    for (std::size_t i = 0; i < chip::bytes; i += 3)
        face.rgb.insert(face.rgb.end(), {red, green, blue});
    return face;
}

double relative_difference(const embedding& ours, const embedding& theirs) {
    double difference = 0, largest = 0;
    for (std::size_t i = 0; i < ours.size(); ++i) {
        difference = std::max(difference, std::abs(static_cast<double>(ours[i] - theirs[i])));
        largest = std::max(largest, std::abs(static_cast<double>(theirs[i])));
    }
    return difference / largest;
}

layer conv(long inputs, long outputs, long side, long stride, long padding, std::size_t from,
           noise& random) {
    layer one;
    one.kind = layer_kind::conv;
    one.from = from;
    one.inputs = inputs;
    one.outputs = outputs;
    one.rows = one.columns = side;
    one.stride = stride;
    one.padding_rows = one.padding_columns = padding;
    for (long i = 0; i < outputs * inputs * side * side; ++i) one.weights.push_back(random() / 8);
    for (long i = 0; i < outputs; ++i) one.bias.push_back(random());
    return one;
}

layer plain(layer_kind kind, std::size_t from, std::size_t plus) {
    layer one;
    one.kind = kind;
    one.from = from;
    one.plus = plus;
    if (kind == layer_kind::max_pool || kind == layer_kind::average_pool) {
        one.rows = one.columns = kind == layer_kind::max_pool ? 3 : 2;
        one.stride = 2;
    }
    return one;
}

network every_kind() {
    noise random;
    network net;
    net.layers = {
        conv(3, 24, 5, 2, 0, 0, random),      // 1
        plain(layer_kind::relu, 1),           // 2
        plain(layer_kind::max_pool, 2),       // 3
        conv(24, 24, 3, 1, 1, 3, random),     // 4
        plain(layer_kind::relu, 4),           // 5
        conv(24, 24, 3, 1, 1, 5, random),     // 6
        plain(layer_kind::add, 6, 3),         // 7: into 3's buffer
        plain(layer_kind::relu, 7),           // 8
        conv(24, 24, 3, 1, 1, 8, random),     // 9
        plain(layer_kind::add, 9, 5),         // 10: 5 is read again by 11
        plain(layer_kind::add, 10, 5),        // 11
        conv(24, 45, 3, 2, 0, 11, random),    // 12
        plain(layer_kind::average_pool, 11),  // 13
        plain(layer_kind::add, 13, 12),       // 14: of two sizes
        plain(layer_kind::relu, 14),          // 15
        plain(layer_kind::relu, 11),          // 16: alone
        conv(24, 45, 3, 2, 0, 16, random),    // 17
        plain(layer_kind::add, 17, 15),       // 18
        conv(45, 1, 9, 1, 4, 18, random),     // 19
    };
    return split_columns(net);
}

double difference_of(std::span<const float> ours, const plain_tensor& expected) {
    double difference = 0, largest = 1e-30;
    for (std::size_t i = 0; i < ours.size(); ++i) {
        if (!std::isfinite(ours[i])) return std::numeric_limits<double>::infinity();
        difference =
            std::max(difference, std::abs(static_cast<double>(ours[i]) - expected.numbers[i]));
        largest = std::max(largest, std::abs(expected.numbers[i]));
    }
    return difference / largest;
}

}  // namespace vultus::testing
