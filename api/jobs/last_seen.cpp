// See last_seen.hpp.
#include "api/jobs/last_seen.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <utility>

#include "shared/base/clock.hpp"
#include "shared/store/retention.hpp"

namespace vultus::api {

void note_seen(services& ctx, const std::string& collection, std::vector<std::string> labels) {
    auto due = ctx.seen.due(collection, std::move(labels), boot_now());
    if (due.empty()) return;
    asio::co_spawn(
        ctx.io,
        [](services& all, std::string of, std::vector<std::string> whom) -> asio::awaitable<void> {
            const auto call = all.retention.note_seen(of, whom);
            const auto noted = co_await all.redis.call(call);
            if (!noted) all.seen.undo(of, whom);
        }(ctx, collection, std::move(due)),
        asio::detached);
}

}  // namespace vultus::api
