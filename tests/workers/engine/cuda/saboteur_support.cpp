// Wrappers around the table's functions that change one thing.
#include "tests/workers/engine/cuda/saboteur_support.hpp"

#include <cstring>
#include <map>
#include <set>
#include <utility>
#include <vector>

namespace vultus::testing {
namespace {

using namespace cuda;

const table* honest = nullptr;
defect wanted = defect::none;
std::set<const void*> turned;  ///< weights whose channels come first by now
std::map<convolution_plan*, convolution> planned;
convolution_plan* first_plan = nullptr;
const void* last_bias = nullptr;
const void* pictures = nullptr;  ///< host memory that was last uploaded
graph* first_graph = nullptr;
const void* first_planes = nullptr;

bool is(defect one) {
    return wanted == one;
}

/// [output][tap][input] to [output][input][tap], in the stand-in's memory.
void turn_weights(const convolution& c, const void* weights) {
    if (!turned.insert(weights).second) return;
    const std::size_t number = c.wide ? 4 : 2, taps = static_cast<std::size_t>(c.window_rows) *
                                                      static_cast<std::size_t>(c.window_columns);
    const auto inputs = static_cast<std::size_t>(c.inputs);
    const std::size_t each = taps * inputs;
    auto* to = static_cast<char*>(const_cast<void*>(weights));
    std::vector<char> from(to, to + static_cast<std::size_t>(c.outputs) * each * number);
    for (std::size_t i = 0; i < from.size() / number; ++i) {
        const std::size_t tap = i % each / inputs, input = i % inputs;
        std::memcpy(to + (i / each * each + input * taps + tap) * number, &from[i * number],
                    number);
    }
}

int bad_make_plan(stream* line, const convolution& what, int rank, convolution_plan** made,
                  plan_info* info) {
    convolution c = what;
    if (is(defect::wrong_pad)) c.padding_rows = c.padding_columns = 0;
    if (is(defect::wrong_stride)) c.stride = 1;
    if (is(defect::missing_relu)) c.relu = 0;
    if (is(defect::missing_residual)) c.residual = 0;
    // A shape that cuDNN refuses, and nobody looks.
    if (is(defect::ignored_status) && c.window_columns == 3 && c.stride == 2) c.inputs -= 1;
    const int status = honest->make_plan(line, c, rank, made, info);
    if (status != 0) return status;
    planned[*made] = c;
    if (is(defect::workspace_of_another_plan)) {
        convolution_plan* other = nullptr;
        if (honest->make_plan(line, c, rank + 1, &other, info) == 0) honest->drop_plan(other);
    }
    return 0;
}

int bad_convolve(stream* line, convolution_plan* by, const convolution_memory& where) {
    convolution_memory m = where;
    if (first_plan == nullptr) first_plan = by;
    if (is(defect::plan_of_another_shape)) by = first_plan;
    const convolution& c = planned[by];
    if (is(defect::nchw_weights)) turn_weights(c, m.weights);
    if (is(defect::wrong_bias)) std::swap(last_bias, m.bias);
    if (m.bias == nullptr) m.bias = where.bias;
    if (is(defect::swapped_residual) && c.residual) m.residual = m.x;
    if (is(defect::sum_in_place) && c.residual) m.y = const_cast<void*>(m.residual);
    if (is(defect::shared_workspace)) m.workspace = const_cast<void*>(m.x);
    if (is(defect::wait_while_capturing)) {
        if (const int status = honest->wait(line); status != 0) return status;
    }
    const int status = honest->convolve(line, by, m);
    return is(defect::ignored_status) ? 0 : status;
}

/// [place][input][output] with the last place first, in the stand-in's memory.
void mirror_places(const kernel_call& k) {
    if (!turned.insert(k.weights).second) return;
    const auto each = static_cast<std::size_t>(k.inputs * k.out_shape.channels);
    const auto places = static_cast<std::size_t>(k.window_rows * k.window_columns);
    auto* to = const_cast<float*>(k.weights);
    const std::vector<float> from(to, to + places * each);
    for (std::size_t place = 0; place < places; ++place) {
        std::memcpy(to + (places - 1 - place) * each, &from[place * each], each * sizeof(float));
    }
}

void spoil_windows(kernel_call& k) {
    const bool in_groups = k.what == kernel::grouped || k.what == kernel::depthwise;
    if (in_groups) {
        if (is(defect::grouped_without_border)) k.padding_rows = k.padding_columns = 0;
        if (is(defect::grouped_at_every_pixel)) k.stride = 1;
        if (is(defect::one_group_for_all)) k.outputs = k.channels;
        if (is(defect::narrow_window) && k.what == kernel::depthwise) k.window_columns = 3;
        if (is(defect::missing_group_sum)) k.addend = nullptr;
    }
    if (k.what == kernel::transposed) {
        if (is(defect::transposed_not_cut)) k.padding_rows = k.padding_columns = 0;
        if (is(defect::transposed_too_close)) k.stride = 1;
        if (is(defect::mirrored_places)) mirror_places(k);
    }
    const bool weighs = in_groups || k.what == kernel::transposed || k.what == kernel::affine;
    if (is(defect::wrong_offsets) && weighs) k.offsets = k.weights;
    if (is(defect::wrong_factors) && k.what == kernel::affine) k.weights = k.offsets;
}

void spoil_finish(kernel_call& k) {
    if (is(defect::missing_prelu_on_load)) k.before = finish::none;
    if (is(defect::one_slope_on_load)) k.before_one_slope = 1;
    if (is(defect::missing_add_relu) && k.what == kernel::add) k.after = finish::none;
    if (k.after == finish::prelu) {
        if (is(defect::missing_prelu)) k.after = finish::none;
        if (is(defect::prelu_as_relu)) k.after = finish::relu;
        if (is(defect::one_slope_for_all)) k.one_slope = 1;
    } else if (k.after == finish::sigmoid) {
        if (is(defect::missing_sigmoid)) k.after = finish::none;
        if (is(defect::sigmoid_in_padding)) k.channels = k.out_shape.channels;
    }
}

void spoil_vectors(kernel_call& k) {
    if (is(defect::half_a_mean) && k.what == kernel::average_rows) k.in_shape.columns /= 2;
    if (k.what == kernel::average_all && is(defect::half_for_float)) k.wide_out = 0;
    if (k.what != kernel::linear) return;
    if (is(defect::float_for_half)) k.wide = 0;
    if (is(defect::linear_without_offsets)) k.offsets = nullptr;
    if (is(defect::swapped_inputs)) k.inputs = k.in_shape.rows * k.in_shape.columns;
}

void spoil_pictures(kernel_call& k) {
    if (is(defect::swapped_colours)) std::swap(k.mean[0], k.mean[2]);
    if (k.what == kernel::picture) {
        if (is(defect::swapped_sides)) std::swap(k.from.rows, k.from.columns);
        if (is(defect::not_resized)) k.from = k.to;
        if (is(defect::swapped_bgr)) k.bgr = 1 - k.bgr;
        if (is(defect::one_scale)) k.scale[1] = k.scale[2] = k.scale[0];
    }
    if (k.what == kernel::planes) {
        if (first_planes == nullptr) first_planes = k.in;
        if (is(defect::one_output_for_all)) k.in = first_planes;
    }
}

/// Whether a defect leaves the launch out.
bool is_missing(const kernel_call& k) {
    const bool in_place = k.in == k.out;
    if (k.what == kernel::activate) {
        return in_place ? is(defect::missing_activation) : is(defect::missing_launch);
    }
    return k.what == kernel::planes && is(defect::missing_planes);
}

int bad_run(stream* line, const kernel_call& call) {
    kernel_call k = call;
    if (is_missing(k)) return 0;
    spoil_windows(k);
    spoil_finish(k);
    spoil_vectors(k);
    spoil_pictures(k);
    if (is(defect::swapped_shapes) && k.what == kernel::add) std::swap(k.in_shape, k.plus_shape);
    if (is(defect::mean_for_maximum)) k.largest = 0;
    if (k.what == kernel::multiply && is(defect::gate_as_picture)) k.plus_shape = k.in_shape;
    if (k.what == kernel::multiply || k.what == kernel::upsample) {
        if (is(defect::missing_addend)) k.addend = nullptr;
        if (is(defect::wrong_upsample)) k.stride *= 2;
    }
    if (is(defect::default_stream)) line = nullptr;
    return honest->run(line, k);
}

int bad_upload(stream* line, void* to, const void* from, std::size_t bytes) {
    pictures = from;
    // Weights are no multiple of 3 in length; those that are stay whole by their size.
    const bool picture = bytes < 80'000 && bytes % 3 == 0;
    return honest->upload(line, to, from, is(defect::half_upload) && picture ? bytes / 2 : bytes);
}

device* opened = nullptr;
event* before_download = nullptr;

int late_download(stream* line, void* to, const void* from, std::size_t bytes) {
    if (before_download == nullptr) {
        if (const int s = honest->make_event(opened, &before_download); s != 0) return s;
    }
    if (const int s = honest->record(line, before_download); s != 0) return s;
    return honest->download(line, to, from, bytes);
}

int half_download(stream* line, void* to, const void* from, std::size_t bytes) {
    return honest->download(line, to, from, bytes / 2);
}

int bad_launch(stream* line, graph* made) {
    if (is(defect::stale_graph)) {
        if (first_graph == nullptr) first_graph = made;
        made = first_graph;
    }
    if (is(defect::freed_host_buffer) && pictures != nullptr) {
        honest->release_host(opened, const_cast<void*>(std::exchange(pictures, nullptr)));
    }
    if (is(defect::dropped_plan)) {
        for (const auto& [plan, what] : planned) honest->drop_plan(plan);
        planned.clear();
    }
    return honest->launch(line, made);
}

void change_memory(table& bad) {
    bad.open = [](void* self, int index, device** made) {
        const int status = honest->open(self, index, made);
        opened = *made;
        return status;
    };
    if (is(defect::leaked_memory)) bad.release = [](device*, void*) { return 0; };
    if (is(defect::no_use_of_device)) bad.use = [](device*) { return 0; };
    if (is(defect::missing_wait)) bad.wait_for = [](event*) { return 0; };
    if (is(defect::early_wait)) {
        bad.download = late_download;
        bad.wait_for = [](event*) { return honest->wait_for(before_download); };
    }
    if (is(defect::half_download)) bad.download = half_download;
    if (is(defect::not_cleared)) bad.clear = [](stream*, void*, std::size_t) { return 0; };
    if (is(defect::malloc_while_capturing)) {
        bad.convolve = [](stream* line, convolution_plan* by, const convolution_memory& m) {
            void* more = nullptr;
            if (const int status = honest->allocate(opened, 64, &more); status != 0) return status;
            const int done = honest->convolve(line, by, m);
            const int released = honest->release(opened, more);
            return done != 0 ? done : released;
        };
    }
    if (is(defect::ignored_status)) {
        bad.time_plan = [](stream*, convolution_plan*, const convolution_memory&, int, float* ms) {
            *ms = 1;
            return 0;
        };
    }
    bad.drop_plan = [](convolution_plan* made) {
        if (planned.erase(made) > 0) honest->drop_plan(made);
    };
}

}  // namespace

std::string_view name_of(defect one) {
    constexpr std::array<std::string_view, defects> names{"none",
                                                          "wrong_pad",
                                                          "wrong_stride",
                                                          "nchw_weights",
                                                          "wrong_bias",
                                                          "missing_relu",
                                                          "missing_add_relu",
                                                          "swapped_residual",
                                                          "missing_residual",
                                                          "swapped_shapes",
                                                          "mean_for_maximum",
                                                          "swapped_colours",
                                                          "swapped_sides",
                                                          "not_resized",
                                                          "not_cleared",
                                                          "half_upload",
                                                          "missing_launch",
                                                          "shared_workspace",
                                                          "missing_wait",
                                                          "early_wait",
                                                          "stale_graph",
                                                          "freed_host_buffer",
                                                          "wait_while_capturing",
                                                          "malloc_while_capturing",
                                                          "default_stream",
                                                          "no_use_of_device",
                                                          "leaked_memory",
                                                          "ignored_status",
                                                          "workspace_of_another_plan",
                                                          "plan_of_another_shape",
                                                          "dropped_plan",
                                                          "sum_in_place",
                                                          "grouped_without_border",
                                                          "grouped_at_every_pixel",
                                                          "one_group_for_all",
                                                          "narrow_window",
                                                          "missing_prelu_on_load",
                                                          "one_slope_on_load",
                                                          "missing_group_sum",
                                                          "wrong_offsets",
                                                          "wrong_factors",
                                                          "transposed_not_cut",
                                                          "transposed_too_close",
                                                          "mirrored_places",
                                                          "missing_prelu",
                                                          "prelu_as_relu",
                                                          "one_slope_for_all",
                                                          "missing_sigmoid",
                                                          "sigmoid_in_padding",
                                                          "missing_activation",
                                                          "gate_as_picture",
                                                          "missing_addend",
                                                          "wrong_upsample",
                                                          "half_a_mean",
                                                          "half_for_float",
                                                          "float_for_half",
                                                          "linear_without_offsets",
                                                          "swapped_inputs",
                                                          "missing_planes",
                                                          "one_output_for_all",
                                                          "swapped_bgr",
                                                          "one_scale",
                                                          "half_download"};
    return names[static_cast<std::size_t>(one)];
}

cuda::table with_defect(const cuda::table& over, defect one) {
    honest = &over;
    wanted = one;
    table bad = over;
    bad.make_plan = bad_make_plan;
    bad.convolve = bad_convolve;
    bad.run = bad_run;
    bad.upload = bad_upload;
    bad.launch = bad_launch;
    change_memory(bad);
    return bad;
}

}  // namespace vultus::testing
