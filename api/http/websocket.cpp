// See websocket.hpp.
#include "api/http/websocket.hpp"

#include <boost/beast/websocket.hpp>

#include "shared/base/log.hpp"

namespace vultus::api {
namespace {

namespace websocket = boost::beast::websocket;

constexpr std::size_t message_bytes_max =
    64 * limits::mib;  ///< of a message whose rest is discarded
constexpr std::size_t chunk_bytes = 64 * limits::kib;
/// Send buffer of the system for a slow client: some tens of answers. By default it is megabytes,
/// and a slow client would get answers minutes late.
constexpr int send_buffer_bytes = 32 * limits::kib;
constexpr int not_allowed = 1008;  ///< RFC 6455, 7.4.1: policy violation

websocket::stream_base::timeout times(const server_settings& settings) {
    websocket::stream_base::timeout chosen;
    chosen.handshake_timeout = settings.header_time;
    chosen.idle_timeout = settings.live_idle_time;
    chosen.keep_alive_pings = true;  // after half of the idle time
    return chosen;
}

class websocket_channel : public message_channel {
    using message = message_channel::message;

 public:
    explicit websocket_channel(http_connection& from) : connection_(from), stream_(from.stream) {
        stream_.set_option(times(from.server->settings));
        stream_.read_message_max(message_bytes_max);
        stream_.text(true);
    }

    asio::awaitable<bool> accept() {
        error_code bad;
        co_await stream_.async_accept(connection_.reading->get(),
                                      asio::redirect_error(asio::use_awaitable, bad));
        co_return !bad;
    }

    asio::awaitable<std::optional<message>> read(std::size_t most) override {
        message got;
        do {
            error_code bad;
            const auto size = co_await stream_.async_read_some(
                part_.prepare(chunk_bytes), asio::redirect_error(asio::use_awaitable, bad));
            if (bad) co_return std::nullopt;
            part_.commit(size);
            const auto taken = std::min(size, most - got.bytes.size());
            got.bytes.append(static_cast<const char*>(part_.data().data()), taken);
            got.whole = got.whole && taken == size;
            part_.consume(size);
        } while (!stream_.is_message_done());
        got.binary = stream_.got_binary();
        co_return got;
    }

    asio::awaitable<bool> write(const std::string& text) override {
        const auto good = co_await connection_.server->authorizer.still(connection_.asked);
        if (!good) {
            co_await close(not_allowed, "Key was revoked or has expired");
            co_return false;
        }
        connection_.allow(connection_.server->settings.write_time);
        error_code bad;
        co_await stream_.async_write(asio::buffer(text),
                                     asio::redirect_error(asio::use_awaitable, bad));
        connection_.deadline = boot_time::max();
        co_return !bad;
    }

    asio::awaitable<void> close(int code, std::string_view reason) override {
        error_code ignored;
        const websocket::close_reason why(static_cast<websocket::close_code>(code),
                                          {reason.data(), reason.size()});
        co_await stream_.async_close(why, asio::redirect_error(asio::use_awaitable, ignored));
    }

 private:
    http_connection& connection_;
    websocket::stream<net::connection&> stream_;
    boost::beast::flat_buffer part_;
};

}  // namespace

bool is_handshake(const message& asked) {
    return websocket::is_upgrade(asked);
}

asio::awaitable<void> become_websocket(
    http_connection& from, const std::function<asio::awaitable<void>(message_channel&)>& use) {
    from.enter(http_connection::phase::busy);
    from.deadline = boot_time::max();  // Beast has its own timeouts, except for writing
    error_code ignored;
    from.socket.set_option(asio::socket_base::send_buffer_size(send_buffer_bytes), ignored);
    websocket_channel channel(from);
    if (!co_await channel.accept()) co_return;
    try {
        co_await use(channel);
    } catch (const std::exception& thrown) {
        log::error("handler_threw", {{"what", thrown.what()}, {"trace_id", from.asked.trace_id}});
    }
}

}  // namespace vultus::api
