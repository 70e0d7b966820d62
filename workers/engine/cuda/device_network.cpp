// Weights, buffers and programs of one network. Work goes out in one order, whether it is carried
// out at once or noted in a graph: upload, launches, download.
#include "workers/engine/cuda/device_network.hpp"

#include <algorithm>

#include "shared/base/require.hpp"
#include "workers/engine/cuda/packing.hpp"
#include "workers/engine/cuda/program.hpp"

namespace vultus::cuda {
namespace {

/// What every program may use beside the arena, however little the largest input asked for: the
/// library chooses its way by size, and a smaller one may want more.
constexpr std::size_t workspace_least = std::size_t{16} << 20;

/// One with the GPU, one behind it, two that are filled or read: copying a photo takes a lane
/// about as long as a fast GPU looks for faces in it.
constexpr std::size_t staging_pieces = 4;

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

/// Whether only the GPU reads the layer's weights. Those of all others are few.
bool forgets_weights(const layer& one) {
    return one.kind == layer_kind::conv || one.kind == layer_kind::conv_transpose ||
           one.kind == layer_kind::linear;
}

}  // namespace

struct device_network::state {
    std::shared_ptr<gpu_context> device;
    network net;  ///< without the large weights, which are on the GPU
    bool wide = false;
    std::vector<memory> weights;
    memory arena, workspace, pictures;
    std::unique_ptr<staging> lanes;
    addresses at;
    std::size_t number_room = 0;
    std::size_t programs_max = 1;
    std::vector<std::unique_ptr<program>> programs;
    std::uint64_t clock = 0;
    std::size_t graph_launches = 0;

    result<void> take_weights() {
        for (layer& one : net.layers) {
            at.layers.emplace_back();
            if (one.weights.empty()) continue;
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
            if (forgets_weights(one)) one.weights = {};
        }
        return {};
    }

    /// Buffers for the largest of these.
    result<void> take_buffers(const std::vector<input_size>& largest, std::size_t picture_bytes) {
        std::size_t arena_bytes = 0, workspace_bytes = workspace_least, number_bytes = 0;
        for (const input_size& one : largest) {
            const auto work = compose(net, wide, one, at);
            if (!work) return fail(work.error());
            arena_bytes = std::max(arena_bytes, work->arena_bytes);
            picture_bytes = std::max(picture_bytes, work->seen_bytes);
            number_bytes = std::max(number_bytes, work->result_floats * sizeof(float));
            for (const launch& next : work->all) {
                const auto* conv = std::get_if<convolve>(&next);
                if (conv == nullptr) continue;
                std::size_t wanted = 0;
                const int status = device->calls().workspace(device->line(), conv->what, &wanted);
                const auto asked = device->tried(status, "choose a convolution");
                if (!asked) return asked;
                workspace_bytes = std::max(workspace_bytes, wanted);
            }
        }
        for (const auto& [to, bytes, what_for] :
             {std::tuple{&arena, arena_bytes, "the activations"},
              std::tuple{&workspace, workspace_bytes, "the convolutions' workspace"},
              std::tuple{&pictures, picture_bytes, "the pictures"}}) {
            auto taken = memory::take(device, memory::place::gpu, bytes, what_for);
            if (!taken) return fail(taken.error());
            *to = std::move(*taken);
        }
        auto made = staging::make(device, staging_pieces, picture_bytes, number_bytes);
        if (!made) return fail(made.error());
        lanes = std::move(*made);
        at.arena = reinterpret_cast<std::uintptr_t>(arena.data());
        at.pictures = pictures.data();
        at.workspace = workspace.data();
        at.workspace_bytes = workspace.size();
        number_room = number_bytes / sizeof(float);
        return {};
    }

    result<program*> find(const input_size& size) {
        for (const auto& one : programs) {
            if (same(one->size, size)) return one.get();
        }
        auto work = compose(net, wide, size, at);
        if (!work) return fail(work.error());
        if (work->arena_bytes > arena.size() || work->result_floats > number_room ||
            work->seen_bytes > pictures.size()) {
            return fail(errc::too_large, "the input needs more memory than was taken at start");
        }
        if (programs.size() == programs_max) {
            programs.erase(std::min_element(programs.begin(), programs.end(),
                                            [](auto& a, auto& b) { return a->used < b->used; }));
        }
        programs.push_back(std::make_unique<program>());
        programs.back()->size = size;
        programs.back()->work = std::move(*work);
        return programs.back().get();
    }

