// The time of the functions in Redis, which a jump of the host's clock does not move (REDIS.md,
// "Time"), and an operator's confirmation of such a jump.
#pragma once

#include <chrono>
#include <string>

#include "shared/base/clock.hpp"
#include "shared/store/job_reader.hpp"
#include "shared/store/redis_client.hpp"
#include "shared/store/store_context.hpp"

namespace vultus {

enum class clock_state {
    steady,      ///< as the clock of the host
    slewing,     ///< a small jump is being made up for
    quiet,       ///< Redis was off for an unknown time: nothing is erased for an hour
    suspicious,  ///< a large jump: nothing is erased until an operator accepts it
};

std::string_view name_of(clock_state) noexcept;

struct clock_view {
    clock_state state = clock_state::steady;
    unix_time now{0};    ///< of the functions
    unix_time host{0};   ///< by the clock of Redis' host
    unix_time since{0};  ///< suspicious: from when on
    unix_time quiet_until{0};
    unix_time swept{0};                  ///< the last sweep of a broker; 0: never
    std::chrono::milliseconds ahead{0};  ///< of the host before the functions
};

/// threads   any; const after construction
class service_clock {
 public:
    explicit service_clock(store_context context) : context_(std::move(context)) {}

    redis_call<clock_view> read() const;
    /// The clock of the host is right: confirms a jump. `by`: for the audit log.
    /// returns   by how much the time of the functions moved
    redis_call<std::chrono::milliseconds> accept(const std::string& by) const;

 private:
    store_context context_;
};

/// From the counters of queue_stats.
clock_state clock_state_of(const queue_stats&);

/// One sentence for people; empty if steady.
std::string description_of(clock_state);

}  // namespace vultus
