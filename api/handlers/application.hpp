// All parts of the api, connected; for main, and for tests that start it in their own process.
#pragma once

#include <functional>
#include <memory>

#include "api/http/loop_watch.hpp"
#include "api/http/server.hpp"
#include "api/services/services.hpp"
#include "shared/store/store_context.hpp"

namespace vultus::api {

/// The surfaces of other services (api/compat), which are built on the handlers here.
struct compat_calls {
    std::function<asio::awaitable<response>(request&, services&)> handle;
    std::function<response(surface, const error&, const request&, int later)> refusal;
};

/// threads   that of the io_context
class application {
 public:
    using refusal = std::function<void(const error&)>;

    /// Opens the connections and the port. Redis and brokers need not be reachable yet.
    /// `timing`  the time-outs; address, limits and lists are taken from the settings
    /// `compat`  empty: there are none of those surfaces, whatever the settings say
    /// `refused` called if Redis must not be used (store_setup.hpp), or has no key or user where
    ///           one is required
    /// requires  `zmq` outlives the application
    /// errors    bad_option: of choose_access(), the certificate, the encryption key, or an address
    ///           and port that cannot be opened; malformed: an endpoint
    static result<std::unique_ptr<application>> start(
        asio::io_context& io, zmq_context& zmq, const api_settings& settings,
        server_settings timing = {}, refusal refused = [](const error&) {},
        compat_calls compat = {});
    ~application();

    int port() const noexcept { return server_.port(); }
    std::size_t connections() const noexcept { return server_.connections(); }
    std::size_t body_bytes() const noexcept { return server_.body_bytes(); }
    services& parts() noexcept { return services_; }

    /// Serves until nothing keeps the loop running (after drain()), and measures its turns.
    void run();

    /// Reads the certificate's files again. If they cannot be used, logs it and keeps the old
    /// certificate.
    void reload_certificate();

    /// Reports not ready and listens for drain_grace, then accepts no new connections; waiting
    /// requests are answered, streams end. Afterwards nothing keeps the loop running.
    asio::awaitable<void> drain();

 private:
    application(asio::io_context& io, const api_settings& settings, sealing seals,
                std::unique_ptr<broker_client> brokers, access_choice chosen,
                server_settings timing, compat_calls compat);

    asio::io_context& io_;
    metrics measured_;
    loop_watch watch_;
    const api_settings settings_;
    const store_context context_;
    redis_asio redis_;
    redis_asio stream_;  ///< a second connection, for XREAD BLOCK
    event_hub events_;
    event_stories stories_;
    store_health health_;
    access_control access_;
    std::unique_ptr<broker_client> brokers_;
    const compat_calls compat_;
    services services_;
    http_server server_;
};

}  // namespace vultus::api
