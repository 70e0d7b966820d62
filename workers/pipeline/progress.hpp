// The watchdog of the stages. Each stage thread owns a slot and declares when a step must have
// ended; the session renews leases only while no slot is late. So a hung device or decoder loses
// the worker's leases, however busy the other threads are.
#pragma once

#include <array>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>

#include "shared/base/clock.hpp"
#include "shared/base/limits.hpp"

namespace vultus {

/// threads   add: before the threads start; begin and done: the slot's thread; the rest: any
class progress {
 public:
    class slot {
     public:
        /// A step starts; it should take no longer than `allowance`.
        void begin(boot_time now, std::chrono::milliseconds allowance = limits::progress) noexcept {
            late_after_.store((now + allowance).count(), std::memory_order_relaxed);
        }
        /// The step is over; the thread waits for the next one.
        void done() noexcept;

     private:
        friend class progress;
        std::atomic<std::int64_t> late_after_{0};  ///< 0: idle
        progress* whole_ = nullptr;
    };

    /// requires  fewer than 256 slots so far
    slot& add();

    /// Steps finished so far, for HEARTBEAT.
    std::uint64_t steps() const noexcept { return steps_.load(std::memory_order_relaxed); }

    /// True if a step has lasted longer than it was allowed to.
    bool stuck(boot_time now) const noexcept;

 private:
    std::array<slot, 256> slots_;
    std::size_t used_ = 0;
    std::atomic<std::uint64_t> steps_{0};
};

/// Begins a step and ends it with the scope.
class step {
 public:
    step(progress::slot& where, std::chrono::milliseconds allowance = limits::progress)
        : where_(where) {
        where_.begin(boot_now(), allowance);
    }
    ~step() { where_.done(); }
    step(const step&) = delete;
    step& operator=(const step&) = delete;

 private:
    progress::slot& where_;
};

}  // namespace vultus
