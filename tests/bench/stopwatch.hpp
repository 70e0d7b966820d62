// How long a call took, for the benches.
#pragma once

#include <chrono>
#include <functional>

namespace vultus {

inline double milliseconds_of(const std::function<void()>& call) {
    const auto begin = std::chrono::steady_clock::now();
    call();
    return std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - begin)
        .count();
}

}  // namespace vultus
