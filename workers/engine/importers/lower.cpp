// One node after the other becomes a layer, or nothing, or a refusal. After the first refusal the
// rest is not looked at.
#include <algorithm>

#include "workers/engine/importers/fold.hpp"
#include "workers/engine/importers/lowering.hpp"

namespace vultus::importers {

std::string text_of(const std::vector<long>& numbers) {
    std::string text = "[";
    for (const long number : numbers) text += (text.size() > 1 ? "," : "") + std::to_string(number);
    return text + "]";
}

namespace {

/// Each layer has its own copy of its weights. Published networks read none more than five times
/// (a head for each level of a pyramid); without a bound a small file could want any memory.
constexpr std::size_t readers_most = 8, numbers_always = std::size_t{1} << 22;

}  // namespace

lowerer::lowerer(graph from, const input_format& input) : graph_(std::move(from)) {
    for (const auto& [name, numbers] : graph_.constants) numbers_most_ += numbers.numbers.size();
    numbers_most_ = std::max(numbers_always, readers_most * numbers_most_);
    net_.input = input;
    net_.input.rows = graph_.rows;
    net_.input.columns = graph_.columns;
    const bool sized = graph_.rows > 0 && graph_.columns > 0;
    values_[graph_.input] = {
        0, {3, sized ? graph_.rows : 0, sized ? graph_.columns : 0}, order::planes};
}

result<network> lowerer::list() {
    constexpr long side_max = 1L << 20;
    if (graph_.rows < 0 || graph_.rows > side_max || graph_.columns < 0 ||
        graph_.columns > side_max) {
        return fail(errc::malformed, "the file declares an impossible size of its input");
    }
    for (const node& one : graph_.nodes) {
        now_ = &one;
        if (values_.contains(one.output) || graph_.constants.contains(one.output)) {
            refuse("writes a value that another one writes: " + one.output);
        }
        if (fault_.empty()) lower(one);
        if (!fault_.empty()) return fail(errc::malformed, fault_);
    }
    for (const graph_output& one : graph_.outputs) {
        const auto found = values_.find(one.value);
        if (found == values_.end()) {
            return fail(errc::malformed, "no node writes the output " + one.name);
        }
        net_.outputs.push_back({one.name, found->second.number});
    }
    if (net_.outputs.empty()) return fail(errc::malformed, "the file has no output");
    if (const auto fine = check(net_); !fine) return fail(fine.error());
    network made = folded(std::move(net_));
    if (const auto fine = check(made); !fine) return fail(fine.error());
    return made;
}

void lowerer::refuse(const std::string& why) {
    if (fault_.empty()) fault_ = now_->label + " " + why;
}

std::string lowerer::name_of(std::size_t index) const {
    return index < now_->inputs.size() ? now_->inputs[index] : std::string();
}

const constant* lowerer::constant_at(std::size_t index) const {
    const auto found = graph_.constants.find(name_of(index));
    return found == graph_.constants.end() ? nullptr : &found->second;
}

value lowerer::value_at(std::size_t index) {
    const auto found = values_.find(name_of(index));
    if (found != values_.end()) return found->second;
    refuse(constant_at(index) != nullptr
               ? "computes with constants only"
               : "reads \"" + name_of(index) +
                     "\", which no earlier node writes: a cycle, or nodes out of order");
    return {0, {3, 0, 0}, order::planes};
}

value lowerer::planes_at(std::size_t index) {
    const value found = value_at(index);
    if (found.lies != order::planes) refuse("reads a value that was transposed or flattened");
    return found;
}

const constant& lowerer::numbers_at(std::size_t index) {
    static const constant none;
    const constant* found = constant_at(index);
    if (found == nullptr || found->numbers.empty()) {
        refuse("has no constant float numbers as operand " + std::to_string(index));
        return none;
    }
    return *found;
}

void lowerer::inputs_at_most(std::size_t count) {
    if (now_->inputs.size() > count) refuse("has more operands than are known");
}

layer lowerer::over(layer_kind kind, const value& from, std::size_t plus) {
    layer one;
    one.kind = kind;
    one.from = from.number;
    one.plus = plus;
    return one;
}

void lowerer::put(layer one, const value& from, const tensor_shape& plus, long channels,
                  order lies) {
    if (!fault_.empty()) return;
    numbers_ += one.weights.size() + one.bias.size();
    if (numbers_ > numbers_most_) {
        return refuse("and the nodes before it read the constants of the file too often");
    }
    value made{0, {channels, 0, 0}, lies};
    const bool fixed = one.kind == layer_kind::average_all || one.kind == layer_kind::linear;
    if (fixed) made.shape.rows = made.shape.columns = 1;
    if (from.size_known()) {
        // What does not fit at the size that the file declares may do at another one.
        const auto shape = shape_after(one, from.shape, plus);
        if (shape) made.shape = *shape;
    }
    net_.layers.push_back(std::move(one));
    made.number = net_.layers.size();
    values_[now_->output] = made;
}

void lowerer::put_same(layer one, const value& from) {
    put(std::move(one), from, {}, from.shape.channels, from.lies);
}

void lowerer::rename(value from, order lies) {
    if (!fault_.empty()) return;
    from.lies = lies;
    values_[now_->output] = from;
}

void lowerer::lower(const node& one) {
    switch (one.what) {
        case operation::add:
            return add(1.0f);
        case operation::average_all:
            return average_all();
        case operation::average_pool:
            return pool(layer_kind::average_pool);
        case operation::batch_normalization:
            return normalize();
        case operation::convolution:
            return convolve();
        case operation::convolution_transpose:
            return convolve_back();
        case operation::divide:
            return divide();
        case operation::flatten:
            return flatten();
        case operation::identity:
            return rename_same();
        case operation::max_pool:
            return pool(layer_kind::max_pool);
        case operation::multiply:
            return multiply();
        case operation::prelu:
            return prelu();
        case operation::product:
            return product();
        case operation::relu:
            return unary(layer_kind::relu);
        case operation::repeat:
            return repeat();
        case operation::reshape:
            return reshape();
        case operation::sigmoid:
            return unary(layer_kind::sigmoid);
        case operation::subtract:
            return subtract();
        case operation::transpose:
            return transpose();
    }
}

void lowerer::rename_same() {
    const value from = value_at(0);
    rename(from, from.lies);
}

void lowerer::unary(layer_kind kind) {
    inputs_at_most(1);
    const value from = value_at(0);
    put_same(over(kind, from), from);
}

result<network> lowered(graph from, const input_format& input) {
    return lowerer(std::move(from), input).list();
}

}  // namespace vultus::importers
