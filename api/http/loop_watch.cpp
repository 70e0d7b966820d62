// See loop_watch.hpp.
#include "api/http/loop_watch.hpp"

#include <string_view>
#include <utility>

namespace vultus::api {
namespace {

using std::chrono::nanoseconds;

constexpr std::string_view longest = "vultus_api_loop_longest_turn_seconds";
constexpr std::string_view slow = "vultus_api_loop_slow_turns_total";

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
    auto used = thread_cpu_time();
    while (!io.stopped()) {
        const auto begun = std::chrono::steady_clock::now();
        const bool ready = io.poll_one() > 0;
        if (!ready && io.run_one() == 0) return;
        const auto now = thread_cpu_time();
        const auto cpu = now - std::exchange(used, now);
        // A turn after an idle wait lasted at least as long as its CPU time.
        note(cpu, ready ? std::chrono::steady_clock::now() - begun : cpu);
    }
}

void loop_watch::note(nanoseconds cpu, nanoseconds wall) {
    const bool longer_wall = wall > turns_.longest_wall(), longer_cpu = cpu > turns_.longest_cpu();
    if (turns_.note(cpu, wall)) measured_.count(slow);
    if (longer_wall) measured_.set(longest, seconds_of(wall), {{"clock", "wall"}});
    if (longer_cpu) measured_.set(longest, seconds_of(cpu), {{"clock", "processor"}});
}

}  // namespace vultus::api
