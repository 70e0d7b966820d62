// The time of the functions in Redis, which a jump of its host's clock does not move (REDIS.md,
// "Time"), and the operator's word about it. Calls like those of job_store.hpp: pure, any thread.
#pragma once

#include <chrono>
#include <string>

#include "shared/store/job_store.hpp"

namespace vultus {

enum class clock_state {
    steady,      ///< as the clock of the host
    slewing,     ///< a small jump is being made up for
    quiet,       ///< nobody measured how long Redis was off: nothing is erased for an hour
    suspicious,  ///< a large jump: nothing is erased until an operator accepts it
};

std::string_view name_of(clock_state) noexcept;

struct clock_view {
    clock_state state = clock_state::steady;
    unix_time now{0};    ///< of the functions
    unix_time host{0};   ///< by the clock of Redis' host
    unix_time since{0};  ///< suspicious: from when on
    unix_time quiet_until{0};
    unix_time swept{0};                  ///< when a broker looked last; 0: never
    std::chrono::milliseconds ahead{0};  ///< of the host before the functions
};

redis_call<clock_view> read_clock(const job_store&);

/// What the clock of the host says is right. `by`: for the audit log. Gives by how much the time of
/// the functions moved.
redis_call<std::chrono::milliseconds> accept_clock(const job_store&, const std::string& by);

/// As the counters of queue_stats tell it.
clock_state clock_state_of(const queue_stats&);

/// One sentence for people; empty if steady.
std::string said_of(clock_state);

}  // namespace vultus