    /// A program's work, into the stream or into the graph that is being noted.
    result<void> issue(const launches& work) const {
        const table& calls = device->calls();
        stream* line = device->line();
        int status = 0;
        for (const launch& next : work.all) {
            if (status != 0) break;
            if (const auto* conv = std::get_if<convolve>(&next)) {
                status = calls.convolve(line, conv->what, conv->where);
            } else {
                status = calls.run(line, std::get<kernel_call>(next));
            }
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
        return device->tried(ended, "create a graph");
    }

    /// Once launch by launch, so that the library loads what it needs; then as a graph.
    result<void> compute(program& one) {
        if (!one.ran) {
            one.ran = true;
            return issue(one.work);
        }
        if (!one.captured) {
            const auto captured = capture(one);
            if (!captured) return captured;
        }
        ++graph_launches;
        const int status = device->calls().launch(device->line(), one.captured.get());
        return device->tried(status, "launch a graph");
    }

    /// Up, drawn, computed, down. What depends on the pictures' own size or on the piece is in no
    /// graph: pictures of all sizes that are looked at in one size share it. All runs share the
    /// GPU's buffers, as one stream does one thing after the other.
    result<void> tell(program& one, long rows, long columns, const staging::piece& from) {
        const table& calls = device->calls();
        stream* line = device->line();
        const long bytes = one.size.batch * rows * columns * 3;
        VULTUS_REQUIRE(rows > 0 && columns > 0 && bytes <= static_cast<long>(pictures.size()),
                       "pictures that fit");
        kernel_call draw = one.work.picture;
        draw.from = {0, 0, static_cast<int>(rows), static_cast<int>(columns)};
        int status = calls.upload(line, pictures.data(), from.pictures.data(),
                                  static_cast<std::size_t>(bytes));
        if (status == 0 && one.work.cleared) {
            status = calls.clear(line, arena.data(), one.work.canvas_bytes);
        }
        if (status == 0) status = calls.run(line, draw);
        if (const auto sent = device->tried(status, "upload the images"); !sent) return sent;
        if (const auto computed = compute(one); !computed) return computed;
        const char* result = static_cast<char*>(arena.data()) + one.work.result_offset;
        status = calls.download(line, from.numbers.data(), result,
                                one.work.result_floats * sizeof(float));
        if (status == 0) status = calls.record(line, from.arrived.get());
        return device->tried(status, "download the results");
    }

    result<void> wait_for(const staging::piece& from) const {
        return device->tried(device->calls().wait_for(from.arrived.get()), "wait for the GPU");
    }
};

result<device_network> device_network::make(std::shared_ptr<gpu_context> device, const network& net,
                                            precision numbers, const capacity& wanted) {
    VULTUS_REQUIRE(numbers == precision::fp16 || numbers == precision::tf32, "a card's numbers");
    auto made = std::make_unique<state>();
    made->device = std::move(device);
    made->net = net;
    made->wide = numbers == precision::tf32;
    made->programs_max = std::max(wanted.programs, wanted.warm.size());
    if (const auto taken = made->take_weights(); !taken) return fail(taken.error());
    if (const auto taken = made->take_buffers(wanted.largest, wanted.picture_bytes); !taken) {
        return fail(taken.error());
    }
    const auto piece = made->lanes->lend();
    for (const input_size& size : wanted.warm) {
        const auto one = made->find(size);
        if (!one) return fail(one.error());
        const box& seen = size.layout.levels[0];
        for (int run = 0; run < 2; ++run) {
            const auto told = made->tell(**one, seen.height(), seen.width(), *piece);
            if (!told) return fail(told.error());
            if (const auto done = made->wait_for(*piece); !done) return fail(done.error());
        }
    }
    made->graph_launches = 0;
    return device_network(std::move(made));
}

device_network::device_network(std::unique_ptr<state> made) : state_(std::move(made)) {}
device_network::device_network(device_network&&) noexcept = default;
device_network::~device_network() = default;

staging::lent device_network::lend() const {
    return state_->lanes->lend();
}

std::size_t device_network::picture_bytes() const {
    return state_->pictures.size();
}

result<device_network::output> device_network::start(const input_size& size, long rows,
                                                     long columns, const staging::piece& from) {
    const auto found = state_->find(size);
    if (!found) return fail(found.error());
    program& now = **found;
    now.used = ++state_->clock;
    if (const auto told = state_->tell(now, rows, columns, from); !told) {
        end_with_fault("a run", told.error().detail);
    }
    return output{from.numbers.as<const float>().first(now.work.result_floats),
                  now.work.results[0].shape, now.work.results};
}

void device_network::finish(const staging::piece& from) const {
    if (const auto done = state_->wait_for(from); !done) {
        end_with_fault("a run", done.error().detail);
    }
}

result<device_network::output> device_network::run(const input_size& size, long rows, long columns,
                                                   const staging::piece& from) {
    const auto started = [&] {
        const auto mine = state_->device->take_turn();
        return start(size, rows, columns, from);
    }();
    if (started) finish(from);
    return started;
}

std::size_t device_network::programs() const {
    return state_->programs.size();
}

std::size_t device_network::graph_launches() const {
    return state_->graph_launches;
}

}  // namespace vultus::cuda
