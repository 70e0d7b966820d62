// Convolutions, pools, and what repeats pixels.
#include <algorithm>
#include <cmath>

#include "workers/engine/importers/lowering.hpp"

namespace vultus::importers {

void lowerer::take_window(layer& one, const std::vector<long>& kernel) {
    const node& from = *now_;
    if (kernel.size() != 2 || from.strides.size() != 2 || from.padding.size() != 4) {
        return refuse("has a window that is not two-dimensional");
    }
    if (from.strides[0] != from.strides[1]) refuse("has unequal strides");
    if (from.padding[0] != from.padding[2] || from.padding[1] != from.padding[3]) {
        refuse("has unequal padding " + text_of(from.padding));
    }
    const auto within = [](long number, long least, long most) {
        return number >= least && number <= most;
    };
    for (std::size_t side = 0; side < 2; ++side) {
        if (!within(kernel[side], 1, 1'000) || !within(from.strides[side], 1, 100) ||
            !within(from.padding[side], 0, kernel[side] - 1)) {
            return refuse("has an impossible window: " + text_of(kernel) + " in steps of " +
                          text_of(from.strides) + ", padded by " + text_of(from.padding));
        }
    }
    one.rows = kernel[0];
    one.columns = kernel[1];
    one.stride = from.strides[0];
    one.padding_rows = from.padding[0];
    one.padding_columns = from.padding[1];
}

const constant& lowerer::weights_at(std::size_t index, layer& one, std::size_t dimensions) {
    const constant& found = numbers_at(index);
    if (!fault_.empty()) return found;
    const auto& sizes = found.dimensions;
    if (sizes.size() != dimensions) {
        refuse("has weights of shape " + text_of(sizes));
        return found;
    }
    const std::vector<long> kernel(sizes.end() - 2, sizes.end());
    if (!now_->kernel.empty() && now_->kernel != kernel) {
        refuse("has a window " + text_of(now_->kernel) + " that is not its weights'");
    }
    take_window(one, kernel);
    return found;
}

std::vector<float> lowerer::bias_at(std::size_t index, long count) {
    if (name_of(index).empty()) return std::vector<float>(static_cast<std::size_t>(count), 0);
    const constant& found = numbers_at(index);
    if (fault_.empty() && found.dimensions != std::vector<long>{count}) {
        refuse("has an offset of shape " + text_of(found.dimensions));
    }
    return found.numbers;
}

void lowerer::convolve() {
    inputs_at_most(3);
    const value from = planes_at(0);
    layer one = over(layer_kind::conv, from);
    const bool grouped = now_->group_dimension;
    const constant& weights = weights_at(1, one, grouped ? 5 : 4);
    if (!fault_.empty()) return;
    const auto& sizes = weights.dimensions;
    one.groups = grouped ? sizes[0] : now_->groups;
    const long each = grouped ? sizes[2] : sizes[1];
    one.outputs = grouped ? sizes[0] * sizes[1] : sizes[0];
    one.inputs = from.shape.channels;
    if (one.groups < 1 || one.groups > one.inputs || each * one.groups != one.inputs) {
        return refuse("has weights for another number of channels than " +
                      std::to_string(one.inputs));
    }
    if (one.outputs % one.groups != 0) return refuse("has groups of unequal outputs");
    one.weights = weights.numbers;
    one.bias = bias_at(2, one.outputs);
    const long outputs = one.outputs;
    put(std::move(one), from, {}, outputs);
}

void lowerer::convolve_back() {
    inputs_at_most(3);
    const value from = planes_at(0);
    layer one = over(layer_kind::conv_transpose, from);
    const constant& weights = weights_at(1, one, 4);
    if (!fault_.empty()) return;
    if (now_->groups != 1) return refuse("has groups");
    one.inputs = weights.dimensions[0];
    one.outputs = weights.dimensions[1];
    if (one.inputs != from.shape.channels) {
        return refuse("has weights for another number of channels than " +
                      std::to_string(from.shape.channels));
    }
    // The file has [input][output][row][column].
    const long places = one.rows * one.columns;
    one.weights.resize(weights.numbers.size());
    for (long i = 0; i < one.inputs; ++i) {
        for (long o = 0; o < one.outputs; ++o) {
            std::copy_n(weights.numbers.begin() + (i * one.outputs + o) * places, places,
                        one.weights.begin() + (o * one.inputs + i) * places);
        }
    }
    one.bias = bias_at(2, one.outputs);
    const long outputs = one.outputs;
    put(std::move(one), from, {}, outputs);
}

void lowerer::pool(layer_kind kind) {
    inputs_at_most(1);
    const value from = planes_at(0);
    layer one = over(kind, from);
    take_window(one, now_->kernel);
    if (one.padding_rows != 0 || one.padding_columns != 0) refuse("is a pool with padding");
    put_same(std::move(one), from);
}

void lowerer::average_all() {
    inputs_at_most(1);
    const value from = planes_at(0);
    put_same(over(layer_kind::average_all, from), from);
}

void lowerer::repeat() {
    const value from = planes_at(0);
    layer one = over(layer_kind::upsample, from);
    const constant& scales = numbers_at(1);
    if (!fault_.empty()) return;
    const auto& by = scales.numbers;
    const bool whole = by.size() == 4 && by[0] == 1.0f && by[1] == 1.0f && by[2] == by[3] &&
                       by[2] >= 1.0f && by[2] <= 100.0f && by[2] == std::floor(by[2]);
    if (!whole) return refuse("does not enlarge both sides by one whole factor up to 100");
    one.stride = static_cast<long>(by[2]);
    put_same(std::move(one), from);
}

}  // namespace vultus::importers
