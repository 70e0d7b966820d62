// Drives a redis_client from Asio's loop: waits for its descriptor and its timer, and gives
// coroutines a call() that has an end. One thread, that of the io_context.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <chrono>
#include <functional>
#include <memory>

#include "shared/store/redis_client.hpp"

namespace vultus::api {

namespace asio = boost::asio;

/// How long a request waits for Redis before it is answered 503: with Redis stopped, an answer must
/// come in under one second.
constexpr std::chrono::milliseconds redis_patience{900};

class redis_asio {
 public:
    redis_asio(asio::io_context& io, redis_address address, redis_timeouts timeouts);
    ~redis_asio();
    redis_asio(const redis_asio&) = delete;
    redis_asio& operator=(const redis_asio&) = delete;

    /// Lets go of the connection: calls that wait fail, later ones too, and nothing of this keeps
    /// the loop running.
    void close();

    bool connected() const noexcept;
    /// Grows with each try to connect.
    std::uint64_t connection() const noexcept;

    /// errors    store_unavailable: not connected, or not sent; unknown_outcome: no reply in time,
    ///           or the connection broke. A reply that is an error is given as such.
    asio::awaitable<result<redis_reply>> call(std::vector<std::string> words,
                                              std::chrono::milliseconds patience = redis_patience,
                                              std::vector<shared_bytes> photos = {});

    template <class T>
    asio::awaitable<result<T>> call(redis_call<T> wanted,
                                    std::chrono::milliseconds patience = redis_patience) {
        auto reply = co_await call(std::move(wanted.words), patience, std::move(wanted.photos));
        if (!reply) co_return fail(reply.error());
        co_return wanted.parse(std::move(*reply));
    }

 private:
    struct state;
    std::shared_ptr<state> state_;
};

}  // namespace vultus::api
