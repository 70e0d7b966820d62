// Logging in: who may try now, whether the password is right, and a new session. A comparison takes
// 50 to 100 ms and 64 MiB, so a thread of its own makes one at a time, and few may wait for it:
// whatever knocks, the api answers everybody else and grows by one comparison at most.
#pragma once

#include <boost/asio/io_context.hpp>
#include <memory>
#include <optional>
#include <string>
#include <thread>

#include "api/http/forwarded.hpp"
#include "api/http/message.hpp"
#include "api/links/promise.hpp"
#include "api/links/redis_asio.hpp"
#include "shared/base/bounded_queue.hpp"
#include "shared/base/metrics.hpp"
#include "shared/store/store_context.hpp"
#include "shared/store/user_store.hpp"

namespace vultus::api {

/// threads   that of the io_context
class login_service {
 public:
    static constexpr std::size_t places = 8;  ///< the last waits for about 0.8 s

    login_service(asio::io_context& io, redis_asio& redis, const store_context& context,
                  metrics& measured);
    ~login_service();
    login_service(const login_service&) = delete;
    login_service& operator=(const login_service&) = delete;

    /// The token of a new session. A name that nobody has takes as long and is answered the same.
    /// requires  secret.size() == secret_bytes (secret.hpp)
    /// errors    unauthorized: not the right password; quota: too many wrong ones, the request says
    ///           when to come back; queue_full: no place; store_unavailable
    asio::awaitable<result<std::string>> log_in(request& req, std::string name,
                                                std::string password, std::string secret);

 private:
    struct comparison {
        std::string hash, name, password, secret;
        std::shared_ptr<promise<bool>> told;
    };
    asio::awaitable<bool> is_right(comparison what);
    void compare_all();

    asio::io_context& io_;
    redis_asio& redis_;
    const user_store users_;
    metrics& measured_;
    std::size_t inside_ = 0;
    bounded_queue<comparison> waiting_{places};
    std::optional<std::thread> compares_;  ///< from the first login on
};

}  // namespace vultus::api
