// One connection, plain or with TLS, as one stream type for Beast's parser and its WebSocket. Each
// read and write goes through one function of connection.cpp, so the code for sockets and TLS is
// compiled once there, and not for each operation of Beast. Cost: one allocation for each
// operation.
#pragma once

#include <array>
#include <boost/asio/async_result.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/beast/websocket/teardown.hpp>
#include <memory>
#include <utility>

namespace boost::asio::ssl {
class context;
}

namespace vultus::net {

/// The completion handler of a read or a write, type-erased and move-only.
class completion {
 public:
    template <typename Handler>
    explicit completion(Handler done) : kept_(std::make_unique<any<Handler>>(std::move(done))) {}
    void operator()(boost::system::error_code bad, std::size_t size) {
        const auto once = std::move(kept_);
        once->call(bad, size);
    }

 private:
    struct base {
        virtual ~base() = default;
        virtual void call(boost::system::error_code bad, std::size_t size) = 0;
    };
    template <typename Handler>
    struct any : base {
        explicit any(Handler handler) : done(std::move(handler)) {}
        void call(boost::system::error_code bad, std::size_t size) override {
            std::move(done)(bad, size);
        }
        Handler done;
    };
    std::unique_ptr<base> kept_;
};

/// The first buffers of any buffer sequence: one read or write need not transfer all of them.
template <typename Piece>
class few_buffers {
 public:
    template <typename Buffers>
    explicit few_buffers(const Buffers& all) {
        auto from = boost::asio::buffer_sequence_begin(all);
        const auto end = boost::asio::buffer_sequence_end(all);
        while (from != end && count_ < pieces_.size()) {
            const Piece piece(*from++);
            if (piece.size() > 0) pieces_[count_++] = piece;
        }
    }
    const Piece* begin() const noexcept { return pieces_.data(); }
    const Piece* end() const noexcept { return pieces_.data() + count_; }

 private:
    std::array<Piece, 8> pieces_{};
    std::size_t count_ = 0;
};

/// threads   that of the socket's io_context, which has one thread and runs all handlers; one
///           reader and one writer at a time
class connection {
 public:
    using tcp = boost::asio::ip::tcp;
    using error_code = boost::system::error_code;
    using executor_type = tcp::socket::executor_type;
    using next_layer_type = tcp::socket;  // what Beast cancels and closes

    /// `tls`  null: plain
    connection(tcp::socket socket, std::shared_ptr<boost::asio::ssl::context> tls);
    ~connection();

    executor_type get_executor() { return socket_.get_executor(); }
    tcp::socket& next_layer() noexcept { return socket_; }
    const tcp::socket& next_layer() const noexcept { return socket_; }
    bool is_secure() const noexcept { return secure_ != nullptr; }
    /// The SSL* of the stream; null: plain.
    void* native_tls() noexcept;

    /// The TLS handshake; nothing for a plain connection.
    boost::asio::awaitable<error_code> handshake_as_server();
    boost::asio::awaitable<error_code> handshake_as_client();
    /// Sends close_notify, or shuts down sending, without waiting for the peer's.
    boost::asio::awaitable<void> finish();

    template <typename Buffers, typename Token>
    auto async_read_some(const Buffers& into, Token&& token) {
        return boost::asio::async_initiate<Token, void(error_code, std::size_t)>(
            [this](auto done, const Buffers& room) {
                read_some(few_buffers<boost::asio::mutable_buffer>(room),
                          completion(std::move(done)));
            },
            token, into);
    }

    template <typename Buffers, typename Token>
    auto async_write_some(const Buffers& from, Token&& token) {
        return boost::asio::async_initiate<Token, void(error_code, std::size_t)>(
            [this](auto done, const Buffers& bytes) {
                write_some(few_buffers<boost::asio::const_buffer>(bytes),
                           completion(std::move(done)));
            },
            token, from);
    }

 private:
    struct tls;  ///< the TLS layer, and its context, which outlives the load of a new certificate
    void read_some(const few_buffers<boost::asio::mutable_buffer>& into, completion done);
    void write_some(const few_buffers<boost::asio::const_buffer>& from, completion done);

    tcp::socket socket_;
    std::unique_ptr<tls> secure_;
};

/// How Beast ends a WebSocket: it closes the socket, after both sides exchanged close frames.
template <typename Handler>
void async_teardown(boost::beast::role_type role, connection& of, Handler&& done) {
    boost::beast::websocket::async_teardown(role, of.next_layer(), std::forward<Handler>(done));
}

}  // namespace vultus::net
