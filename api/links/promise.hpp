// A place for one value that a coroutine waits for and a callback fills, in either order. One
// thread.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <chrono>
#include <optional>
#include <utility>

namespace vultus::api {

namespace asio = boost::asio;

template <class T>
class promise {
 public:
    explicit promise(const asio::any_io_executor& executor) : timer_(executor) {}

    /// The first value counts; it may come before anybody waits.
    void set(T value) {
        if (value_) return;
        value_.emplace(std::move(value));
        timer_.cancel();
    }

    /// Nothing if no value came in time. requires one waiter
    asio::awaitable<std::optional<T>> wait(std::chrono::milliseconds patience) {
        if (!value_) {
            timer_.expires_after(patience);
            boost::system::error_code ignored;
            co_await timer_.async_wait(asio::redirect_error(asio::use_awaitable, ignored));
        }
        co_return std::move(value_);
    }

 private:
    std::optional<T> value_;
    asio::steady_timer timer_;
};

}  // namespace vultus::api
