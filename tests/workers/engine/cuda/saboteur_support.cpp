// Wrappers around the table's functions that change one thing.
#include "tests/workers/engine/cuda/saboteur_support.hpp"

#include <cstring>
#include <set>
#include <utility>
#include <vector>

namespace vultus::testing {
namespace {

using namespace cuda;

const table* honest = nullptr;
defect wanted = defect::none;
std::set<const void*> turned;  ///< weights whose channels come first by now
const void* last_bias = nullptr;
const void* pictures = nullptr;  ///< host memory that was last uploaded
graph* first_graph = nullptr;
int kernels = 0;

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

int bad_convolve(stream* line, const convolution& what, const convolution_memory& where) {
    convolution c = what;
    convolution_memory m = where;
    if (is(defect::wrong_pad)) c.padding_rows = c.padding_columns = 0;
    if (is(defect::wrong_stride)) c.stride = 1;
    if (is(defect::nchw_weights)) turn_weights(c, m.weights);
    if (is(defect::wrong_bias)) std::swap(last_bias, m.bias);
    if (m.bias == nullptr) m.bias = where.bias;
    if (is(defect::missing_relu)) c.relu = 0;
    if (is(defect::swapped_residual) && c.residual) m.residual = m.x;
    if (is(defect::missing_residual)) c.residual = 0;
    if (is(defect::shared_workspace)) m.workspace = const_cast<void*>(m.x);
    if (is(defect::wait_while_capturing)) {
        if (const int status = honest->wait(line); status != 0) return status;
    }
    const int status = honest->convolve(line, c, m);
    return is(defect::ignored_status) ? 0 : status;
}

int bad_run(stream* line, const kernel_call& call) {
    kernel_call k = call;
    ++kernels;
    if (is(defect::missing_add_relu)) k.relu = 0;
    if (is(defect::swapped_shapes) && k.what == kernel::add) std::swap(k.in_shape, k.plus_shape);
    if (is(defect::mean_for_maximum)) k.largest = 0;
    if (is(defect::swapped_colours)) std::swap(k.mean[0], k.mean[2]);
    if (k.what == kernel::picture) {
        if (is(defect::swapped_sides)) std::swap(k.from.rows, k.from.columns);
        if (is(defect::not_resized)) k.from = k.to;
    }
    if (is(defect::missing_launch) && k.what == kernel::relu) return 0;
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

int bad_launch(stream* line, graph* made) {
    if (is(defect::stale_graph)) {
        if (first_graph == nullptr) first_graph = made;
        made = first_graph;
    }
    if (is(defect::freed_host_buffer) && pictures != nullptr) {
        honest->release_host(opened, const_cast<void*>(std::exchange(pictures, nullptr)));
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
    if (is(defect::not_cleared)) bad.clear = [](stream*, void*, std::size_t) { return 0; };
    if (is(defect::malloc_while_capturing)) {
        bad.convolve = [](stream* line, const convolution& c, const convolution_memory& m) {
            void* more = nullptr;
            const int status = honest->allocate(opened, m.workspace_bytes, &more);
            if (status != 0) return status;
            const int done = honest->convolve(line, c, m);
            const int released = honest->release(opened, more);
            return done != 0 ? done : released;
        };
    }
    // A shape that cuDNN refuses, and nobody looks.
    if (is(defect::ignored_status)) {
        bad.convolve = [](stream* line, const convolution& c, const convolution_memory& m) {
            convolution odd = c;
            if (c.window_columns == 3 && c.stride == 2) odd.inputs -= 1;
            honest->convolve(line, odd, m);
            return 0;
        };
    }
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
                                                          "ignored_status"};
    return names[static_cast<std::size_t>(one)];
}

cuda::table with_defect(const cuda::table& over, defect one) {
    honest = &over;
    wanted = one;
    table bad = over;
    bad.convolve = bad_convolve;
    bad.run = bad_run;
    bad.upload = bad_upload;
    bad.launch = bad_launch;
    change_memory(bad);
    return bad;
}

}  // namespace vultus::testing
