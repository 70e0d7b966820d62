// See follow.hpp.
#include "clients/ctl/follow.hpp"

#include <utility>

#include "shared/base/stream_id.hpp"

namespace vultus::ctl {
namespace {

constexpr std::size_t batch = 100;
constexpr std::chrono::milliseconds patience{500};

}  // namespace

result<void> follow(redis_blocking& redis, const store_context& store,
                    const follow_options& options) {
    std::string last = options.from;
    if (last.empty()) {
        auto newest = redis.call(event_reader(store).last_event_id());
        if (!newest) return fail(newest.error());
        last = std::move(*newest);
    }
    std::size_t seen = 0;
    while (!options.stopped()) {
        auto events = redis.call(event_reader(store).events_after(last, batch, patience));
        if (!events) return fail(events.error());
        if (events->empty()) continue;
        auto oldest = redis.call(event_reader(store).oldest_event_id());
        if (!oldest) return fail(oldest.error());
        // Redis trims the oldest events: while the last one read still exists, none is missing.
        if (is_before("0-0", last) && is_before(last, *oldest)) options.gap();
        for (const event& one : *events) {
            options.on_event(one);
            last = one.id;
            if (++seen == options.count) return {};
        }
    }
    return {};
}

}  // namespace vultus::ctl
