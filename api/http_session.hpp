// One connection of the server, seen by http_server.cpp, http_session.cpp and http_websocket.cpp
// alone. Beast parses requests; answers are written by hand, one write at a time. Each session has
// one deadline that its timer looks at, because a beast::tcp_stream that times out closes the
// socket before a 408 could be sent.
#pragma once

#include <algorithm>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/string_body.hpp>
#include <optional>
#include <unordered_set>

#include "api/early_checks.hpp"
#include "api/forwarded.hpp"
#include "api/http_server.hpp"
#include "shared/clock.hpp"
#include "shared/limits.hpp"
#include "shared/net/connection.hpp"

namespace vultus::api {

namespace asio = boost::asio;
namespace http = boost::beast::http;
using boost::system::error_code;
using tcp = asio::ip::tcp;
using parser = http::request_parser<http::string_body>;
using std::chrono::milliseconds;

constexpr std::size_t read_buffer_bytes = 128 * limits::kib;

struct session;

struct server_state : std::enable_shared_from_this<server_state> {
    server_state(asio::io_context& loop, server_settings wanted, http_server::handler on_request,
                 doorkeeper& keeper, http_server::early_check on_header,
                 http_server::retry_hint hint, metrics& numbers)
        : io(loop),
          settings(std::move(wanted)),
          handle(std::move(on_request)),
          door(keeper),
          check(std::move(on_header)),
          retry_after(std::move(hint)),
          measured(numbers),
          acceptor(loop),
          pause(loop),
          emptied(loop) {}

    asio::awaitable<void> accept_all();
    result<void> load_tls();
    /// Ends the connection that has been idle longest, and for yield_time. False: there is none.
    bool make_room();

    asio::io_context& io;
    server_settings settings;
    http_server::handler handle;
    doorkeeper& door;
    http_server::early_check check;
    http_server::retry_hint retry_after;
    metrics& measured;
    std::shared_ptr<asio::ssl::context> tls;  ///< of new connections; null: plain
    tcp::acceptor acceptor;
    asio::steady_timer pause;
    asio::steady_timer emptied;  ///< cancelled when the last session ends
    std::uint64_t idle_turns = 0;
    std::unordered_set<session*> sessions;
    std::size_t refused = 0;
    std::size_t body_bytes = 0;
    bool leaving = false;   ///< every answer ends its connection
    bool draining = false;  ///< nothing new is taken
};

/// One connection.
struct session : response_sink, std::enable_shared_from_this<session> {
    session(std::shared_ptr<server_state> owner, tcp::socket accepted)
        : server(std::move(owner)),
          stream(std::move(accepted), server->tls),
          socket(stream.next_layer()),
          timer(server->io),
          buffer(read_buffer_bytes) {
        server->sessions.insert(this);
        error_code ignored;
        socket.set_option(tcp::no_delay(true), ignored);
        local_address = plain_address(socket.local_endpoint(ignored).address());
        remote_address = plain_address(socket.remote_endpoint(ignored).address());
    }
    ~session() override {
        release();
        server->sessions.erase(this);
        if (server->sessions.empty()) server->emptied.cancel();
    }

    void release() {
        server->body_bytes -= reserved;
        reserved = 0;
    }

    // The deadline of what is being done now. The timer fires now and then and compares.
    void allow(milliseconds time) { deadline = boot_now() + time; }
    void watch() {
        const auto left = std::clamp(deadline - boot_now(), milliseconds(1), milliseconds(1'000));
        timer.expires_after(left);
        timer.async_wait([weak = weak_from_this()](error_code bad) {
            const auto self = weak.lock();
            if (bad || !self) return;
            if (boot_now() >= self->deadline) {
                self->timed_out = true;
                error_code ignored;
                self->socket.cancel(ignored);
            }
            self->watch();
        });
    }

    asio::awaitable<void> run();
    asio::awaitable<bool> greet();
    asio::awaitable<bool> read_header();
    asio::awaitable<bool> one_request();
    asio::awaitable<std::optional<error>> read_body();
    asio::awaitable<response> answer_of(bool& body_is_read);
    asio::awaitable<bool> send(response answer, bool close);
    asio::awaitable<bool> write(std::string bytes) override;
    asio::awaitable<bool> write_raw(std::string_view head, std::string_view body);
    asio::awaitable<void> linger();

    std::optional<response> answer_method() const;
    std::optional<response> refuse_early();
    std::optional<std::size_t> image_bytes() const;
    framing framing_of() const;
    response refused(const error& why) const;
    void fill_request();
    bool has_body() const {
        return reading->chunked() || reading->content_length().value_or(0) > 0;
    }

    std::shared_ptr<server_state> server;
    net::connection stream;
    tcp::socket& socket;  ///< what carries the stream
    asio::steady_timer timer;
    boost::beast::flat_buffer buffer;
    std::string local_address, remote_address;
    std::optional<parser> reading;
    request asked;
    const route_row* row = nullptr;
    boot_time deadline{0};
    std::size_t reserved = 0;
    bool timed_out = false;
    bool idle = false;
    boot_time idle_since{0};
    std::uint64_t idle_turn = 0;  ///< the order in which they became idle, finer than the clock
    bool chunked_answer = false;
};

}  // namespace vultus::api
