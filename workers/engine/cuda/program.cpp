// The plan's steps become launches; its buffers become places in the arena.
#include "workers/engine/cuda/program.hpp"

#include <algorithm>
#include <limits>
#include <map>

#include "shared/base/require.hpp"
#include "workers/engine/cuda/fp16.hpp"
#include "workers/engine/cuda/kernel_choice.hpp"
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

/// Pixels of a picture up to which one thread sums up a channel; more are summed row by row first.
constexpr long pixels_alone = 64;

class composer {
 public:
    composer(const network& net, bool wide, const input_size& size, const addresses& at)
        : net_(net),
          wide_(wide),
          size_(size),
          at_(at),
          number_(wide ? sizeof(float) : sizeof(fp16)) {}

    launches compose(const plan& steps) {
        find_results(steps);
        place_buffers(steps);
        draw();
        floats_.assign(steps.buffer_sizes.size(), false);
        for (std::size_t i = 0; i < steps.steps.size(); ++i) {
            const step& one = steps.steps[i];
            if (by_library(one)) {
                convolve_and_activate(steps, i);
            } else {
                add(one);
            }
            floats_[one.to] = gives_floats(one);
        }
        collect(steps);
        return std::move(made_);
    }

 private:
    /// Steps whose output is float32 whatever the precision. cuDNN's convolutions write what they
    /// read.
    bool gives_floats(const step& one) const {
        switch (net_.layers[one.layer].kind) {
            case layer_kind::column_sum:
                return true;
            case layer_kind::average_all:
            case layer_kind::linear:
                return one.widens;
            default:
                return false;
        }
    }

    bool averages_all(const step& one) const {
        const layer& what = net_.layers[one.layer];
        return what.kind == layer_kind::average_all ||
               (what.kind == layer_kind::average_pool && what.rows == one.in.rows &&
                what.columns == one.in.columns);
    }

    /// Whether the only output lies in its buffer as it goes down: float32 without padding.
    bool is_as_it_goes_down(const plan& steps) const {
        if (steps.outputs.size() != 1) return false;
        const plan_output& one = steps.outputs[0];
        const layer_kind last = net_.layers[steps.steps.back().layer].kind;
        const bool vector = last == layer_kind::linear && one.shape.channels % channel_step == 0;
        return one.planar || (vector && steps.steps.back().to == one.buffer && one.wide);
    }

    void find_results(const plan& steps) {
        for (const plan_output& one : steps.outputs) {
            made_.results.push_back({one.shape, made_.result_floats});
            made_.result_floats += bytes(size_.batch, 1) * one.shape.size();
        }
    }

    std::size_t place(std::size_t wanted) {
        const std::size_t here = made_.arena_bytes;
        made_.arena_bytes += (wanted + alignment - 1) / alignment * alignment;
        return here;
    }

    void place_buffers(const plan& steps) {
        const tensor_shape canvas{3, size_.layout.rows, size_.layout.columns};
        std::vector<std::size_t> sizes(steps.buffer_sizes.size(), 0);
        std::size_t row_bytes = 0, spare_bytes = 0;
        sizes[0] = made_.canvas_bytes = bytes(size_.batch * numbers(extent_of(canvas)), number_);
        for (const step& one : steps.steps) {
            const std::size_t each = gives_floats(one) ? sizeof(float) : number_;
            sizes[one.to] =
                std::max(sizes[one.to], bytes(size_.batch * numbers(extent_of(one.out)), each));
            if (averages_all(one)) row_bytes = std::max(row_bytes, bytes(rows_of(one), 4));
        }
        for (const step& one : steps.steps) {
            if (sums_elsewhere(one)) spare_bytes = std::max(spare_bytes, sizes[one.to]);
        }
        for (const step& one : steps.steps) {
            if (sums_elsewhere(one)) sizes[one.to] = spare_bytes;
        }
        for (const std::size_t size : sizes) offsets_.push_back(place(size));
        spare_offset_ = place(spare_bytes);
        rows_offset_ = place(row_bytes);
        if (!is_as_it_goes_down(steps)) {
            made_.result_offset = place(made_.result_floats * sizeof(float));
        }
    }

    bool by_library(const step& one) const {
        const layer& what = net_.layers[one.layer];
        return what.kind == layer_kind::conv && what.groups == 1;
    }
    /// Whether cuDNN adds what lies in `to`.
    bool sums_elsewhere(const step& one) const { return one.accumulate && by_library(one); }

