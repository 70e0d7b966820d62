// HTTP/1.1 on a socket. Checks a request in the order of docs/http.md (header, Host and Origin,
// route, method, key, query, Content-Type, Content-Length, room for the bytes, quota, 100-continue,
// body), so that all that can be refused early is refused before the body is read.
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
    int port = 0;                          ///< 0: any free port
    std::string tls_certificate, tls_key;  ///< files of tls.hpp; empty: plain HTTP
    std::vector<std::string> allowed_hosts;
    std::string base_path;                  ///< "/x": taken off a target that begins with it
    std::vector<std::string> cors_origins;  ///< empty: CORS off
    std::vector<std::string> trusted_proxies;
    surface_set surfaces;  ///< those that are on
    /// The answer to a refused request of another surface, in that surface's words; `later`: its
    /// Retry-After. Empty: none is on.
    std::function<response(surface, const error&, const request&, int later)> refusal;
    std::size_t connections_max = 1'024;
    /// Additional connections for health checks, for requests with a key or a login, and to send
    /// 503 to others.
    std::size_t reserve = 64;
    std::size_t inflight_body_bytes_max = 256u * 1024 * 1024;
    /// A connection is accepted with its first byte, or after this time without one (Linux,
    /// TCP_DEFER_ACCEPT: rounded up to a retransmission of SYN-ACK). 0: at once.
    std::chrono::seconds first_byte_time{3};
    std::chrono::milliseconds header_time{10'000};  ///< from its first byte to its last
    std::chrono::milliseconds body_time{10'000};    ///< the interval in which a body's rate counts
    std::size_t body_rate = 16'000;                 ///< least bytes per second, or the rest
    std::chrono::milliseconds write_time{30'000};
    std::chrono::milliseconds idle_time{75'000};       ///< between two requests
    std::chrono::milliseconds live_idle_time{30'000};  ///< of a WebSocket; pinged after half of it
    std::chrono::milliseconds yield_time{1'000};       ///< idle so long: may be closed for another
    std::chrono::milliseconds reserve_time{2'000};     ///< for a header in the reserve
    std::chrono::milliseconds linger_time{2'000};      ///< reads on after an early refusal
};

struct server_state;

/// One request at a time on each connection: pipelined requests wait in the socket, so they are
/// answered in order and take no memory.
///
/// threads   that of the io_context
class http_server {
 public:
    using handler = std::function<asio::awaitable<response>(request&)>;
    /// Called before a body is read: an error refuses the request.
    using early_check = std::function<result<void>(const route_row&)>;
    using retry_hint = std::function<int()>;

    /// `authorizer`  outlives the server
    http_server(asio::io_context& io, server_settings settings, handler handle,
                request_authorizer& authorizer, early_check check, retry_hint retry_after,
                metrics& measured);
    ~http_server();
    http_server(const http_server&) = delete;
    http_server& operator=(const http_server&) = delete;

    /// errors    bad_option: the address, the port or the certificate cannot be used
    result<void> listen();
    /// Reads the files of the certificate again; existing connections keep the old one.
    /// errors    bad_option: they cannot be used; the old certificate stays
    result<void> reload_certificate();
    int port() const noexcept;
    std::size_t connections() const noexcept;
    std::size_t body_bytes() const noexcept;  ///< of bodies in memory

    /// From now on every answer closes its connection, so that clients connect elsewhere before
    /// drain().
    void leave();

    /// Closes the acceptor and idle connections, lets the others finish their answer, and closes
    /// all of them after `patience`.
    asio::awaitable<void> drain(std::chrono::milliseconds patience);

 private:
    std::shared_ptr<server_state> state_;
};

}  // namespace vultus::api
