// Reads the stream of state changes (REDIS.md, "Events").
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

#include "shared/store/redis_client.hpp"
#include "shared/store/store_context.hpp"

namespace vultus {

struct event {
    std::string id;  ///< stream id "ms-n"
    std::string job_id, from, to, why, worker;
    std::string type, collection;  ///< empty in events of older versions
    std::uint64_t attempt = 0;
};

/// threads   any; const after construction
class event_reader {
 public:
    explicit event_reader(store_context context) : context_(std::move(context)) {}

    /// `block`   how long Redis waits for a first event; 0: it does not wait
    redis_call<std::vector<event>> events_after(const std::string& last_id, std::size_t count,
                                                std::chrono::milliseconds block) const;
    redis_call<std::string> last_event_id() const;    ///< "0-0" if the stream is empty
    redis_call<std::string> oldest_event_id() const;  ///< shows a gap; "0-0" if it is empty

 private:
    store_context context_;
};

}  // namespace vultus
