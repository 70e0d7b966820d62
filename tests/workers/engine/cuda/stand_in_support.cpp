// The table's functions over malloc, queues and a seeded choice of what runs next.
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "tests/workers/engine/cuda/stand_in_calls_support.hpp"
#include "tests/workers/engine/cuda/stand_in_state_support.hpp"
#include "tests/workers/engine/cuda/stand_in_support.hpp"
#include "workers/engine/cuda/kernel_bodies.hpp"

namespace vultus {
namespace testing {
namespace {

int allocate_piece(device* on, std::size_t bytes, void** made, bool host) {
    return on_device(on, true, [&](stand_in_state& all) {
        std::size_t& used = host ? on->used_of_host : on->used;
        if (used + bytes > (host ? all.options.host_bytes : all.options.memory_bytes)) {
            return out_of_memory;
        }
        constexpr std::size_t line = 256;
        void* got = std::aligned_alloc(line, (bytes + line - 1) / line * line);
        std::memset(got, 0xFF, bytes);  // not a number, in half and in float32
        all.memory[static_cast<const char*>(got)] = {bytes, on, host};
        used += bytes;
        *made = got;
        return 0;
    });
}

int release_piece(device* on, void* memory, bool host) {
    return on_device(on, true, [&](stand_in_state& all) {
        const auto found = all.memory.find(static_cast<const char*>(memory));
        if (found == all.memory.end() || found->second.host != host || found->second.on != on) {
            return all.refuse("memory that is not there is given back");
        }
        if (!host) {
            for (stream* one : all.streams) {
                if (one->on == on) all.finish(one);
            }
        }
        (host ? on->used_of_host : on->used) -= found->second.bytes;
        all.memory.erase(found);
        std::free(memory);
        return all.broken;
    });
}

int copy(stream* line, void* to, const void* from, std::size_t bytes, bool up) {
    return on_stream(line, false, [&](stand_in_state& all) {
        piece_of_work looked{
            {{to, bytes, !up}, {from, bytes, up}}, bytes == 0 ? "nothing" : "", ""};
        return enqueue(all, line, std::move(looked), [=] { std::memcpy(to, from, bytes); });
    });
}

int run_kernel(stream* line, const cuda::kernel_call& call) {
    return on_stream(line, false, [&](stand_in_state& all) {
        const bool backwards = all.random() % 2 == 0;
        return enqueue(all, line, looked_at(call), [call, backwards] {
            for (int i = 0; i < call.count; ++i) {
                cuda::body(call, backwards ? call.count - 1 - i : i);
            }
        });
    });
}

int open_device(void* self, int index, device** opened) {
    auto& all = *static_cast<stand_in_state*>(self);
    const std::lock_guard lock(all.mutex);
    if (const int status = entered(all, nullptr, false); status != 0) return status;
    if (index < 0 || index >= all.options.gpus) return all.refuse("no such card");
    *opened = used_here = *all.devices.insert(new device{&all, 0, 0}).first;
    return 0;
}

int describe_device(device* on, cuda::device_info* info) {
    return on_device(on, true, [&](stand_in_state& all) {
        const stand_in_options& options = all.options;
        *info = {{}, options.compute / 10, options.compute % 10, options.memory_bytes};
        std::snprintf(info->name, sizeof info->name, "%s", options.name);
        return 0;
    });
}

int end_noting(stream* line, graph** made) {
    return on_stream(line, false, [&](stand_in_state& all) {
        if (!line->noting) return all.refuse("no graph is being noted");
        auto noted = std::move(line->noting);
        if (noted->spoiled) return all.refuse("the graph is spoiled: " + all.refusal);
        if (!all.options.captures) return all.refuse("this cannot be captured");
        ++all.graphs;
        *made = noted.release();
        return 0;
    });
}

int launch_graph(stream* line, graph* noted) {
    return on_stream(line, true, [&](stand_in_state& all) {
        if (noted == nullptr) return all.refuse("no graph to launch");
        if (noted->on != line->on) return all.refuse("a graph of another device");
        for (const work& one : noted->all) line->pending.push_back(one);
        line->told += noted->all.size();
        return 0;
    });
}

/// Any thread, whatever device it uses; not the one that notes a graph.
int wait_for_event(event* made) {
    const std::lock_guard lock(made->on->of->mutex);
    stand_in_state& all = *made->on->of;
    if (const int status = entered(all, nullptr, false); status != 0) return status;
    const stream* noting = all.capturing(made->on);
    if (noting != nullptr && noting->noted_by == std::this_thread::get_id()) {
        return all.refuse("not while a graph is being noted");
    }
    if (made->line != nullptr) all.finish(made->line, made->after);
    return all.broken;
}

const char* text_of(int status) {
    switch (status) {
        case out_of_memory:
            return "out of memory";
        case fault:
            return "an illegal memory access was encountered";
        default:
            return "refused by the stand-in";
    }
}

void put_device_calls(cuda::table& t) {
    t.device_count = [](void* self, int* number) {
        auto& all = *static_cast<stand_in_state*>(self);
        const std::lock_guard lock(all.mutex);
        *number = all.options.gpus;
        return entered(all, nullptr, false);
    };
    t.open = open_device;
    t.close = [](device* on) {
        const std::lock_guard lock(on->of->mutex);
        on->of->devices.erase(on);
        if (used_here == on) used_here = nullptr;
        delete on;
    };
    t.error_text = text_of;
    t.lacks_memory = [](int status) { return status == out_of_memory ? 1 : 0; };
    t.use = [](device* on) {
        const std::lock_guard lock(on->of->mutex);
        used_here = on;
        return entered(*on->of, on, false);
    };
    t.describe = describe_device;
    t.memory = [](device* on, std::size_t* free_bytes, std::size_t* total) {
        return on_device(on, true, [&](stand_in_state& all) {
            *total = all.options.memory_bytes;
            *free_bytes = *total - on->used;
            return 0;
        });
    };
    t.allocate = [](device* d, std::size_t n, void** m) { return allocate_piece(d, n, m, false); };
    t.allocate_host = [](device* d, std::size_t n, void** m) {
        return allocate_piece(d, n, m, true);
    };
    t.release = [](device* d, void* m) { return release_piece(d, m, false); };
    t.release_host = [](device* d, void* m) { return release_piece(d, m, true); };
}

void put_stream_calls(cuda::table& t) {
    t.open_stream = [](device* on, stream** made) {
        return on_device(on, true, [&](stand_in_state& all) {
            *made = *all.streams.insert(new stream{on, {}, nullptr, {}}).first;
            return 0;
        });
    };
    t.close_stream = [](stream* line) {
        const std::lock_guard lock(line->on->of->mutex);
        line->on->of->finish(line);
        line->on->of->streams.erase(line);
        delete line;
    };
    t.upload = [](stream* s, void* to, const void* from, std::size_t n) {
        return copy(s, to, from, n, true);
    };
    t.download = [](stream* s, void* to, const void* from, std::size_t n) {
        return copy(s, to, from, n, false);
    };
    t.clear = [](stream* line, void* memory, std::size_t bytes) {
        return on_stream(line, false, [&](stand_in_state& all) {
            return enqueue(all, line, {{{memory, bytes}}, "", ""},
                           [=] { std::memset(memory, 0, bytes); });
        });
    };
    t.run = run_kernel;
    t.wait = [](stream* line) {
        return on_stream(line, true, [&](stand_in_state& all) {
            all.finish(line);
            return all.broken;
        });
    };
    t.begin_capture = [](stream* line) {
        return on_stream(line, true, [&](stand_in_state&) {
            line->noting = std::make_unique<graph>(graph{line->on, false, {}});
            line->noted_by = std::this_thread::get_id();
            return 0;
        });
    };
    t.end_capture = end_noting;
    t.launch = launch_graph;
    t.drop = [](graph* noted) {
        const std::lock_guard lock(noted->on->of->mutex);
        --noted->on->of->graphs;
        delete noted;
    };
}

void put_event_calls(cuda::table& t) {
    t.make_event = [](device* on, event** made) {
        return on_device(on, true, [&](stand_in_state& all) {
            *made = new event{on, nullptr, 0};
            ++all.events;
            return 0;
        });
    };
    t.drop_event = [](event* made) {
        const std::lock_guard lock(made->on->of->mutex);
        --made->on->of->events;
        delete made;
    };
    t.record = [](stream* line, event* made) {
        return on_stream(line, true, [&](stand_in_state&) {
            made->line = line;
            made->after = line->told;
            return 0;
        });
    };
    t.wait_for = wait_for_event;
}

}  // namespace

stand_in::stand_in(stand_in_options options) : state_(std::make_unique<stand_in_state>()) {
    state_->options = options;
    state_->random.seed(options.seed);
    state_->calls.version = cuda::table_version;
    state_->calls.self = state_.get();
    put_device_calls(state_->calls);
    put_stream_calls(state_->calls);
    put_plan_calls(state_->calls);
    put_event_calls(state_->calls);
}

stand_in::~stand_in() = default;

const cuda::table& stand_in::calls() const {
    return state_->calls;
}

stand_in::count stand_in::alive() const {
    const std::lock_guard lock(state_->mutex);
    count found;
    for (const auto& [address, piece] : state_->memory) {
        ++(piece.host ? found.host_memory : found.gpu_memory);
        if (!piece.host) found.gpu_bytes += piece.bytes;
    }
    found.streams = state_->streams.size();
    found.graphs = state_->graphs;
    found.events = state_->events;
    found.plans = state_->plans.size();
    found.devices = state_->devices.size();
    return found;
}

int stand_in::calls_made() const {
    const std::lock_guard lock(state_->mutex);
    return state_->calls_made;
}
int stand_in::work_done() const {
    const std::lock_guard lock(state_->mutex);
    return state_->work_done;
}
int stand_in::interleaved() const {
    const std::lock_guard lock(state_->mutex);
    return state_->interleaved;
}
int stand_in::ways_timed() const {
    const std::lock_guard lock(state_->mutex);
    return state_->ways_timed;
}
int stand_in::by_the_fastest() const {
    const std::lock_guard lock(state_->mutex);
    return state_->by_the_fastest;
}
std::string stand_in::refusal() const {
    const std::lock_guard lock(state_->mutex);
    return state_->refusal;
}

}  // namespace testing
}  // namespace vultus
