// Weights, buffers and programs of one network. Work goes out in one order, whether it is carried
// out at once or noted in a graph: upload, launches, download.
#include "workers/engine/cuda/device_network.hpp"

#include <algorithm>

#include "shared/require.hpp"
#include "workers/engine/cuda/packing.hpp"
#include "workers/engine/cuda/program.hpp"

namespace vultus::cuda {
namespace {

/// What every program may use beside the arena, however little the largest input asked for: the
/// library chooses its way by size, and a smaller one may want more.
constexpr std::size_t workspace_least = std::size_t{16} << 20;

/// A graph, dropped with its program.
struct drop_graph {
    const table* calls = nullptr;
    void operator()(graph* made) const { calls->drop(made); }
};

struct program {
    input_size size;
    launches work;
    bool ran = false;
    std::unique_ptr<graph, drop_graph> captured;
    std::uint64_t used = 0;
};

bool same(const input_size& a, const input_size& b) {
    // The layout follows from its first level and its canvas.
    return a.batch == b.batch && a.layout.rows == b.layout.rows &&
           a.layout.columns == b.layout.columns && a.layout.levels == b.layout.levels;
}

bool has_weights(const layer& one) {
    return one.kind == layer_kind::conv || one.kind == layer_kind::linear;
}

}  // namespace

struct device_network::state {
    std::shared_ptr<session> device;
    network net;  ///< without the weights, which are on the card
    bool wide = false;
    std::vector<memory> weights;
    memory arena, workspace, pictures_there, pictures_here, result_here;
    addresses at;
    std::size_t programs_max = 1;
    std::vector<std::unique_ptr<program>> programs;
    program* current = nullptr;
    std::uint64_t clock = 0;
    std::size_t graph_launches = 0;

    result<void> take_weights() {
        for (layer& one : net.layers) {
            at.layers.emplace_back();
            if (!has_weights(one)) continue;
            const auto packed = pack(one, wide);
            if (!packed) return fail(packed.error());
            for (const auto& [bytes, address] :
                 {std::pair{&packed->weights, &at.layers.back().weights},
                  std::pair{&packed->bias, &at.layers.back().bias}}) {
                if (bytes->empty()) continue;
                auto there = uploaded(device, *bytes, "the weights");
                if (!there) return fail(there.error());
                *address = there->data();
                weights.push_back(std::move(*there));
            }
            one.weights = {};
        }
        return {};
    }

    /// Buffers for the largest of these.
    result<void> take_buffers(const std::vector<input_size>& largest) {
        std::size_t arena_bytes = 0, workspace_bytes = workspace_least, picture_bytes = 0,
                    result_bytes = 0;
        for (const input_size& one : largest) {
            const auto work = compose(net, wide, one, at);
            if (!work) return fail(work.error());
            arena_bytes = std::max(arena_bytes, work->arena_bytes);
            picture_bytes = std::max(picture_bytes, work->picture_bytes);
            result_bytes = std::max(result_bytes, work->result_floats * sizeof(float));
            for (const launch& next : work->all) {
                const auto* conv = std::get_if<convolve>(&next);
                if (conv == nullptr) continue;
                std::size_t wanted = 0;
                const int status = device->calls().workspace(device->line(), conv->what, &wanted);
                const auto asked = device->tried(status, "choosing a convolution");
                if (!asked) return asked;
                workspace_bytes = std::max(workspace_bytes, wanted);
            }
        }
        using place = memory::place;
        for (const auto& [to, where, bytes, what_for] :
             {std::tuple{&arena, place::card, arena_bytes, "the activations"},
              std::tuple{&workspace, place::card, workspace_bytes, "the convolutions' workspace"},
              std::tuple{&pictures_there, place::card, picture_bytes, "the pictures"},
              std::tuple{&pictures_here, place::host, picture_bytes, "the pictures"},
              std::tuple{&result_here, place::host, result_bytes, "the results"}}) {
            auto taken = memory::take(device, where, bytes, what_for);
            if (!taken) return fail(taken.error());
            *to = std::move(*taken);
        }
        at.arena = reinterpret_cast<std::uintptr_t>(arena.data());
        at.pictures = pictures_there.data();
        at.workspace = workspace.data();
        at.workspace_bytes = workspace.size();
        return {};
    }

    result<program*> find(const input_size& size) {
        for (const auto& one : programs) {
            if (same(one->size, size)) return one.get();
        }
        auto work = compose(net, wide, size, at);
        if (!work) return fail(work.error());
        VULTUS_REQUIRE(work->arena_bytes <= arena.size() &&
                           work->picture_bytes <= pictures_here.size() &&
                           work->result_floats * sizeof(float) <= result_here.size(),
                       "no input needs more than the largest");
        if (programs.size() == programs_max) {
            programs.erase(std::min_element(programs.begin(), programs.end(),
                                            [](auto& a, auto& b) { return a->used < b->used; }));
        }
        programs.push_back(std::make_unique<program>());
        programs.back()->size = size;
        programs.back()->work = std::move(*work);
        return programs.back().get();
    }

