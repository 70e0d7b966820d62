// The broker's relation to Redis: whether it can be used, which timer calls (reap, barrier, gc,
// checks of its settings) are due, and the time of its functions. Part of the core: pure.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

#include "broker/events.hpp"
#include "shared/base/clock.hpp"

namespace vultus::broker {

constexpr std::chrono::milliseconds collect_idle{5'000};  ///< between gc calls that found nothing
constexpr std::chrono::milliseconds store_check{10'000};  ///< between two checks of its settings
constexpr std::chrono::milliseconds duty_retry{1'000};    ///< after a call that failed

/// threads   one owner
class store_duties {
 public:
    bool ready() const noexcept { return prepared_ && safe_ && link_up_; }  ///< can be used

    /// returns   true if the connection broke
    bool link_changed(bool up, boot_time now, effects& out);
    /// returns   true if Redis can be used from now on
    bool prepared(const store_prepared&, boot_time now, effects& out);
    void checked(const store_checked&, boot_time now, effects& out);
    /// returns   the number of jobs that the call made pending
    std::uint64_t done(const duty_done&, boot_time now, effects& out);

    void prepare_due(boot_time now, effects& out);
    void sweep(boot_time now, effects& out);  ///< the calls whose time has come; each limits::sweep

    /// The time of the functions in Redis now; 0: not known yet.
    unix_time expected_now(boot_time now) const noexcept;
    boot_time next_timer() const noexcept;  ///< boot_time::max(): only the next sweep

 private:
    struct timer {
        boot_time at{0};
        bool in_progress = false;
        boot_time sent{0};  ///< the last call
    };

    timer& timer_of(duty) noexcept;
    void run(duty, boot_time now, effects& out);
    void run_all(boot_time now, effects& out);
    void note_time(unix_time store_time, boot_time asked) noexcept;

    bool link_up_ = false, prepared_ = false, safe_ = true;
    std::string last_trouble_;  ///< logged once, not with each try
    timer prepare_, check_, reap_, barrier_, collect_;
    unix_time store_time_{0};    ///< in the last reply; 0: none yet
    boot_time asked_at_{0};      ///< when that call was sent
    bool time_certain_ = false;  ///< from a duty: the time of the functions, not of the host
};

}  // namespace vultus::broker
