// The bytes of one connection, plain or under TLS, as one type of stream: Beast's parser and its
// WebSocket are compiled once, and whoever reads or writes need not know. For http_session.hpp.
#pragma once

#include <boost/asio/async_result.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/websocket/teardown.hpp>
#include <memory>
#include <optional>
#include <utility>

namespace vultus::api {

namespace asio = boost::asio;
using boost::system::error_code;
using tcp = asio::ip::tcp;

/// threads   that of the socket's io_context; one reader and one writer at a time
class connection {
 public:
    using executor_type = tcp::socket::executor_type;
    using next_layer_type = tcp::socket;  // what Beast cancels and closes

    /// `tls`  null: plain
    connection(tcp::socket socket, std::shared_ptr<asio::ssl::context> tls)
        : socket_(std::move(socket)), context_(std::move(tls)) {
        if (context_) stream_.emplace(socket_, *context_);
    }

    executor_type get_executor() { return socket_.get_executor(); }
    tcp::socket& next_layer() noexcept { return socket_; }
    const tcp::socket& next_layer() const noexcept { return socket_; }
    bool is_secure() const noexcept { return stream_.has_value(); }

    /// Agrees with the client about TLS; of a plain connection nothing.
    asio::awaitable<error_code> handshake();
    /// Says that nothing more comes, without waiting for the same from the other side.
    asio::awaitable<void> finish();

    template <typename Buffers, typename Token>
    auto async_read_some(const Buffers& into, Token&& token) {
        return asio::async_initiate<Token, void(error_code, std::size_t)>(
            [this](auto done, const Buffers& room) {
                if (stream_) {
                    stream_->async_read_some(room, std::move(done));
                } else {
                    socket_.async_read_some(room, std::move(done));
                }
            },
            token, into);
    }

    template <typename Buffers, typename Token>
    auto async_write_some(const Buffers& from, Token&& token) {
        return asio::async_initiate<Token, void(error_code, std::size_t)>(
            [this](auto done, const Buffers& bytes) {
                if (stream_) {
                    stream_->async_write_some(bytes, std::move(done));
                } else {
                    socket_.async_write_some(bytes, std::move(done));
                }
            },
            token, from);
    }

 private:
    tcp::socket socket_;
    std::shared_ptr<asio::ssl::context> context_;  ///< kept when a new certificate is loaded
    std::optional<asio::ssl::stream<tcp::socket&>> stream_;
};

/// How Beast ends a WebSocket: by the socket, for its closing frames have told both sides already.
template <typename Handler>
void async_teardown(boost::beast::role_type role, connection& of, Handler&& done) {
    boost::beast::websocket::async_teardown(role, of.next_layer(), std::forward<Handler>(done));
}

}  // namespace vultus::api
