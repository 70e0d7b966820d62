// Sizes from shapes.
#include "tests/workers/engine/cuda/stand_in_work_support.hpp"

namespace vultus::testing {
namespace {

using namespace cuda;

std::size_t count_of(const extent& shape) {
    return static_cast<std::size_t>(shape.rows) * static_cast<std::size_t>(shape.columns) *
           static_cast<std::size_t>(shape.channels);
}

std::size_t product(std::initializer_list<int> sizes) {
    std::size_t all = 1;
    for (const int size : sizes) all *= static_cast<std::size_t>(size);
    return all;
}

bool overlap(const memory_range& a, const memory_range& b) {
    const auto *from = static_cast<const char*>(a.begin), *to = static_cast<const char*>(b.begin);
    return from < to + b.bytes && to < from + a.bytes;
}

bool fits(int side, int padding, int window, int stride, int out) {
    return side + 2 * padding >= window && out == (side + 2 * padding - window) / stride + 1;
}

std::vector<memory_range> ranges_of(const kernel_call& c) {
    const std::size_t number = c.wide ? 4 : 2, count = static_cast<std::size_t>(c.count);
    const std::size_t groups = count * channel_step * number;
    const auto pictures = [&](std::size_t each) { return each == 0 ? 0 : count / each; };
    const std::size_t by_group = pictures(count_of(c.out_shape) / channel_step) * number;
    const std::size_t seen = product({c.to.rows, c.to.columns});
    switch (c.what) {
        case kernel::picture:
            return {{c.in, pictures(seen) * product({c.from.rows, c.from.columns}) * 3},
                    {c.out, pictures(seen) * count_of(c.out_shape) * number}};
        case kernel::shrink:
            return {{c.out, count_of(c.out_shape) * number}};
        case kernel::pool:
            return {{c.in, by_group * count_of(c.in_shape)}, {c.out, groups}};
        case kernel::average_all:
            return {
                {c.in, pictures(product({c.in_shape.channels})) * count_of(c.in_shape) * number},
                {c.out, count * 4}};
        case kernel::add:
            return {{c.in, by_group * count_of(c.in_shape)},
                    {c.plus, by_group * count_of(c.plus_shape)},
                    {c.out, groups}};
        case kernel::relu:
            return {{c.in, groups}, {c.out, groups}};
        case kernel::linear:
            return {{c.in, pictures(product({c.out_shape.channels})) * count_of(c.in_shape) * 4},
                    {c.weights, product({c.plus_shape.channels, c.out_shape.channels}) * 4},
                    {c.out, count * 4}};
        case kernel::column_sum:
            return {{c.in, count * product({c.in_shape.channels}) * number}, {c.out, count * 4}};
    }
    return {};
}

}  // namespace

std::size_t workspace_for(const convolution& c) {
    return 4096 + product({c.batch, c.window_rows, c.window_columns});
}

piece_of_work looked_at(const convolution& c, const convolution_memory& m) {
    const std::size_t number = c.wide ? 4 : 2;
    const memory_range x{m.x, product({c.batch, c.rows, c.columns, c.inputs}) * number};
    const memory_range y{m.y, product({c.batch, c.out_rows, c.out_columns, c.outputs}) * number};
    const memory_range space{m.workspace, workspace_for(c)};
    piece_of_work made;
    made.touches = {
        x,
        y,
        space,
        {m.weights, product({c.outputs, c.window_rows, c.window_columns, c.inputs}) * number},
        {m.bias, product({c.outputs}) * number}};
    if (c.residual) made.touches.push_back({m.residual, y.bytes});
    for (const int value : {c.batch, c.rows, c.columns, c.inputs, c.outputs, c.stride}) {
        if (value < 1) made.wrong = "a size below one";
    }
    if (c.inputs % channel_step != 0 || c.outputs % channel_step != 0) {
        made.wrong = "channels that are no multiple of " + std::to_string(channel_step);
    }
    if (!fits(c.rows, c.padding_rows, c.window_rows, c.stride, c.out_rows) ||
        !fits(c.columns, c.padding_columns, c.window_columns, c.stride, c.out_columns)) {
        made.wrong = "an output of another size than the windows give";
    }
    if (c.residual && m.residual == nullptr) made.wrong = "a residual without memory";
    if (overlap(x, y)) made.wrong = "an output in the input's memory";
    if (overlap(space, x) || overlap(space, y)) made.wrong = "a workspace in a value's memory";
    if (m.workspace_bytes < space.bytes) made.wrong = "too small a workspace";
    made.kind = "convolution";
    for (const int one : {c.wide, c.inputs, c.outputs, c.window_rows, c.stride, c.relu}) {
        made.kind += " " + std::to_string(one);
    }
    return made;
}

piece_of_work looked_at(const kernel_call& c) {
    piece_of_work made;
    made.touches = ranges_of(c);
    if (c.count < 1) made.wrong = "a launch without threads";
    const std::size_t aligned = channel_step * (c.wide ? 4 : 2);
    if (reinterpret_cast<std::uintptr_t>(c.out) % aligned != 0) made.wrong = "an unaligned output";
    made.kind = "kernel " + std::to_string(static_cast<int>(c.what)) + (c.wide ? " wide" : "");
    return made;
}

}  // namespace vultus::testing
