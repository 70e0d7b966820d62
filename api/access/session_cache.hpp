// Sessions of people who logged in: a session that was confirmed by Redis a moment ago counts,
// any other is asked for. So one that ended is refused by every api in less than a second.
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
        std::shared_ptr<const access_key> key;  ///< what its user may do, as a key; id: user:NAME
        boot_time confirmed_at{0};              ///< when the question was sent
    };

    session_cache(redis_asio& redis, const store_context& context, std::chrono::milliseconds life)
        : redis_(redis), users_(context), life_(life) {}

    /// `uses`    a person's request, which makes the session last longer
    /// errors    unauthorized: it is over; store_unavailable: nobody can tell now
    asio::awaitable<result<entry>> find(std::string hash, bool uses);

    /// Asks Redis at the next find().
    void forget(const std::string& hash) { known_.erase(hash); }

 private:
    redis_asio& redis_;
    const user_store users_;
    const std::chrono::milliseconds life_;
    std::map<std::string, entry> known_;
};

}  // namespace vultus::api
