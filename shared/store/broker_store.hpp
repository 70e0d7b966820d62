// What the broker calls: leases for workers, the loss of a worker, and the timers.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "shared/base/limits.hpp"
#include "shared/model/job.hpp"
#include "shared/store/redis_client.hpp"
#include "shared/store/store_context.hpp"

namespace vultus {

struct lease_request {
    std::string worker_id, connection;  ///< connection: the routing id in use
    std::uint32_t most = 0;             ///< free credits
    std::uint32_t outstanding = 0;      ///< a solo job needs 0
    std::chrono::milliseconds lease = limits::lease;
    std::vector<std::string> types;
    std::optional<device_kind> prefer;  ///< jobs for that kind first; nothing: any job
    std::uint32_t spill = 0;            ///< at most so many jobs for the other kind
};
struct leased_jobs {
    std::vector<leased_job> jobs;
    std::uint64_t left = 0;    ///< pending in both queues afterwards
    std::uint64_t passed = 0;  ///< of those, looked at and found to need a model it lacks
};
struct moved {  ///< reply of reap, barrier, worker_lost, gc
    std::uint64_t count = 0;
    bool grace = false;  ///< grace period: nothing lapses
    bool again = false;  ///< a limit was reached: call again at once
    unix_time now{0};    ///< reap and barrier
};

/// threads   any; const after construction
class broker_store {
 public:
    explicit broker_store(store_context context) : context_(std::move(context)) {}

    /// errors    not_registered; stale: the worker has a newer connection
    redis_call<leased_jobs> lease(const lease_request&) const;
    /// `expected_now`  0: unknown (REDIS.md, "Broker")
    redis_call<moved> reap(unix_time expected_now, std::chrono::milliseconds lease) const;
    redis_call<moved> barrier(unix_time expected_now) const;
    /// errors    stale: the worker has a newer connection
    redis_call<moved> worker_lost(std::string_view worker_id, std::string_view connection) const;
    redis_call<moved> gc(std::chrono::milliseconds retention, std::size_t jobs_max,
                         std::size_t bytes_max) const;

 private:
    store_context context_;
};

}  // namespace vultus
