// See turn_watch.hpp.
#include "shared/base/turn_watch.hpp"

#include <algorithm>
#include <ctime>

#include "shared/base/log.hpp"

namespace vultus {
namespace {

using std::chrono::nanoseconds;

constexpr std::chrono::seconds logged_every{10};

int milliseconds_of(nanoseconds time) {
    return static_cast<int>(std::chrono::duration_cast<std::chrono::milliseconds>(time).count());
}

}  // namespace

nanoseconds thread_cpu_time() noexcept {
    timespec time{};
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
    return std::chrono::seconds(time.tv_sec) + nanoseconds(time.tv_nsec);
}

void turn_watch::begin() {
    begun_ = true;
    cpu_begin_ = thread_cpu_time();
    wall_begin_ = std::chrono::steady_clock::now();
}

void turn_watch::end() {
    if (!begun_) return;
    begun_ = false;
    note(thread_cpu_time() - cpu_begin_, std::chrono::steady_clock::now() - wall_begin_);
}

bool turn_watch::note(nanoseconds cpu, nanoseconds wall) {
    longest_wall_ = std::max(longest_wall_, wall);
    longest_cpu_ = std::max(longest_cpu_, cpu);
    if (cpu < slow) return false;
    const auto now = std::chrono::steady_clock::now();
    if (logged_ != std::chrono::steady_clock::time_point{} && now - logged_ < logged_every) {
        return true;
    }
    logged_ = now;
    log::warning("loop_turn_long",
                 {{"processor_ms", milliseconds_of(cpu)}, {"wall_ms", milliseconds_of(wall)}});
    return true;
}

}  // namespace vultus
