// Logins: limits attempts, checks passwords and begins sessions. A password check takes 50 to 100
// ms and 64 MiB, so a separate thread runs one at a time and few may wait for it: a flood of logins
// delays no other request and takes the memory of one check.
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

    /// Returns the token of a new session. An unknown name takes as long and gets the same answer.
    /// requires  secret.size() == secret_bytes (secret.hpp)
    /// errors    unauthorized: wrong name or password; quota: too many wrong ones, with
    ///           req.retry_after; queue_full: too many logins wait; store_unavailable
    asio::awaitable<result<std::string>> log_in(request& req, std::string name,
                                                std::string password, std::string secret);

 private:
    struct comparison {
        std::string hash, name, password, secret;
        std::shared_ptr<promise<bool>> answer;
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
