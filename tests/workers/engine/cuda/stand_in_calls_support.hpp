// What every call of the stand-in begins with, and how work gets into a stream.
#pragma once

#include <functional>
#include <string>
#include <utility>

#include "tests/workers/engine/cuda/stand_in_state_support.hpp"

namespace vultus::testing {

inline thread_local device* used_here = nullptr;

/// What every call begins with; `quiet`: not during a capture.
inline int entered(stand_in_state& all, device* on, bool quiet) {
    ++all.calls_made;
    if (all.options.fail_call != 0 && all.calls_made >= all.options.fail_call) all.broken = fault;
    if (all.broken != 0) return all.broken;
    if (on == nullptr) return 0;
    if (used_here != on) return all.refuse("another device is in use on this thread");
    stream* noting = all.capturing(on);
    if (quiet && noting != nullptr) {
        noting->noting->spoiled = true;
        return all.refuse("not while a graph is being noted");
    }
    return 0;
}

template <typename Call>
int on_device(device* on, bool quiet, Call&& call) {
    const std::lock_guard lock(on->of->mutex);
    const int status = entered(*on->of, on, quiet);
    return status != 0 ? status : call(*on->of);
}

/// The same for a stream; the default stream is refused.
template <typename Call>
int on_stream(stream* line, bool quiet, Call&& call) {
    if (line == nullptr) return refused;
    return on_device(line->on, quiet, std::forward<Call>(call));
}

inline int enqueue(stand_in_state& all, stream* line, piece_of_work looked,
                   std::function<void()> run, const convolution_plan* plan = nullptr) {
    if (!looked.wrong.empty()) return all.refuse(looked.wrong);
    if (!all.all_there(looked.touches, line->on)) {
        return all.refuse(looked.kind + ": memory that is not there");
    }
    const std::pair code{line->on, looked.kind};
    if (line->noting) {
        if (!looked.kind.empty() && !all.loaded.contains(code)) {
            line->noting->spoiled = true;
            return all.refuse(looked.kind + ": code is loaded while a graph is being noted");
        }
        line->noting->all.push_back({std::move(looked.touches), std::move(run), plan});
        return 0;
    }
    all.loaded.insert(code);
    line->pending.push_back({std::move(looked.touches), std::move(run), plan});
    ++line->told;
    if (all.random() % 8 == 0) all.run_one(all.any_busy());
    return 0;
}

/// The calls of the library's plans.
void put_plan_calls(cuda::table&);

}  // namespace vultus::testing
