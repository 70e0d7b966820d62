// See connection.hpp.
#include "shared/tls/connection.hpp"

#include <boost/asio/redirect_error.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/asio/use_awaitable.hpp>

namespace vultus::net {

namespace asio = boost::asio;
using boost::system::error_code;

struct connection::tls {
    tls(tcp::socket& socket, std::shared_ptr<asio::ssl::context> chosen)
        : context(std::move(chosen)), stream(socket, *context) {}
    asio::awaitable<error_code> handshake(asio::ssl::stream_base::handshake_type as) {
        error_code bad;
        co_await stream.async_handshake(as, asio::redirect_error(asio::use_awaitable, bad));
        co_return bad;
    }

    std::shared_ptr<asio::ssl::context> context;
    asio::ssl::stream<tcp::socket&> stream;
};

connection::connection(tcp::socket socket, std::shared_ptr<asio::ssl::context> chosen)
    : socket_(std::move(socket)) {
    if (chosen) secure_ = std::make_unique<tls>(socket_, std::move(chosen));
}

connection::~connection() = default;

void* connection::native_tls() noexcept {
    return secure_ ? secure_->stream.native_handle() : nullptr;
}

asio::awaitable<error_code> connection::handshake_as_server() {
    if (!secure_) co_return error_code();
    co_return co_await secure_->handshake(asio::ssl::stream_base::server);
}

asio::awaitable<error_code> connection::handshake_as_client() {
    if (!secure_) co_return error_code();
    co_return co_await secure_->handshake(asio::ssl::stream_base::client);
}

asio::awaitable<void> connection::finish() {
    error_code ignored;
    if (!secure_) {
        socket_.shutdown(tcp::socket::shutdown_send, ignored);
        co_return;
    }
    // async_shutdown first writes, then waits for the client, which may be waiting for us.
    auto silent = asio::redirect_error(asio::use_awaitable, ignored);
    co_await asio::async_initiate<decltype(silent), void(error_code)>(
        [this](auto done) {
            secure_->stream.async_shutdown(std::move(done));
            error_code nothing;
            socket_.shutdown(tcp::socket::shutdown_send, nothing);
        },
        silent);
}

void connection::read_some(const few_buffers<asio::mutable_buffer>& into, completion done) {
    if (secure_) {
        secure_->stream.async_read_some(into, std::move(done));
    } else {
        socket_.async_read_some(into, std::move(done));
    }
}

void connection::write_some(const few_buffers<asio::const_buffer>& from, completion done) {
    if (secure_) {
        secure_->stream.async_write_some(from, std::move(done));
    } else {
        socket_.async_write_some(from, std::move(done));
    }
}

}  // namespace vultus::net
