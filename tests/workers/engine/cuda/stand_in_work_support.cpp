// Sizes from shapes.
#include "tests/workers/engine/cuda/stand_in_work_support.hpp"

#include <algorithm>

#include "workers/engine/cuda/kernel_depthwise.hpp"

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

/// What the numbers of each channel of the output are made with.
std::vector<memory_range> numbers_of(const kernel_call& c) {
    const std::size_t channels = product({c.out_shape.channels}) * 4;
    const std::size_t windows = product({c.window_rows, c.window_columns, c.inputs});
    std::vector<memory_range> made;
    if (c.what == kernel::grouped || c.what == kernel::depthwise || c.what == kernel::transposed) {
        made = {{c.weights, windows * channels}, {c.offsets, channels}};
    } else if (c.what == kernel::affine) {
        made = {{c.weights, channels}, {c.offsets, channels}};
    }
    if (c.after == finish::prelu) made.push_back({c.slopes, c.one_slope ? 4 : channels});
    if (c.before == finish::prelu) {
        made.push_back({c.before_slopes, c.before_one_slope ? 4 : channels});
    }
    return made;
}

/// Groups of eight channels that a kernel writes: one a thread, but for depthwise.
std::size_t groups_of(const kernel_call& c) {
    const std::size_t threads = product({c.count});
    if (c.what != kernel::depthwise) return threads;
    const std::size_t parts = product({c.out_shape.channels}) / channel_step;
    const int runs = (c.out_shape.columns + row_at_once - 1) / row_at_once;
    return threads / (parts * product({c.out_shape.rows, runs})) * count_of(c.out_shape) /
           channel_step;
}

/// What a kernel reads that gives groups of eight channels of its output to each thread.
std::vector<memory_range> read_by_groups(const kernel_call& c) {
    const std::size_t number = c.wide ? 4 : 2;
    const std::size_t groups = groups_of(c) * channel_step * number;
    const std::size_t pictures = groups_of(c) * channel_step / count_of(c.out_shape);
    std::vector<memory_range> made = numbers_of(c);
    made.push_back({c.in, pictures * count_of(c.in_shape) * number});
    if (c.what == kernel::add || c.what == kernel::multiply) {
        made.push_back({c.plus, pictures * count_of(c.plus_shape) * number});
    }
    if (c.addend != nullptr) made.push_back({c.addend, groups});
    return made;
}

/// The same for all others, and what they write.
std::vector<memory_range> ranges_of_others(const kernel_call& c) {
    const std::size_t number = c.wide ? 4 : 2, number_out = c.wide_out ? 4 : 2;
    const std::size_t count = static_cast<std::size_t>(c.count);
    const std::size_t seen = product({c.to.rows, c.to.columns});
    const std::size_t in = count_of(c.in_shape) * number;
    switch (c.what) {
        case kernel::picture:
            return {{c.in, count / seen * product({c.from.rows, c.from.columns}) * 3},
                    {c.out, count / seen * count_of(c.out_shape) * number}};
        case kernel::shrink:
            return {{c.out, count_of(c.out_shape) * number}};
        case kernel::average_rows:
            return {{c.in, count * channel_step * product({c.in_shape.columns}) * number},
                    {c.out, count * channel_step * 4}};
        case kernel::average_all:
            return {{c.in, count / product({c.in_shape.channels}) * in},
                    {c.out, count * number_out}};
        case kernel::linear: {
            const std::size_t pixels = product({c.in_shape.rows, c.in_shape.columns});
            std::vector<memory_range> made{
                {c.in, count / product({c.out_shape.channels}) * in},
                {c.weights, pixels * product({c.inputs, c.channels}) * 4},
                {c.out, count * number_out}};
            if (c.offsets != nullptr) {
                made.push_back({c.offsets, product({c.out_shape.channels}) * 4});
            }
            return made;
        }
        case kernel::column_sum:
            return {{c.in, count * product({c.in_shape.channels}) * number}, {c.out, count * 4}};
        case kernel::planes: {
            const std::size_t pictures = count * channel_step / count_of(c.in_shape);
            return {
                {c.in, pictures * in},
                {c.out, pictures * product({c.in_shape.rows, c.in_shape.columns, c.channels}) * 4}};
        }
        default:
            return {};
    }
}

bool by_groups(kernel what) {
    switch (what) {
        case kernel::pool:
        case kernel::add:
        case kernel::activate:
        case kernel::grouped:
        case kernel::depthwise:
        case kernel::transposed:
        case kernel::affine:
        case kernel::multiply:
        case kernel::upsample:
            return true;
        default:
            return false;
    }
}

/// Whether a kernel's output may lie where it reads.
bool in_place(const kernel_call& c, const memory_range& read) {
    return c.what == kernel::shrink || (c.what == kernel::activate && read.begin == c.in) ||
           ((c.what == kernel::grouped || c.what == kernel::depthwise) && read.begin == c.addend);
}

}  // namespace

piece_of_work looked_at(const convolution& c, const convolution_memory& m,
                        std::size_t workspace_bytes) {
    const std::size_t number = c.wide ? 4 : 2;
    const memory_range x{m.x, product({c.batch, c.rows, c.columns, c.inputs}) * number};
    const memory_range y{m.y, product({c.batch, c.out_rows, c.out_columns, c.outputs}) * number};
    const memory_range space{m.workspace, workspace_bytes};
    piece_of_work made;
    made.touches = {
        x,
        y,
        {m.weights, product({c.outputs, c.window_rows, c.window_columns, c.inputs}) * number},
        {m.bias, product({c.outputs}) * number}};
    if (c.residual) made.touches.push_back({m.residual, y.bytes});
    if (space.bytes > 0) made.touches.push_back(space);
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
    if (c.residual && overlap({m.residual, y.bytes}, y)) {
        made.wrong = "an output in the residual's memory";
    }
    if (space.bytes > 0 && (overlap(space, x) || overlap(space, y))) {
        made.wrong = "a workspace in a value's memory";
    }
    if (m.workspace_bytes < space.bytes) made.wrong = "too small a workspace";
    made.kind = "convolution";
    for (const int one : {c.wide, c.inputs, c.outputs, c.window_rows, c.stride, c.relu}) {
        made.kind += " " + std::to_string(one);
    }
    return made;
}

piece_of_work looked_at(const kernel_call& c) {
    piece_of_work made;
    if (c.before != finish::none && c.what != kernel::depthwise) {
        made.wrong = "an activation before a kernel that does none";
        return made;
    }
    if (c.count < 1) {
        made.wrong = "a launch without threads";
        return made;
    }
    memory_range out{c.out, groups_of(c) * channel_step * (c.wide ? 4u : 2u)};
    if (by_groups(c.what)) {
        made.touches = read_by_groups(c);
    } else {
        made.touches = ranges_of_others(c);
        const auto writes = std::find_if(made.touches.begin(), made.touches.end(),
                                         [&](const auto& one) { return one.begin == c.out; });
        out = *writes;
        made.touches.erase(writes);
    }
    for (const memory_range& read : made.touches) {
        if (overlap(read, out) && !in_place(c, read)) made.wrong = "an output in an input's memory";
    }
    made.touches.push_back(out);
    // The planes are written number by number.
    const std::size_t aligned = c.what == kernel::planes ? 4 : channel_step * (c.wide ? 4 : 2);
    if (reinterpret_cast<std::uintptr_t>(c.out) % aligned != 0) made.wrong = "an unaligned output";
    made.kind = "kernel " + std::to_string(static_cast<int>(c.what)) + (c.wide ? " wide" : "");
    return made;
}

}  // namespace vultus::testing
