// HTTP/1.1 on a socket; Beast is in http_session alone. Reads a request in the order of
// docs/http.md (header, Host and Origin, route, method, key, query, Content-Type, Content-Length,
// room for the bytes, quota, 100-continue, body), so that what can be refused early is refused
// before its body is read.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "api/http/message.hpp"
#include "api/http/request_authorizer.hpp"
#include "shared/base/metrics.hpp"

namespace vultus::api {

struct server_settings {
    std::string bind = "127.0.0.1";
    int port = 0;                          ///< 0: one that is free
    std::string tls_certificate, tls_key;  ///< files of tls.hpp; empty: plain HTTP
    std::vector<std::string> allowed_hosts;
    std::vector<std::string> cors_origins;  ///< empty: CORS off
    std::vector<std::string> trusted_proxies;
    std::size_t connections_max = 1'024;
    /// Beyond these: for requests about health and those with a key or a login, and to tell others.
    std::size_t reserve = 64;
    std::size_t inflight_body_bytes_max = 256u * 1024 * 1024;
    std::chrono::milliseconds header_time{10'000};  ///< from its first byte to its last
    std::chrono::milliseconds body_time{10'000};    ///< in each such time of a body come at least
    std::size_t body_rate = 16'000;                 ///< so many bytes a second, or its rest
    std::chrono::milliseconds write_time{30'000};
    std::chrono::milliseconds idle_time{75'000};       ///< between two requests
    std::chrono::milliseconds live_idle_time{30'000};  ///< of a WebSocket; half of it, then a ping
    std::chrono::milliseconds yield_time{1'000};    ///< rests so long: gives way when all are taken
    std::chrono::milliseconds reserve_time{2'000};  ///< for a header in the reserve
    std::chrono::milliseconds linger_time{2'000};   ///< reading on after an early refusal
};

struct server_state;

/// One request after the other on each connection: what a client sends ahead waits in the socket,
/// so pipelining is answered in order and costs no memory.
///
/// threads   that of the io_context
class http_server {
 public:
    using handler = std::function<asio::awaitable<response>(request&)>;
    /// Asked before a body is read: a failure refuses the request.
    using early_check = std::function<result<void>(const route_row&)>;
    using retry_hint = std::function<int()>;

    /// `door`  outlives the server
    http_server(asio::io_context& io, server_settings settings, handler handle,
                request_authorizer& door, early_check check, retry_hint retry_after,
                metrics& measured);
    ~http_server();
    http_server(const http_server&) = delete;
    http_server& operator=(const http_server&) = delete;

    /// errors    malformed: no such address; store_unavailable: the port is taken; bad_option: of
    ///           the certificate
    result<void> listen();
    /// Reads the files of the certificate again; connections that there are keep theirs.
    /// errors    bad_option: they cannot be used; the old ones stay
    result<void> reload_certificate();
    int port() const noexcept;
    std::size_t sessions() const noexcept;
    std::size_t body_bytes() const noexcept;  ///< of bodies that are held

    /// From now on every answer ends its connection: clients are elsewhere when drain() comes.
    void leave();

    /// Closes the acceptor, ends idle connections, lets the others finish their answer; after
    /// `patience` closes them all.
    asio::awaitable<void> drain(std::chrono::milliseconds patience);

 private:
    std::shared_ptr<server_state> state_;
};

}  // namespace vultus::api
