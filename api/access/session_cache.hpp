// Login sessions: one that Redis confirmed a moment ago is valid, any other is read from Redis. So
// every api refuses an ended session in less than a second.
#pragma once

#include <chrono>
#include <map>
#include <memory>
#include <string>

#include "api/links/redis_asio.hpp"
#include "shared/base/clock.hpp"
#include "shared/store/store_context.hpp"
#include "shared/store/user_store.hpp"

namespace vultus::api {

/// threads   that of the io_context
class session_cache {
 public:
    struct entry {
        session_record session;
        std::shared_ptr<const access_key> key;  ///< the rights of its user; id: user:NAME
        boot_time confirmed_at{0};              ///< when the call was sent
    };

    session_cache(redis_asio& redis, const store_context& context, std::chrono::milliseconds life)
        : redis_(redis), users_(context), life_(life) {}

    /// `uses`    the request counts as activity, which prolongs the session
    /// errors    unauthorized: it ended; store_unavailable: it cannot be verified
    asio::awaitable<result<entry>> find(std::string hash, bool uses);

    /// The next find() asks Redis.
    void forget(const std::string& hash) { known_.erase(hash); }

 private:
    redis_asio& redis_;
    const user_store users_;
    const std::chrono::milliseconds life_;
    std::map<std::string, entry> known_;
};

}  // namespace vultus::api
