// The two clocks of Vultus. Decisions take `now` as an argument; only main loops ask a clock.
#pragma once

#include <chrono>
#include <cstdint>

namespace vultus {

/// Time since boot that goes on while the machine sleeps (CLOCK_BOOTTIME). For intervals.
using boot_time = std::chrono::milliseconds;
boot_time boot_now() noexcept;

/// Unix time. For people, and for comparison with Redis' TIME, which is the one clock of the jobs.
using unix_time = std::chrono::milliseconds;
unix_time unix_now() noexcept;

}  // namespace vultus
