// Factors and offsets, sums, products, and other shapes of the same numbers.
#include <algorithm>
#include <cmath>

#include "workers/engine/importers/lowering.hpp"

namespace vultus::importers {

std::vector<float> lowerer::by_channel(const constant& from, const value& to) {
    const auto channels = static_cast<std::size_t>(to.shape.channels);
    if (from.numbers.size() == 1 && from.dimensions.size() <= 4) {
        return std::vector<float>(channels, from.numbers[0]);
    }
    std::vector<long> sizes = from.dimensions;
    if (!sizes.empty() && sizes[0] == 1 && sizes.size() == (to.lies == order::flat ? 2u : 4u)) {
        sizes.erase(sizes.begin());
    }
    const bool flat = to.lies == order::flat && to.one_pixel();
    std::vector<long> wanted{to.shape.channels};
    if (!flat) wanted.insert(wanted.end(), {1, 1});
    if ((!flat && to.lies != order::planes) || sizes != wanted) {
        refuse("joins a constant of shape " + text_of(from.dimensions) + " with a value of " +
               std::to_string(channels) + " channels");
    }
    return from.numbers;
}

void lowerer::scale(const value& from, std::vector<float> factors, std::vector<float> offsets) {
    if (!fault_.empty()) return;
    layer one = over(layer_kind::affine, from);
    one.weights = std::move(factors);
    one.bias = std::move(offsets);
    put_same(std::move(one), from);
}

std::vector<float> lowerer::all(const value& of, float number) const {
    return std::vector<float>(static_cast<std::size_t>(of.shape.channels), number);
}

std::size_t lowerer::constant_index() {
    inputs_at_most(2);
    const bool first = constant_at(0) != nullptr, second = constant_at(1) != nullptr;
    if (first && second) refuse("computes with constants only");
    return first ? 0 : second ? 1 : 2;
}

void lowerer::add(float sign) {
    const std::size_t at = constant_index();
    if (at < 2) {
        const value from = value_at(1 - at);
        std::vector<float> offsets = by_channel(numbers_at(at), from);
        for (float& offset : offsets) offset *= sign;
        return scale(from, all(from, 1.0f), std::move(offsets));
    }
    const value from = planes_at(0), plus = planes_at(1);
    const bool unequal = from.size_known() && plus.size_known() && !(from.shape == plus.shape);
    if (from.shape.channels != plus.shape.channels || unequal) {
        return refuse("adds values of different shapes");
    }
    layer one = over(layer_kind::add, from, plus.number);
    one.same_size = true;
    put(std::move(one), from, plus.shape, from.shape.channels);
}

void lowerer::subtract() {
    const std::size_t at = constant_index();
    if (at == 1) return add(-1.0f);
    if (at == 2) return refuse("subtracts two values from one another");
    const value from = value_at(1);
    scale(from, all(from, -1.0f), by_channel(numbers_at(0), from));
}

void lowerer::multiply() {
    const std::size_t at = constant_index();
    if (at < 2) {
        const value from = value_at(1 - at);
        return scale(from, by_channel(numbers_at(at), from), all(from, 0.0f));
    }
    value from = planes_at(0), plus = planes_at(1);
    if (from.one_pixel() && !plus.one_pixel()) std::swap(from, plus);
    const bool known = from.size_known() && plus.size_known();
    if (from.shape.channels != plus.shape.channels ||
        (known && !(from.shape == plus.shape) && !plus.one_pixel())) {
        return refuse("multiplies values of different shapes");
    }
    layer one = over(layer_kind::multiply, from, plus.number);
    put(std::move(one), from, plus.shape, from.shape.channels);
}

void lowerer::divide() {
    if (constant_index() != 1) return refuse("divides by a value that is computed");
    const value from = value_at(0);
    std::vector<float> factors = by_channel(numbers_at(1), from);
    for (float& factor : factors) factor = 1.0f / factor;
    scale(from, std::move(factors), all(from, 0.0f));
}

void lowerer::normalize() {
    inputs_at_most(5);
    const value from = value_at(0);
    const bool by_planes = from.lies == order::planes;
    if (!by_planes && !(from.lies == order::flat && from.one_pixel())) {
        return refuse("reads a value that was transposed or flattened");
    }
    const std::vector<long> wanted{from.shape.channels};
    std::vector<float> factors, offsets;
    for (std::size_t index = 1; index < 5; ++index) {
        const constant& numbers = numbers_at(index);
        if (fault_.empty() && numbers.dimensions != wanted) {
            refuse("has numbers of shape " + text_of(numbers.dimensions));
        }
        if (!fault_.empty()) return;
    }
    const auto& gamma = numbers_at(1).numbers;
    for (std::size_t i = 0; i < gamma.size(); ++i) {
        const double spread =
            static_cast<double>(numbers_at(4).numbers[i]) + static_cast<double>(now_->epsilon);
        const double factor = static_cast<double>(gamma[i]) / std::sqrt(spread);
        const double mean = static_cast<double>(numbers_at(3).numbers[i]);
        factors.push_back(static_cast<float>(factor));
        offsets.push_back(
            static_cast<float>(static_cast<double>(numbers_at(2).numbers[i]) - mean * factor));
        if (!(spread > 0)) return refuse("has a variance that is not positive");
    }
    scale(from, std::move(factors), std::move(offsets));
}

void lowerer::prelu() {
    inputs_at_most(2);
    const value from = value_at(0);
    const constant& slopes = numbers_at(1);
    if (!fault_.empty()) return;
    layer one = over(layer_kind::prelu, from);
    const bool listed = now_->slopes_by_channel && from.lies == order::planes &&
                        slopes.dimensions == std::vector<long>{from.shape.channels};
    one.weights = slopes.numbers.size() == 1 || listed ? slopes.numbers : by_channel(slopes, from);
    put_same(std::move(one), from);
}

void lowerer::flatten() {
    const value from = value_at(0);
    if (from.lies != order::planes && from.lies != order::flat) {
        return refuse("reads a value that was transposed");
    }
    rename(from, order::flat);
}

void lowerer::transpose() {
    const value from = planes_at(0);
    if (now_->order != std::vector<long>{0, 2, 3, 1}) {
        return refuse("transposes by " + text_of(now_->order) + ", not by [0,2,3,1]");
    }
    rename(from, order::channels_last);
}

void lowerer::reshape() {
    inputs_at_most(2);
    const value from = value_at(0);
    const constant* wanted = constant_at(1);
    if (wanted == nullptr || wanted->integers.empty()) {
        return refuse("has no constant shape of whole numbers");
    }
    const auto& sizes = wanted->integers;
    const bool of_picture = sizes[0] == 1 || sizes[0] == 0;
    if (from.lies == order::channels_last && sizes.size() == 3 && of_picture && sizes[1] == -1 &&
        sizes[2] == from.shape.channels) {
        return rename(from, order::pixels);
    }
    const bool flattens = (from.lies == order::planes || from.lies == order::flat) &&
                          sizes.size() == 2 && (of_picture || sizes[0] == -1);
    const bool all_of_it =
        from.size_known() && sizes.back() == static_cast<long>(from.shape.size());
    if (flattens && ((of_picture && sizes[1] == -1) || all_of_it)) {
        return rename(from, order::flat);
    }
    refuse("reshapes to " + text_of(sizes));
}

void lowerer::product() {
    inputs_at_most(3);
    const value from = value_at(0);
    if (from.lies != order::flat) return refuse("multiplies a value that is not flattened");
    const constant& matrix = numbers_at(1);
    if (!fault_.empty()) return;
    if (matrix.dimensions.size() != 2) {
        return refuse("has a matrix of shape " + text_of(matrix.dimensions));
    }
    layer one = over(layer_kind::linear, from);
    const auto& sizes = matrix.dimensions;
    one.inputs = now_->transposed ? sizes[1] : sizes[0];
    one.outputs = now_->transposed ? sizes[0] : sizes[1];
    const bool fits = from.size_known() ? one.inputs == static_cast<long>(from.shape.size())
                                        : one.inputs % from.shape.channels == 0;
    if (!fits) return refuse("has a matrix for another number of inputs");
    one.weights.resize(matrix.numbers.size());
    for (long i = 0; i < one.inputs; ++i) {
        for (long o = 0; o < one.outputs; ++o) {
            const long at = now_->transposed ? o * one.inputs + i : i * one.outputs + o;
            one.weights[static_cast<std::size_t>(i * one.outputs + o)] =
                matrix.numbers[static_cast<std::size_t>(at)] * now_->factor;
        }
    }
    if (!name_of(2).empty()) {
        const value made{0, {one.outputs, 1, 1}, order::flat};
        one.bias = by_channel(numbers_at(2), made);
        for (float& number : one.bias) number *= now_->constant_factor;
    }
    const long outputs = one.outputs;
    put(std::move(one), from, {}, outputs, order::flat);
}

}  // namespace vultus::importers
