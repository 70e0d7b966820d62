// The plan's steps become launches; its buffers become places in the arena.
#include "workers/engine/cuda/program.hpp"

#include <algorithm>
#include <limits>

#include "shared/base/require.hpp"
#include "workers/engine/cuda/fp16.hpp"
#include "workers/engine/cuda/packing.hpp"
#include "workers/engine/plan.hpp"

namespace vultus::cuda {
namespace {

constexpr std::size_t alignment = 256;  ///< of values, as cudaMalloc aligns

int narrow(long value) {
    VULTUS_REQUIRE(value >= 0 && value <= std::numeric_limits<int>::max(), "counts fit an int");
    return static_cast<int>(value);
}

std::size_t bytes(long count, std::size_t each) {
    return static_cast<std::size_t>(count) * each;
}

extent extent_of(const tensor_shape& shape) {
    return {narrow(shape.rows), narrow(shape.columns), narrow(padded(shape.channels))};
}

long numbers(const extent& shape) {
    return static_cast<long>(shape.rows) * shape.columns * shape.channels;
}

patch patch_of(const box& level) {
    return {level.top, level.left, narrow(level.height()), narrow(level.width())};
}

/// Steps whose output is float32 whatever the precision.
bool gives_floats(layer_kind kind) {
    return kind == layer_kind::average_all || kind == layer_kind::linear ||
           kind == layer_kind::column_sum;
}

class composer {
 public:
    composer(const network& net, bool wide, const input_size& size, const addresses& at)
        : net_(net),
          wide_(wide),
          size_(size),
          at_(at),
          number_(wide ? sizeof(float) : sizeof(fp16)) {}

    launches compose(const plan& steps) {
        place_buffers(steps);
        draw();
        for (const step& one : steps.steps) add(one);
        made_.result_offset = offsets_[steps.outputs[0].buffer];
        made_.result_floats = bytes(size_.batch, 1) * steps.outputs[0].shape.size();
        made_.output = steps.outputs[0].shape;
        return std::move(made_);
    }

 private:
    void place_buffers(const plan& steps) {
        const tensor_shape canvas{3, size_.layout.rows, size_.layout.columns};
        std::vector<std::size_t> sizes(steps.buffer_sizes.size(), 0);
        sizes[0] = made_.canvas_bytes = bytes(size_.batch * numbers(extent_of(canvas)), number_);
        for (const step& one : steps.steps) {
            const bool floats = gives_floats(net_.layers[one.layer].kind);
            const std::size_t wanted =
                bytes(size_.batch * numbers(extent_of(one.out)), floats ? sizeof(float) : number_);
            sizes[one.to] = std::max(sizes[one.to], wanted);
        }
        for (const std::size_t size : sizes) {
            offsets_.push_back(made_.arena_bytes);
            made_.arena_bytes += (size + alignment - 1) / alignment * alignment;
        }
    }

    void* buffer(std::size_t number) const {
        return reinterpret_cast<void*>(at_.arena + offsets_[number]);
    }

    kernel_call call(kernel what, long count) const {
        kernel_call made{};
        made.what = what;
        made.wide = wide_ ? 1 : 0;
        made.count = narrow(count);
        return made;
    }

    /// The pictures onto their canvases, then the pyramid's smaller levels.
    void draw() {
        const auto& levels = size_.layout.levels;
        const extent canvas = extent_of({3, size_.layout.rows, size_.layout.columns});
        const patch whole = patch_of(levels[0]);
        const long pixels = size_.batch * whole.rows * whole.columns;
        made_.seen_bytes = bytes(pixels, 3);
        made_.cleared = whole.rows != canvas.rows || whole.columns != canvas.columns;
        made_.picture = call(kernel::picture, pixels);
        made_.picture.in = at_.pictures;
        made_.picture.out = buffer(0);
        made_.picture.out_shape = canvas;
        made_.picture.to = whole;
        std::copy(net_.input.mean.begin(), net_.input.mean.end(), made_.picture.mean);
        VULTUS_REQUIRE(levels.size() == 1 || size_.batch == 1, "pyramids go one by one");
        for (std::size_t i = 1; i < levels.size(); ++i) {
            kernel_call next = call(kernel::shrink, levels[i].width() * levels[i].height());
            next.out = buffer(0);
            next.out_shape = canvas;
            next.from = patch_of(levels[i - 1]);
            next.to = patch_of(levels[i]);
            made_.all.push_back(next);
        }
    }

