// How long an event loop works between two waits. One thread serves all peers of a process, so a
// long turn delays each of them, heartbeats included.
#pragma once

#include <chrono>

namespace vultus {

/// CPU time of this thread since it started.
std::chrono::nanoseconds thread_cpu_time() noexcept;

/// The longest turn so far; a turn over `slow` of CPU time is logged (loop_turn_long), at most
/// every 10 s.
///
/// threads   one owner, the thread of the loop
class turn_watch {
 public:
    static constexpr std::chrono::milliseconds slow{100};

    /// Around the work of a turn, without the wait.
    void begin();
    void end();
    /// A turn that was measured otherwise.
    /// returns   whether it is slow
    bool note(std::chrono::nanoseconds cpu, std::chrono::nanoseconds wall);

    std::chrono::nanoseconds longest_cpu() const noexcept { return longest_cpu_; }
    std::chrono::nanoseconds longest_wall() const noexcept { return longest_wall_; }

 private:
    bool begun_ = false;
    std::chrono::nanoseconds cpu_begin_{0}, longest_cpu_{0}, longest_wall_{0};
    std::chrono::steady_clock::time_point wall_begin_{}, logged_{};
};

}  // namespace vultus
