// What the stand-in remembers: memory, queues, graphs, and the seeded choice of what runs next.
#pragma once

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <random>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "tests/workers/engine/cuda/stand_in_support.hpp"
#include "tests/workers/engine/cuda/stand_in_work_support.hpp"

namespace vultus {
namespace testing {

constexpr int out_of_memory = 2, fault = 700, refused = 900;

struct work {
    std::vector<memory_range> touches;
    std::function<void()> run;
    const cuda::convolution_plan* plan = nullptr;  ///< which must be there when it runs
};

}  // namespace testing

struct cuda::device {
    testing::stand_in_state* of;
    std::size_t used, used_of_host;
};

struct cuda::convolution_plan {
    cuda::stream* line;
    cuda::convolution what;
    int rank;
};

struct cuda::graph {
    cuda::device* on;
    bool spoiled;
    std::vector<testing::work> all;
};

struct cuda::stream {
    cuda::device* on;
    std::deque<testing::work> pending;
    std::unique_ptr<cuda::graph> noting;
    std::thread::id noted_by;
    std::size_t told = 0;  ///< pieces of work so far
};

struct cuda::event {
    cuda::device* on;
    cuda::stream* line;
    std::size_t after;  ///< so many pieces of work of that line
};

namespace testing {

using cuda::convolution_plan;
using cuda::device;
using cuda::event;
using cuda::graph;
using cuda::stream;

struct stand_in_state {
    struct piece {
        std::size_t bytes;
        device* on;
        bool host;
    };
    stand_in_options options;
    cuda::table calls{};
    mutable std::recursive_mutex mutex;
    std::set<device*> devices;
    std::set<stream*> streams;
    std::set<const convolution_plan*> plans;
    std::size_t graphs = 0, events = 0;
    std::map<const char*, piece> memory;
    std::set<std::pair<device*, std::string>> loaded;
    std::minstd_rand random;
    int calls_made = 0, work_done = 0, interleaved = 0, broken = 0;
    int ways_timed = 0, by_the_fastest = 0;
    std::string refusal;

    int refuse(const std::string& why) {
        refusal = why;
        return refused;
    }

    bool holds(const memory_range& wanted, const device* on) const {
        const auto* begin = static_cast<const char*>(wanted.begin);
        auto next = memory.upper_bound(begin);
        if (begin == nullptr || next == memory.begin()) return false;
        --next;
        const piece& found = next->second;
        return found.on == on && found.host == wanted.host &&
               begin + wanted.bytes <= next->first + found.bytes;
    }

    bool all_there(const std::vector<memory_range>& touches, const device* on) const {
        for (const memory_range& one : touches) {
            if (!holds(one, on)) return false;
        }
        return true;
    }

    void run_one(stream* from) {
        const work next = std::move(from->pending.front());
        from->pending.pop_front();
        if (broken != 0) return;
        ++work_done;
        const bool fails = options.fail_work != 0 && work_done >= options.fail_work;
        const bool planless = next.plan != nullptr && !plans.contains(next.plan);
        if (fails || planless || !all_there(next.touches, from->on)) {
            broken = fault;
            return;
        }
        next.run();
    }

    /// A piece of any stream that has one: each of them is next by right.
    stream* any_busy() {
        std::vector<stream*> busy;
        for (stream* one : streams) {
            if (!one->pending.empty()) busy.push_back(one);
        }
        return busy.empty() ? nullptr : busy[random() % busy.size()];
    }

    void finish(stream* line) { finish(line, line->told); }

    /// So many of its pieces of work, and what comes between.
    void finish(stream* line, std::size_t pieces) {
        while (line->told - line->pending.size() < pieces) {
            stream* next = any_busy();
            interleaved += next != line;
            run_one(next);
        }
    }

    stream* capturing(const device* on) const {
        for (stream* one : streams) {
            if (one->on == on && one->noting) return one;
        }
        return nullptr;
    }
};

}  // namespace testing
}  // namespace vultus