    /// Numbers of the means of rows.
    long rows_of(const step& one) const {
        return size_.batch * one.in.rows * padded(one.in.channels);
    }

    void* arena(std::size_t offset) const { return reinterpret_cast<void*>(at_.arena + offset); }
    void* buffer(std::size_t number) const { return arena(offsets_[number]); }

    kernel_call call(kernel what, long count) const {
        kernel_call made{};
        made.what = what;
        made.wide = made.wide_out = wide_ ? 1 : 0;
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
        std::copy(net_.input.scale.begin(), net_.input.scale.end(), made_.picture.scale);
        made_.picture.bgr = net_.input.bgr ? 1 : 0;
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

    convolve convolution_of(const step& one) {
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
        if (one.accumulate) {
            // A plan may write y before it reads the residual: the sum gets other memory.
            made.where.residual = buffer(one.to);
            std::swap(offsets_[one.to], spare_offset_);
        }
        made.where.y = buffer(one.to);
        return made;
    }

    void set_finish(kernel_call& next, activation what, std::size_t slopes) const {
        next.after = finish_of(what);
        if (what != activation::prelu) return;
        next.slopes = static_cast<const float*>(at_.layers[slopes].weights);
        next.one_slope = net_.layers[slopes].weights.size() == 1 ? 1 : 0;
    }

    /// An activation that cuDNN does not do behind its convolution: in place.
    void activate(const step& one) {
        kernel_call next =
            call(kernel::activate, size_.batch * numbers(extent_of(one.out)) / channel_step);
        next.in = next.out = buffer(one.to);
        next.in_shape = next.out_shape = extent_of(one.out);
        next.channels = narrow(one.out.channels);
        set_finish(next, one.after, one.slopes);
        made_.all.push_back(next);
    }

    /// Whether nothing but one depthwise step reads what step i makes.
    bool one_depthwise_reads(const plan& steps, std::size_t i) const {
        const std::size_t made = steps.steps[i].to;
        const step* reader = nullptr;
        for (std::size_t k = i + 1; k < steps.steps.size(); ++k) {
            const step& next = steps.steps[k];
            const bool other = next.plus == made || (next.accumulate && next.addend == made);
            if (other || (next.from == made && reader != nullptr)) return false;
            if (next.from == made) reader = &next;
            if (next.to == made) break;
            if (k + 1 < steps.steps.size()) continue;
            for (const plan_output& out : steps.outputs) {
                if (out.buffer == made) return false;
            }
        }
        return reader != nullptr && !by_library(*reader) &&
               kernel_of(net_.layers[reader->layer]) == kernel::depthwise;
    }

    /// cuDNN does a relu. A prelu waits for the depthwise step that reads its numbers, if that is
    /// all that does; anything else is a kernel in place.
    void convolve_and_activate(const plan& steps, std::size_t i) {
        const step& one = steps.steps[i];
        made_.all.push_back(convolution_of(one));
        if (one.after == activation::none || one.after == activation::relu) return;
        if (one.after == activation::prelu && one_depthwise_reads(steps, i)) {
            waiting_[one.to] = one.slopes;
        } else {
            activate(one);
        }
    }

    /// The mean of each channel: of many pixels by rows first, so that more threads share the work.
    void average(const step& one) {
        kernel_call all = call(kernel::average_all, size_.batch * padded(one.in.channels));
        all.in = buffer(one.from);
        all.out = buffer(one.to);
        all.in_shape = extent_of(one.in);
        all.out_shape = extent_of(one.out);
        all.wide_out = wide_ || gives_floats(one) ? 1 : 0;
        if (one.in.rows * one.in.columns > pixels_alone) {
            kernel_call rows = call(kernel::average_rows, rows_of(one) / channel_step);
            rows.in = all.in;
            rows.out = arena(rows_offset_);
            rows.in_shape = all.in_shape;
            made_.all.push_back(rows);
            all.in = rows.out;
            all.in_shape.columns = 1;
            all.wide = 1;
        }
        made_.all.push_back(all);
    }

    void add(const step& one) {
        const layer& what = net_.layers[one.layer];
        if (averages_all(one)) return average(one);
        kernel_call next = call(kernel_of(what), pieces_of(what, one, size_.batch));
        next.in = buffer(one.from);
        next.plus = buffer(one.plus);
        next.addend = one.accumulate ? buffer(one.addend) : nullptr;
        next.out = buffer(one.to);
        next.weights = static_cast<const float*>(at_.layers[one.layer].weights);
        next.offsets = static_cast<const float*>(at_.layers[one.layer].bias);
        next.in_shape = extent_of(one.in);
        next.plus_shape = extent_of(one.plus_shape);
        next.out_shape = extent_of(one.out);
        next.channels = narrow(one.out.channels);
        next.inputs = narrow(one.in.channels / what.groups);
        next.outputs = narrow(one.out.channels / what.groups);
        next.window_rows = narrow(what.rows);
        next.window_columns = narrow(what.columns);
        next.stride = narrow(what.stride);
        next.padding_rows = narrow(what.padding_rows);
        next.padding_columns = narrow(what.padding_columns);
        next.largest = what.kind == layer_kind::max_pool ? 1 : 0;
        set_finish(next, one.after, one.slopes);
        if (const auto before = waiting_.extract(one.from)) {
            next.before = finish::prelu;
            next.before_slopes = static_cast<const float*>(at_.layers[before.mapped()].weights);
            next.before_one_slope = net_.layers[before.mapped()].weights.size() == 1 ? 1 : 0;
        }
        if (next.what == kernel::activate) {
            set_finish(next, activation_of(what.kind), one.layer);
        } else if (what.kind == layer_kind::linear) {
            next.wide = wide_ || floats_[one.from] ? 1 : 0;
            next.wide_out = wide_ || gives_floats(one) ? 1 : 0;
        } else if (what.kind == layer_kind::column_sum) {
            next.bias = what.bias[0];
        }
        made_.all.push_back(next);
    }

    /// The outputs as planes of float32, one behind the other.
    void collect(const plan& steps) {
        if (is_as_it_goes_down(steps)) {
            made_.result_offset = offsets_[steps.outputs[0].buffer];
            return;
        }
        for (std::size_t i = 0; i < steps.outputs.size(); ++i) {
            const plan_output& one = steps.outputs[i];
            VULTUS_REQUIRE(!one.planar, "a column_sum is the only output");
            const extent shape = extent_of(one.shape);
            kernel_call next = call(kernel::planes, size_.batch * numbers(shape) / channel_step);
            next.wide = wide_ || floats_[one.buffer] ? 1 : 0;
            next.wide_out = 1;
            next.in = buffer(one.buffer);
            next.out = arena(made_.result_offset + made_.results[i].first * sizeof(float));
            next.in_shape = shape;
            next.channels = narrow(one.shape.channels);
            made_.all.push_back(next);
        }
    }

    const network& net_;
    const bool wide_;
    const input_size& size_;
    const addresses& at_;
    const std::size_t number_;
    std::vector<std::size_t> offsets_;
    std::size_t rows_offset_ = 0;
    std::size_t spare_offset_ = 0;  ///< what no value lies in
    std::vector<bool> floats_;      ///< buffers whose numbers are float32 whatever the precision
    std::map<std::size_t, std::size_t> waiting_;  ///< the prelu's layer, by the buffer it waits for
    launches made_;
};

/// Whether the bytes of each value of all pictures are counted by an int, as cuDNN's kernels do.
bool can_be_counted(const plan& steps, const input_size& size, std::size_t number) {
    const long most = std::numeric_limits<int>::max() / static_cast<long>(number) / size.batch;
    const auto counted = [&](const tensor_shape& of) {
        return padded(of.channels) * of.rows * of.columns <= most;
    };
    return counted({3, size.layout.rows, size.layout.columns}) &&
           std::all_of(steps.steps.begin(), steps.steps.end(),
                       [&](const step& one) { return counted(one.out); });
}

}  // namespace

result<launches> compose(const network& net, bool wide, const input_size& size,
                         const addresses& at) {
    const auto steps = make_plan(net, {3, size.layout.rows, size.layout.columns}, channel_step);
    if (!steps) return fail(steps.error());
    if (!can_be_counted(*steps, size, wide ? sizeof(float) : sizeof(fp16))) {
        return fail(errc::bad_option, "a value of the network is too large for one GPU launch");
    }
    return composer(net, wide, size, at).compose(*steps);
}

}  // namespace vultus::cuda
