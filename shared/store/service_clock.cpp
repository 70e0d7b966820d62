// See service_clock.hpp.
#include "shared/store/service_clock.hpp"

#include "shared/store/store_reply.hpp"

namespace vultus {

using namespace store_reply;

std::string_view name_of(clock_state state) noexcept {
    switch (state) {
        case clock_state::steady:
            return "steady";
        case clock_state::slewing:
            return "slewing";
        case clock_state::quiet:
            return "quiet";
        case clock_state::suspicious:
            return "suspicious";
    }
    return "";
}

redis_call<clock_view> service_clock::read() const {
    return function_call<clock_view>(
        "clock", context_.prefix(), {},
        [](const std::string& status, fields& all) -> result<clock_view> {
            if (status != "ok") return unexpected_reply(status);
            clock_view seen;
            seen.now = all.time();
            seen.host = all.time();
            const std::string state = all.text();
            for (const clock_state one :
                 {clock_state::slewing, clock_state::quiet, clock_state::suspicious}) {
                if (state == name_of(one)) seen.state = one;
            }
            seen.ahead = -std::chrono::milliseconds(all.number<std::int64_t>());
            seen.since = all.time();
            seen.quiet_until = all.time();
            seen.swept = all.time();
            return seen;
        });
}

redis_call<std::chrono::milliseconds> service_clock::accept(const std::string& by) const {
    using span = std::chrono::milliseconds;
    return function_call<span>("clock_accept", context_.prefix(), {by},
                               [](const std::string& status, fields& all) -> result<span> {
                                   if (status != "ok") return unexpected_reply(status);
                                   all.time();
                                   return span(all.number<std::int64_t>());
                               });
}

clock_state clock_state_of(const queue_stats& queue) {
    const auto counted = [&](const char* name) {
        const auto found = queue.counters.find(name);
        return found != queue.counters.end() && found->second > 0;
    };
    if (counted("clock_suspicious_ms")) return clock_state::suspicious;
    if (counted("clock_quiet_until_ms")) return clock_state::quiet;
    return counted("clock_off_ms") ? clock_state::slewing : clock_state::steady;
}

std::string description_of(clock_state state) {
    switch (state) {
        case clock_state::suspicious:
            return "Clock of the Redis host jumped: nothing is erased by age until an"
                   " operator confirms it (vultusctl clock)";
        case clock_state::quiet:
            return "Redis downtime was not measured: nothing is erased by age"
                   " for an hour (vultusctl clock)";
        case clock_state::slewing:
            return "Clock of the Redis host jumped: being corrected slowly";
        case clock_state::steady:
            break;
    }
    return {};
}

}  // namespace vultus
