// The two clocks of Vultus. Decisions take `now` as an argument; only loops and adapters read a
// clock.
#pragma once

#include <chrono>
#include <cstdint>

namespace vultus {

/// Time since boot, including suspend (CLOCK_BOOTTIME). For intervals.
using boot_time = std::chrono::milliseconds;
boot_time boot_now() noexcept;

/// Unix time. For display, and for comparison with Redis' TIME, the only clock that jobs depend on.
using unix_time = std::chrono::milliseconds;
unix_time unix_now() noexcept;

}  // namespace vultus
