// See loop_watch.hpp.
#include "api/http/loop_watch.hpp"

#include <ctime>
#include <string_view>
#include <utility>

#include "shared/base/log.hpp"

namespace vultus::api {
namespace {

using std::chrono::nanoseconds;

constexpr std::string_view longest = "vultus_api_loop_longest_turn_seconds";
constexpr std::string_view slow = "vultus_api_loop_slow_turns_total";
constexpr std::chrono::seconds logged_every{10};

nanoseconds cpu_time() noexcept {
    timespec time{};
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
    return std::chrono::seconds(time.tv_sec) + nanoseconds(time.tv_nsec);
}

double seconds_of(nanoseconds time) {
    return std::chrono::duration<double>(time).count();
}

}  // namespace

loop_watch::loop_watch(metrics& measured) : measured_(measured) {
    measured_.set(longest, 0, {{"clock", "processor"}});
    measured_.set(longest, 0, {{"clock", "wall"}});
    measured_.count(slow, {}, 0);
}

void loop_watch::run(asio::io_context& io) {
    auto used = cpu_time();
    while (!io.stopped()) {
        const auto begun = std::chrono::steady_clock::now();
        const bool ready = io.poll_one() > 0;
        if (!ready && io.run_one() == 0) return;
        const auto now = cpu_time();
        const auto cpu = now - std::exchange(used, now);
        // A turn after an idle wait lasted at least as long as its CPU time.
        note(cpu, ready ? std::chrono::steady_clock::now() - begun : cpu);
    }
}

void loop_watch::note(nanoseconds cpu, nanoseconds wall) {
    if (wall > longest_wall_) {
        longest_wall_ = wall;
        measured_.set(longest, seconds_of(wall), {{"clock", "wall"}});
    }
    if (cpu > longest_cpu_) {
        longest_cpu_ = cpu;
        measured_.set(longest, seconds_of(cpu), {{"clock", "processor"}});
    }
    if (cpu < slow_turn) return;
    measured_.count(slow);
    const auto now = std::chrono::steady_clock::now();
    if (now - logged_ < logged_every) return;
    logged_ = now;
    log::warning("loop_turn_long", {{"processor_ms", static_cast<int>(cpu.count() / 1'000'000)},
                                    {"wall_ms", static_cast<int>(wall.count() / 1'000'000)}});
}

}  // namespace vultus::api