    convolve convolution_of(const step& one) const {
        const layer& what = net_.layers[one.layer];
        const extent in = extent_of(one.in), out = extent_of(one.out);
        convolve made{};
        made.what = {wide_ ? 1 : 0,
                     narrow(size_.batch),
                     in.rows,
                     in.columns,
                     in.channels,
                     out.rows,
                     out.columns,
                     out.channels,
                     narrow(what.rows),
                     narrow(what.columns),
                     narrow(what.stride),
                     narrow(what.padding_rows),
                     narrow(what.padding_columns),
                     one.accumulate ? 1 : 0,
                     one.after == activation::relu ? 1 : 0};
        made.where.x = buffer(one.from);
        made.where.weights = at_.layers[one.layer].weights;
        made.where.bias = at_.layers[one.layer].bias;
        made.where.y = buffer(one.to);
        made.where.residual = one.accumulate ? made.where.y : nullptr;
        made.where.workspace = at_.workspace;
        made.where.workspace_bytes = at_.workspace_bytes;
        return made;
    }

    /// Pieces of work of a kernel: channels by eight, or each for itself.
    long pieces(const step& one) const {
        const extent in = extent_of(one.in), out = extent_of(one.out);
        switch (net_.layers[one.layer].kind) {
            case layer_kind::average_all:
                return size_.batch * in.channels;
            case layer_kind::linear:
                return size_.batch * one.out.channels;
            case layer_kind::column_sum:
                return size_.batch * in.rows * in.columns;
            default:
                return size_.batch * numbers(out) / channel_step;
        }
    }

    static kernel kernel_of(layer_kind kind) {
        switch (kind) {
            case layer_kind::max_pool:
            case layer_kind::average_pool:
                return kernel::pool;
            case layer_kind::average_all:
                return kernel::average_all;
            case layer_kind::add:
                return kernel::add;
            case layer_kind::linear:
                return kernel::linear;
            case layer_kind::column_sum:
                return kernel::column_sum;
            default:
                return kernel::relu;
        }
    }

    void add(const step& one) {
        const layer& what = net_.layers[one.layer];
        if (what.kind == layer_kind::conv) {
            made_.all.push_back(convolution_of(one));
            return;
        }
        kernel_call next = call(kernel_of(what.kind), pieces(one));
        next.in = buffer(one.from);
        next.plus = buffer(one.plus);
        next.out = buffer(one.to);
        next.in_shape = extent_of(one.in);
        next.plus_shape = extent_of(one.plus_shape);
        next.out_shape = extent_of(one.out);
        next.window_rows = narrow(what.rows);
        next.window_columns = narrow(what.columns);
        next.stride = narrow(what.stride);
        next.padding = narrow(what.padding_columns);
        next.largest = what.kind == layer_kind::max_pool ? 1 : 0;
        next.relu = one.after == activation::relu ? 1 : 0;
        if (what.kind == layer_kind::linear) {
            next.weights = static_cast<const float*>(at_.layers[one.layer].weights);
            next.plus_shape.channels = narrow(what.inputs);
            next.out_shape.channels = narrow(what.outputs);
        }
        if (what.kind == layer_kind::column_sum) next.bias = what.bias[0];
        made_.all.push_back(next);
    }

    const network& net_;
    const bool wide_;
    const input_size& size_;
    const addresses& at_;
    const std::size_t number_;
    std::vector<std::size_t> offsets_;
    launches made_;
};

}  // namespace

result<void> check_computable(const network& net) {
    const auto known = [](const layer& one) {
        switch (one.kind) {
            case layer_kind::conv:
                return one.groups == 1;
            case layer_kind::linear:
                return one.bias.empty();
            case layer_kind::relu:
            case layer_kind::max_pool:
            case layer_kind::average_pool:
            case layer_kind::average_all:
            case layer_kind::add:
            case layer_kind::column_sum:
                return true;
            default:
                return false;
        }
    };
    const auto odd = std::find_if_not(net.layers.begin(), net.layers.end(), known);
    input_format dlibs;
    dlibs.mean = net.input.mean;
    if (odd == net.layers.end() && net.outputs.empty() && net.input == dlibs) return {};
    return fail(errc::bad_option,
                "this model has layers or an input that the GPU backend does not compute: set "
                "worker.device = cpu");
}

result<launches> compose(const network& net, bool wide, const input_size& size,
                         const addresses& at) {
    const auto steps = make_plan(net, {3, size.layout.rows, size.layout.columns}, channel_step);
    if (!steps) return fail(steps.error());
    return composer(net, wide, size, at).compose(*steps);
}

}  // namespace vultus::cuda