    /// All of a program's work, into the stream or into the graph that is being noted.
    result<void> issue(const launches& work) const {
        const table& calls = device->calls();
        stream* line = device->line();
        int status =
            calls.upload(line, pictures_there.data(), pictures_here.data(), work.picture_bytes);
        if (status == 0 && work.cleared)
            status = calls.clear(line, arena.data(), work.canvas_bytes);
        for (const launch& next : work.all) {
            if (status != 0) break;
            if (const auto* conv = std::get_if<convolve>(&next)) {
                status = calls.convolve(line, conv->what, conv->where);
            } else {
                status = calls.run(line, std::get<kernel_call>(next));
            }
        }
        if (status == 0) {
            const char* from = static_cast<char*>(arena.data()) + work.result_offset;
            status =
                calls.download(line, result_here.data(), from, work.result_floats * sizeof(float));
        }
        return device->tried(status, "launch");
    }

    result<void> capture(program& one) const {
        const table& calls = device->calls();
        const auto begun = device->tried(calls.begin_capture(device->line()), "begin a graph");
        if (!begun) return begun;
        const auto issued = issue(one.work);
        graph* made = nullptr;
        const int ended = calls.end_capture(device->line(), &made);
        one.captured = {made, drop_graph{&calls}};
        if (!issued) return issued;
        return device->tried(ended, "make a graph");
    }

    /// Once launch by launch, so that the library loads what it needs; then as a graph.
    result<void> carry_out(program& one) {
        if (!one.ran) {
            one.ran = true;
            const auto issued = issue(one.work);
            if (!issued) return issued;
        } else {
            if (!one.captured) {
                const auto captured = capture(one);
                if (!captured) return captured;
            }
            const int status = device->calls().launch(device->line(), one.captured.get());
            const auto launched = device->tried(status, "launch a graph");
            if (!launched) return launched;
            ++graph_launches;
        }
        return device->tried(device->calls().wait(device->line()), "wait for the card");
    }
};

result<device_network> device_network::make(std::shared_ptr<session> device, const network& net,
                                            precision numbers,
                                            const std::vector<input_size>& largest,
                                            const std::vector<input_size>& warm,
                                            std::size_t programs) {
    VULTUS_REQUIRE(!net.layers.empty() && (net.layers.back().kind == layer_kind::linear ||
                                           net.layers.back().kind == layer_kind::column_sum),
                   "a last layer whose output is float32");
    VULTUS_REQUIRE(numbers == precision::fp16 || numbers == precision::tf32, "a card's numbers");
    auto made = std::make_unique<state>();
    made->device = std::move(device);
    made->net = net;
    made->wide = numbers == precision::tf32;
    made->programs_max = std::max(programs, warm.size());
    if (const auto taken = made->take_weights(); !taken) return fail(taken.error());
    if (const auto taken = made->take_buffers(largest); !taken) return fail(taken.error());
    std::fill_n(static_cast<std::uint8_t*>(made->pictures_here.data()), made->pictures_here.size(),
                std::uint8_t{0});
    for (const input_size& size : warm) {
        const auto one = made->find(size);
        if (!one) return fail(one.error());
        for (int run = 0; run < 2; ++run) {
            if (const auto done = made->carry_out(**one); !done) return fail(done.error());
        }
    }
    made->graph_launches = 0;
    return device_network(std::move(made));
}

device_network::device_network(std::unique_ptr<state> made) : state_(std::move(made)) {}
device_network::device_network(device_network&&) noexcept = default;
device_network::~device_network() = default;

std::span<std::uint8_t> device_network::pictures() {
    return state_->pictures_here.as<std::uint8_t>();
}

result<std::span<const float>> device_network::run(const input_size& size) {
    const auto found = state_->find(size);
    if (!found) return fail(found.error());
    program& now = **found;
    now.used = ++state_->clock;
    state_->current = &now;
    if (const auto done = state_->carry_out(now); !done) {
        end_with_fault("a run", done.error().detail);
    }
    return std::span(static_cast<const float*>(state_->result_here.data()), now.work.result_floats);
}

tensor_shape device_network::output() const {
    VULTUS_REQUIRE(state_->current != nullptr, "run() comes first");
    return state_->current->work.output;
}

std::size_t device_network::programs() const {
    return state_->programs.size();
}

std::size_t device_network::graph_launches() const {
    return state_->graph_launches;
}

}  // namespace vultus::cuda
