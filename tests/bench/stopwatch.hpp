// Measures the time of a call, for the benches.
#pragma once

#include <chrono>
#include <ctime>
#include <functional>

namespace vultus {

inline double milliseconds_of(const std::function<void()>& call) {
    const auto begin = std::chrono::steady_clock::now();
    call();
    return std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - begin)
        .count();
}

/// Processor time of this thread: other work on the machine is not counted.
inline double thread_milliseconds_of(const std::function<void()>& call) {
    const auto now = [] {
        timespec time{};
        clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
        return static_cast<double>(time.tv_sec) * 1e3 + static_cast<double>(time.tv_nsec) * 1e-6;
    };
    const double begin = now();
    call();
    return now() - begin;
}

}  // namespace vultus
