// Weights, buffers and programs of one network. Work goes out in one order, whether it is carried
// out at once or noted in a graph: upload, launches, download.
#include "workers/engine/cuda/device_network.hpp"

#include <algorithm>
#include <chrono>
#include <cmath>

#include "shared/base/log.hpp"
#include "shared/base/require.hpp"
#include "workers/engine/cuda/packing.hpp"
#include "workers/engine/cuda/plans.hpp"
#include "workers/engine/cuda/program.hpp"

namespace vultus::cuda {
namespace {

/// What ways that are tried may take where there is little memory.
constexpr std::size_t workspace_little = std::size_t{1} << 20;

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
    std::vector<shared_plan> plans;  ///< one a launch; empty: a kernel of our own
    bool ran = false, uncaptured = false;
    std::unique_ptr<graph, drop_graph> captured;  ///< dropped before the plans
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
    std::unique_ptr<plan_choice> choice;
    std::vector<std::unique_ptr<program>> programs;
    std::uint64_t clock = 0;
    std::size_t graph_launches = 0;
    bool capture_failed = false;
    const program* drawn = nullptr;  ///< whose canvas has its black margins
    std::vector<double> warm_ms;

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
        std::size_t arena_bytes = 0, number_bytes = 0;
        for (const input_size& one : largest) {
            const auto work = compose(net, wide, one, at);
            if (!work) return fail(work.error());
            arena_bytes = std::max(arena_bytes, work->arena_bytes);
            picture_bytes = std::max(picture_bytes, work->seen_bytes);
            number_bytes = std::max(number_bytes, work->result_floats * sizeof(float));
        }
        for (const auto& [to, bytes, what_for] :
             {std::tuple{&arena, arena_bytes, "the activations"},
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
        number_room = number_bytes / sizeof(float);
        return {};
    }

    /// A plan for each convolution of the work; `measured`: the fastest one.
    result<std::vector<shared_plan>> plans_of(const launches& work, std::size_t workspace_max,
                                              bool measured) {
        std::vector<shared_plan> made(work.all.size());
        for (std::size_t i = 0; i < made.size(); ++i) {
            const auto* conv = std::get_if<convolve>(&work.all[i]);
            if (conv == nullptr) continue;
            auto one = measured ? choice->fastest_for(conv->what, conv->where, workspace)
                                : choice->plan_for(conv->what, workspace_max);
            if (!one) return fail(one.error());
            made[i] = std::move(*one);
        }
        return made;
    }

    /// What the plans need, and no more: those of the warm programs, which are measured, and of the
    /// largest inputs.
    result<void> take_workspace(const std::vector<input_size>& largest) {
        for (const std::size_t bytes : {workspace_most, workspace_little}) {
            auto taken = memory::take(device, memory::place::gpu, bytes, "the trial of plans");
            if (!taken) continue;  // ways that need none are left
            workspace = std::move(*taken);
            break;
        }
        std::size_t wanted = 0;
        const auto count = [&](const std::vector<shared_plan>& plans) {
            for (const shared_plan& one : plans) {
                if (one != nullptr) wanted = std::max(wanted, one->info.workspace_bytes);
            }
        };
        for (const auto& one : programs) {
            auto made = plans_of(one->work, 0, true);
            if (!made) return fail(made.error());
            count(*made);
            one->plans = std::move(*made);
            log::info("convolutions_planned", {{"batch", one->size.batch},
                                               {"rows", one->size.layout.rows},
                                               {"columns", one->size.layout.columns},
                                               {"engines", engines_of(one->plans)}});
        }
        for (const input_size& one : largest) {
            const auto made =
                plans_of(compose(net, wide, one, at).value(), workspace.size(), false);
            if (!made) return fail(made.error());
            count(*made);
        }
        workspace = memory();
        if (wanted == 0) return {};
        auto taken =
            memory::take(device, memory::place::gpu, wanted, "the convolutions' workspace");
        if (!taken) return fail(taken.error());
        workspace = std::move(*taken);
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
            drawn = nullptr;  // it may be the one, and another may get its place
            programs.erase(std::min_element(programs.begin(), programs.end(),
                                            [](auto& a, auto& b) { return a->used < b->used; }));
        }
        programs.push_back(std::make_unique<program>());
        programs.back()->size = size;
        programs.back()->work = std::move(*work);
        return programs.back().get();
    }

