// See follow.hpp.
#include "clients/ctl/follow.hpp"

#include <cstdlib>
#include <utility>

namespace vultus::ctl {
namespace {

constexpr std::size_t batch = 100;
constexpr std::chrono::milliseconds patience{500};

std::pair<std::uint64_t, std::uint64_t> parts(const std::string& id) {
    char* end = nullptr;
    const std::uint64_t ms = std::strtoull(id.c_str(), &end, 10);
    return {ms, *end == '-' ? std::strtoull(end + 1, nullptr, 10) : 0};
}

}  // namespace

bool before(const std::string& a, const std::string& b) {
    return parts(a) < parts(b);
}

result<void> follow(redis_blocking& redis, const job_store& store, const follow_options& options) {
    std::string last = options.from;
    if (last.empty()) {
        auto newest = redis.call(store.last_event_id());
        if (!newest) return fail(newest.error());
        last = std::move(*newest);
    }
    std::size_t seen = 0;
    while (!options.stopped()) {
        auto events = redis.call(store.events_after(last, batch, patience));
        if (!events) return fail(events.error());
        if (events->empty()) continue;
        auto oldest = redis.call(store.oldest_event_id());
        if (!oldest) return fail(oldest.error());
        // The stream is cut at its old end: as long as the last one seen is there, none is missing.
        if (parts(last).first != 0 && before(last, *oldest)) options.gap();
        for (const event& one : *events) {
            options.told(one);
            last = one.id;
            if (++seen == options.count) return {};
        }
    }
    return {};
}

}  // namespace vultus::ctl
