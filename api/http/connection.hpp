// One connection of the server. Included only by server.cpp, connection.cpp,
// connection_reading.cpp, connection_room.cpp and websocket.cpp. Beast parses requests; answers are
// written by hand, one write at a time. Each connection has one deadline, which its timer compares,
// because a beast::tcp_stream closes the socket on a timeout before a 408 can be sent.
#pragma once

#include <algorithm>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/parser.hpp>
#include <cstdint>
#include <optional>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "api/http/body.hpp"
#include "api/http/early_checks.hpp"
#include "api/http/server.hpp"
#include "api/http/shares.hpp"
#include "shared/base/clock.hpp"
#include "shared/base/limits.hpp"
#include "shared/tls/connection.hpp"

namespace vultus::api {

namespace asio = boost::asio;
namespace http = boost::beast::http;
using boost::system::error_code;
using tcp = asio::ip::tcp;
using message = http::request<growing_body>;
using parser = http::request_parser<growing_body>;
using std::chrono::milliseconds;

constexpr std::size_t read_buffer_bytes = 128 * limits::kib;

struct http_connection;

struct server_state : std::enable_shared_from_this<server_state> {
    server_state(asio::io_context& loop, server_settings wanted, http_server::handler on_request,
                 request_authorizer& keeper, http_server::early_check on_header,
                 http_server::retry_hint hint, metrics& numbers)
        : io(loop),
          settings(std::move(wanted)),
          handle(std::move(on_request)),
          authorizer(keeper),
          check(std::move(on_header)),
          retry_after(std::move(hint)),
          measured(numbers),
          acceptor(loop),
          pause(loop),
          emptied(loop),
          bodies(settings.inflight_body_bytes_max) {}

    asio::awaitable<void> accept_all();
    result<void> load_tls();
    /// After a failed accept: frees a descriptor if none was left, and waits, longer each time.
    asio::awaitable<void> recover(const error_code& bad);

    bool is_full() const noexcept {
        return connections.size() - spare - closing > settings.connections_max;
    }
    /// Closes the least important connection of those in the same phase for `rested`: of those that
    /// wait for bytes, and, for a newcomer, of those of a network with more connections.
    /// `newcomer`: a connection in the reserve; null: a descriptor is needed. False: there is none.
    bool make_room(const http_connection* newcomer, milliseconds rested);
    /// The same among those in the reserve.
    bool make_room_in_reserve();
    /// Ends the body that has been idle longest, among holders with no less than the holder of
    /// `of`.
    bool make_room_for_body(const http_connection& of);
    /// Stops counting the bodies of `kept` that nothing holds any more.
    void release_kept();

    asio::io_context& io;
    server_settings settings;
    http_server::handler handle;
    request_authorizer& authorizer;
    http_server::early_check check;
    http_server::retry_hint retry_after;
    metrics& measured;
    std::shared_ptr<asio::ssl::context> tls;  ///< of new connections; null: plain
    tcp::acceptor acceptor;
    asio::steady_timer pause;
    asio::steady_timer emptied;  ///< cancelled when the last connection ends
    std::uint64_t turns = 0;     ///< numbers the phases of connections
    std::unordered_set<http_connection*> connections;
    std::unordered_map<std::string, std::size_t> connections_of;  ///< network -> how many
    std::size_t spare = 0;                                        ///< connections in the reserve
    std::size_t closing = 0;  ///< connections that gave way and are closing
    shares bodies;            ///< bytes
    /// Bodies whose requests are over, or will be: something may still hold their bytes, such as
    /// ZeroMQ for a worker that reads slowly.
    struct kept_body {
        std::weak_ptr<const void> room;
        std::string holder;
        std::size_t bytes = 0;
    };
    std::vector<kept_body> kept;
    int failures = 0;  ///< consecutive failed accepts
    boot_time failure_logged{0};
    bool leaving = false;   ///< every answer closes its connection
    bool draining = false;  ///< no new connections and requests
};

/// One connection.
struct http_connection : response_sink, std::enable_shared_from_this<http_connection> {
    enum class phase {
        greeting,  ///< TLS handshake
        idle,      ///< no byte of a request received yet
        header,
        body,
        busy,  ///< in the handler
        writing,
        lingering,
    };

    http_connection(std::shared_ptr<server_state> owner, tcp::socket accepted);
    ~http_connection() override;

    void release();
    void enter(phase what);
    void count_as(std::string network_of_client);
    void use_reserve(bool wanted);

    // The deadline of the current operation. The timer fires now and then and compares.
    void allow(milliseconds time) { deadline = boot_now() + time; }
    void watch();
    /// Frees the connection for another: its current operation is cancelled, and it closes.
    void give_way();
    /// Whether it waits for bytes of its client, so that closing it costs only a retry.
    bool waits() const noexcept;
    bool is_transferring() const noexcept { return now == phase::body || now == phase::writing; }

    asio::awaitable<void> run();
    asio::awaitable<bool> greet();
    asio::awaitable<bool> wait_for_request();
    asio::awaitable<bool> read_header();
    asio::awaitable<bool> one_request();
    asio::awaitable<std::optional<error>> read_body();
    std::optional<error> body_failed(const error_code& bad);
    asio::awaitable<response> answer_of(bool& body_is_read);
    asio::awaitable<response> handle();
    asio::awaitable<bool> send(response answer, bool close);
    asio::awaitable<bool> write(std::string bytes) override;
    asio::awaitable<bool> write_raw(std::string_view head, std::string_view body);
    asio::awaitable<void> linger();

    std::optional<response> answer_method() const;
    std::optional<response> refuse_early();
    std::optional<response> refuse_place();
    std::optional<std::size_t> image_bytes() const;
    framing framing_of() const;
    response refused(const error& why) const;
    void fill_request();
    void add_cors(response& answer) const;
    /// Reserves room for so many more bytes of the body; false if there is none.
    bool book(std::size_t bytes);
    /// Content-Length; Beast has verified that it is one number.
    std::optional<std::uint64_t> declared_length() const;
    bool has_body() const { return reading->chunked() || declared_length().value_or(0) > 0; }

    std::shared_ptr<server_state> server;
    net::connection stream;
    tcp::socket& socket;  ///< of `stream`
    asio::steady_timer timer;
    boost::beast::flat_buffer buffer;
    std::string local_address, remote_address;
    std::string network;                  ///< of the client, for shares (counted_as())
    std::size_t* same_network = nullptr;  ///< number of connections of that network
    std::optional<parser> reading;
    request asked;
    const route_row* row = nullptr;
    boot_time deadline{0};
    std::size_t reserved = 0;
    std::string reserved_by;  ///< the holder whose share `reserved` counts for
    bool timed_out = false;
    bool gone = false;         ///< closed by give_way()
    bool crowded_out = false;  ///< its body was dropped in favour of another
    bool known = false;        ///< its last request had a valid key or login
    bool in_reserve = false;
    phase now = phase::greeting;
    boot_time since{0};      ///< start of the phase; in a body, the time of its last bytes
    std::uint64_t turn = 0;  ///< number of the phase: its order where the clock is too coarse
    bool chunked_answer = false;
};

}  // namespace vultus::api
