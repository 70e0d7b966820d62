// See application.hpp.
#include "api/handlers/application.hpp"

#include <algorithm>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>

#include "api/handlers/handlers.hpp"
#include "shared/base/descriptors.hpp"
#include "shared/base/limits.hpp"
#include "shared/base/log.hpp"
#include "shared/store/event_reader.hpp"
#include "shared/store/gallery_reader.hpp"
#include "shared/store/job_reader.hpp"
#include "shared/store/retention.hpp"
#include "shared/store/submission_store.hpp"

namespace vultus::api {
namespace {

using std::chrono::milliseconds;

constexpr int large_accepts_at_once = 2;
/// Descriptors for the two connections to Redis during a reconnect, epoll, signals, logs,
/// certificates; for each broker's ZeroMQ socket, its monitor and their mailboxes; and for a
/// fetcher.
constexpr std::size_t own_descriptors = 24, descriptors_per_broker = 8, descriptors_per_fetcher = 3;

redis_timeouts call_times() {
    redis_timeouts times;
    times.connect = milliseconds(500);
    // Requests have shorter time-outs of their own; this one closes a connection on which a large
    // photo cannot be stored.
    times.command = milliseconds(11'000);
    return times;
}

redis_timeouts stream_times() {
    redis_timeouts times;
    times.connect = milliseconds(500);
    times.command = 2 * event_hub::block_time + milliseconds(1'000);
    return times;
}

server_settings server_settings_of(const api_settings& from, server_settings timing) {
    timing.bind = from.bind;
    timing.port = from.port;
    timing.tls_certificate = from.tls_certificate;
    timing.tls_key = from.tls_key;
    timing.allowed_hosts = from.allowed_hosts;
    timing.base_path = from.base_path;
    timing.cors_origins = from.cors_origins;
    timing.trusted_proxies = from.trusted_proxies;
    timing.connections_max = from.connections_max;
    timing.reserve = std::min(timing.reserve, std::max<std::size_t>(4, from.connections_max / 8));
    timing.idle_time = from.idle_time;
    timing.inflight_body_bytes_max = from.inflight_body_bytes_max;
    return timing;
}

photo_fetcher_settings fetcher_settings_of(const api_settings& from) {
    return {from.fetch_urls, find_fetcher().value_or(""), from.fetch_authorities,
            from.inflight_body_bytes_max};
}

/// The connections and the reserve that the remaining descriptors allow.
void fit_to_descriptors(api_settings& settings) {
    const std::size_t limit = descriptor_limit();
    const std::size_t own =
        std::max(descriptors_open(), std::size_t(16)) + own_descriptors +
        descriptors_per_broker * settings.common.broker_api_endpoints.size() +
        (settings.fetch_urls.empty() ? 0 : descriptors_per_fetcher) * photo_fetcher::processes_max;
    // The reserve is an eighth of them, and 4 at least.
    const std::size_t room = limit > own + 8 ? (limit - own) * 8 / 9 - 4 : 1;
    if (settings.connections_max <= room) return;
    log::warning("connections_lowered", {{"connections_max", static_cast<int>(room)},
                                         {"wanted", static_cast<int>(settings.connections_max)},
                                         {"open_files_allowed", static_cast<int>(limit)}});
    settings.connections_max = std::max<std::size_t>(room, 1);
}

/// A quarter of the connections is kept for requests that are answered at once.
std::shared_ptr<shares> places_to_wait(std::size_t connections) {
    return std::make_shared<shares>(std::max<std::size_t>(1, connections - connections / 4));
}

}  // namespace

application::application(asio::io_context& io, const api_settings& settings, sealing seals,
                         std::unique_ptr<broker_client> brokers, access_choice chosen,
                         server_settings timing, compat_calls compat)
    : io_(io),
      watch_(measured_),
      settings_(settings),
      context_(0, std::move(seals)),
      redis_(io, settings.common.redis, call_times()),
      stream_(io, settings.common.redis, stream_times()),
      events_(io, stream_, context_),
      stories_(io, redis_, job_reader(context_), measured_),
      health_(io, redis_, context_, measured_),
      access_(io, redis_, context_, measured_, std::move(chosen)),
      brokers_(std::move(brokers)),
      compat_(std::move(compat)),
      services_{io,
                settings_,
                submission_store(context_),
                job_reader(context_),
                event_reader(context_),
                gallery_reader(context_),
                retention_store(context_),
                model_store(context_),
                picture_store(context_),
                person_store(context_),
                redis_,
                events_,
                stories_,
                *brokers_,
                health_,
                access_,
                measured_,
                VULTUS_VERSION,
                gate(io, large_accepts_at_once),
                places_to_wait(settings.connections_max),
                std::make_shared<shares>(limits::frame_bytes_api),
                photo_fetcher(io, fetcher_settings_of(settings), measured_),
                live_channels(settings.live_sessions_max),
                {}},
      server_(
          io, server_settings_of(settings, std::move(timing)),
          [this](request& req) {
              if (req.to == route::compat) return compat_.handle(req, services_);
              return dispatch(req, services_);
          },
          access_,
          [this](const route_row& row) {
              return row.body != body_kind::none ? health_.ready() : result<void>();
          },
          [this] { return health_.retry_after(); }, measured_) {}

application::~application() = default;

void application::run() {
    watch_.run(io_);
}

result<std::unique_ptr<application>> application::start(asio::io_context& io, zmq_context& zmq,
                                                        const api_settings& wanted,
                                                        server_settings timing, refusal refused,
                                                        compat_calls compat) {
    api_settings settings = wanted;
    fit_to_descriptors(settings);
    auto chosen = choose_access(settings);
    if (!chosen) return fail(chosen.error());
    auto key = read_encryption_key(settings.common.encryption_key_file, settings.common.data);
    if (!key) return fail(errc::bad_option, key.error().detail);
    if (const auto found = find_fetcher(); !settings.fetch_urls.empty() && !found) {
        return fail(errc::bad_option, found.error().detail + ": api.fetch_urls needs it");
    }
    if (compat.handle) timing.surfaces = surfaces_of(settings, *chosen);
    timing.refusal = compat.refusal;
    const curve_settings& curve = settings.common.curve;
    auto brokers = broker_client::connect(io, zmq, settings.common.broker_api_endpoints,
                                          {curve.own, curve.broker_key, {}});
    if (!brokers) return fail(brokers.error());
    std::unique_ptr<application> made(new application(io, settings, sealing(*std::move(key)),
                                                      std::move(*brokers), std::move(*chosen),
                                                      std::move(timing), std::move(compat)));
    if (auto open = made->server_.listen(); !open) return fail(open.error());
    asio::co_spawn(io, made->events_.run(), asio::detached);
    if (!made->access_.is_open()) {
        asio::co_spawn(io, made->access_.run(refused), asio::detached);
    }
    asio::co_spawn(io, made->access_.find_secret(), asio::detached);
    asio::co_spawn(io, made->health_.run(std::move(refused)), asio::detached);
    log::info("listening", {{"address", settings.bind},
                            {"port", made->port()},
                            {"tls", !settings.tls_certificate.empty()},
                            {"access", made->access_.is_open() ? "open" : "keys"}});
    return made;
}

void application::reload_certificate() {
    if (const auto loaded = server_.reload_certificate(); !loaded) {
        log::error("certificate_kept", {{"why", loaded.error().detail}});
    }
}

asio::awaitable<void> application::drain() {
    log::info("draining");
    services_.draining = true;
    server_.leave();
    asio::steady_timer grace(io_, settings_.drain_grace);
    boost::system::error_code ignored;
    co_await grace.async_wait(asio::redirect_error(asio::use_awaitable, ignored));
    events_.stop();
    services_.live.stop();
    co_await server_.drain(settings_.drain_timeout);
    access_.stop();
    health_.stop();
    stream_.close();
    redis_.close();
    brokers_->close();
}

}  // namespace vultus::api
