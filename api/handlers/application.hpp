// All parts of the api put together, for main and for tests that start it in their own process.
#pragma once

#include <functional>
#include <memory>

#include "api/http/loop_watch.hpp"
#include "api/http/server.hpp"
#include "api/services/services.hpp"
#include "shared/store/store_context.hpp"

namespace vultus::api {

/// threads   that of the io_context
class application {
 public:
    using refusal = std::function<void(const error&)>;

    /// Opens the connections and the port. Redis and brokers need not be there yet.
    /// `timing`  the phases' times; address, limits and lists are taken from the settings
    /// `refused` told if the first Redis that answers may not be used (store_setup.hpp), or has no
    ///           key where there must be one
    /// requires  `zmq` outlives the application
    /// errors    bad_option: of choose_access(), the certificate, the key, or the address and port,
    ///           which cannot be opened; malformed: an endpoint
    static result<std::unique_ptr<application>> start(
        asio::io_context& io, zmq_context& zmq, const api_settings& settings,
        server_settings timing = {}, refusal refused = [](const error&) {});
    ~application();

    int port() const noexcept { return server_.port(); }
    std::size_t sessions() const noexcept { return server_.sessions(); }
    std::size_t body_bytes() const noexcept { return server_.body_bytes(); }
    services& parts() noexcept { return services_; }

    /// Serves until nothing keeps the loop running, and measures its turns.
    void run();

    /// Reads the certificate's files again; of files that cannot be used the log tells, and the old
    /// certificate stays.
    void reload_certificate();

    /// Not ready any more, listening for drain_grace, then no new connections; waiting requests are
    /// answered, streams end. Afterwards nothing keeps the loop running.
    asio::awaitable<void> drain();

 private:
    application(asio::io_context& io, const api_settings& settings, sealing seals,
                std::unique_ptr<broker_client> brokers, access_choice chosen,
                server_settings timing);

    asio::io_context& io_;
    metrics measured_;
    loop_watch watch_;
    const api_settings settings_;
    const store_context context_;
    redis_asio redis_;
    redis_asio stream_;  ///< the connection that XREAD blocks
    event_hub events_;
    store_health health_;
    access_control access_;
    std::unique_ptr<broker_client> brokers_;
    services services_;
    http_server server_;
};

}  // namespace vultus::api
