// GET /api/live: whether a channel may open. The channel itself: live/live_channel.hpp.
#include "api/live/live_channel.hpp"
#include "api/handlers/handlers.hpp"
#include "api/jobs/job_response.hpp"
#include "api/live/json_live.hpp"

namespace vultus::api::handlers {
namespace {

constexpr int try_again_later = 1013;

asio::awaitable<void> serve(message_channel& channel, services& ctx, live_options options,
                            std::shared_ptr<const access_key> key, std::string holder) {
    co_await std::make_shared<live_channel>(channel, ctx, std::move(options), std::move(key),
                                            std::move(holder))
        ->run();
}

/// A script in a browser cannot read the status of a refused handshake, only the close code.
asio::awaitable<void> turn_away(message_channel& channel, error why) {
    const std::string text = problem_json(0, why);
    if (co_await channel.write(text)) {
        co_await channel.close(try_again_later, "No live channel free");
    }
    while (co_await channel.read(0)) {
    }
}

}  // namespace

response open_live_channel(request& req, services& ctx) {
    auto options = changed({}, req.query);
    if (!options) return refuse(options.error(), req, ctx);
    if (auto good = may_use(req.key.get(), options->collection); !good) {
        return refuse(good.error(), req, ctx);
    }
    if (!req.upgrades) {
        auto answer = refuse({errc::upgrade_required, "Connect with a WebSocket client"}, req, ctx);
        return answer.with("Upgrade", "websocket").with("Sec-WebSocket-Version", "13");
    }
    if (ctx.draining) {
        return refuse({errc::draining, "Service is stopping"}, req, ctx);
    }
    response answer;
    answer.status = 101;
    auto place = req.hurried ? nullptr : ctx.live.take(req.holder);
    if (!place) {
        const error full{errc::quota, std::to_string(ctx.live.taken()) + " live channels are open"};
        if (req.header("origin").empty()) return refuse(full, req, ctx);
        answer.channel = [full](message_channel& channel) { return turn_away(channel, full); };
        return answer;
    }
    answer.channel = [&ctx, place, chosen = std::move(*options), key = req.key,
                      holder = req.holder](message_channel& channel) {
        return serve(channel, ctx, chosen, key, holder);
    };
    return answer;
}

}  // namespace vultus::api::handlers