    /// A program's work, into the stream or into the graph that is being noted.
    result<void> issue(const program& one) const {
        const table& calls = device->calls();
        stream* line = device->line();
        int status = 0;
        for (std::size_t i = 0; i < one.work.all.size() && status == 0; ++i) {
            if (const auto* conv = std::get_if<convolve>(&one.work.all[i])) {
                convolution_memory where = conv->where;
                where.workspace = workspace.data();
                where.workspace_bytes = one.plans[i]->info.workspace_bytes;
                status = calls.convolve(line, one.plans[i]->way, where);
            } else {
                status = calls.run(line, std::get<kernel_call>(one.work.all[i]));
            }
        }
        return device->tried(status, "launch");
    }

    result<void> capture(program& one) const {
        const table& calls = device->calls();
        const auto begun = device->tried(calls.begin_capture(device->line()), "begin a graph");
        if (!begun) return begun;
        const auto issued = issue(one);
        graph* made = nullptr;
        const int ended = calls.end_capture(device->line(), &made);
        one.captured = {made, drop_graph{&calls}};
        if (!issued) return issued;
        return device->tried(ended, "create a graph");
    }

    /// Once launch by launch, so that the library loads what it needs; then as a graph, or launch
    /// by launch for good where no graph can be made. A broken GPU refuses the launches, too.
    result<void> compute(program& one) {
        if (!one.ran || one.uncaptured) {
            one.ran = true;
            return issue(one);
        }
        if (!one.captured) {
            if (const auto captured = capture(one); !captured) {
                one.captured.reset();
                one.uncaptured = true;
                if (!std::exchange(capture_failed, true)) {
                    log::warning("graph_refused", {{"why", captured.error().detail}});
                }
                return issue(one);
            }
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
        // No launch writes beside the pictures, but those of other programs.
        if (status == 0 && one.work.cleared && drawn != &one) {
            status = calls.clear(line, arena.data(), one.work.canvas_bytes);
        }
        drawn = &one;
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
    made->choice = std::make_unique<plan_choice>(made->device);
    made->net = net;
    made->wide = numbers == precision::tf32;
    made->programs_max = std::max(wanted.programs, wanted.warm.size());
    if (const auto taken = made->take_weights(); !taken) return fail(taken.error());
    if (const auto taken = made->take_buffers(wanted.largest, wanted.picture_bytes); !taken) {
        return fail(taken.error());
    }
    for (const input_size& size : wanted.warm) {
        if (const auto one = made->find(size); !one) return fail(one.error());
    }
    if (const auto taken = made->take_workspace(wanted.largest); !taken) {
        return fail(taken.error());
    }
    const auto piece = made->lanes->lend();
    for (const input_size& size : wanted.warm) {
        const auto one = made->find(size);
        const box& seen = size.layout.levels[0];
        std::chrono::duration<double, std::milli> took{};
        // Launch by launch, then as a graph, then as it is from here on.
        for (int run = 0; run < 3; ++run) {
            const auto begin = std::chrono::steady_clock::now();
            const auto told = made->tell(**one, seen.height(), seen.width(), *piece);
            if (!told) return fail(told.error());
            if (const auto done = made->wait_for(*piece); !done) return fail(done.error());
            took = std::chrono::steady_clock::now() - begin;
        }
        made->warm_ms.push_back(took.count());
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
    if (now.plans.empty()) {
        auto plans = state_->plans_of(now.work, state_->workspace.size(), false);
        if (!plans) end_with_fault("a run", plans.error().detail);
        now.plans = std::move(*plans);
    }
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
    if (!started) return started;
    finish(from);
    // What cuDNN's relu and a maximum make of NaN is a number, so this sees most, not all.
    const auto finite = [](float one) { return std::isfinite(one); };
    if (!std::all_of(started->numbers.begin(), started->numbers.end(), finite)) {
        end_with_fault("a run", "an output of the network is not a finite number");
    }
    return started;
}

const std::vector<double>& device_network::warm_ms() const {
    return state_->warm_ms;
}

std::size_t device_network::programs() const {
    return state_->programs.size();
}

std::size_t device_network::graph_launches() const {
    return state_->graph_launches;
}

}  // namespace vultus::cuda
