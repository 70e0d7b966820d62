// See http_connection.hpp.
#include "api/http_connection.hpp"

#include <boost/asio/redirect_error.hpp>

namespace vultus::api {

asio::awaitable<error_code> connection::handshake() {
    error_code bad;
    if (stream_) {
        co_await stream_->async_handshake(asio::ssl::stream_base::server,
                                          asio::redirect_error(asio::use_awaitable, bad));
    }
    co_return bad;
}

asio::awaitable<void> connection::finish() {
    error_code ignored;
    if (!stream_) {
        socket_.shutdown(tcp::socket::shutdown_send, ignored);
        co_return;
    }
    // The first step of async_shutdown writes; then it waits for the client, who may wait for us.
    auto silent = asio::redirect_error(asio::use_awaitable, ignored);
    co_await asio::async_initiate<decltype(silent), void(error_code)>(
        [this](auto done) {
            stream_->async_shutdown(std::move(done));
            error_code nothing;
            socket_.shutdown(tcp::socket::shutdown_send, nothing);
        },
        silent);
}

}  // namespace vultus::api
