// Whether Redis can be relied on: reachable, our functions loaded, its settings durable. Checked at
// start, after each reconnect and every ten seconds; samples the queue each second for Retry-After.
#pragma once

#include <boost/asio/io_context.hpp>
#include <functional>

#include "api/links/promise.hpp"
#include "api/links/redis_asio.hpp"
#include "shared/base/metrics.hpp"
#include "shared/store/job_reader.hpp"
#include "shared/store/service_clock.hpp"
#include "shared/store/store_context.hpp"

namespace vultus::api {

/// threads   that of the io_context
class store_health {
 public:
    store_health(asio::io_context& io, redis_asio& redis, const store_context& context,
                 metrics& measured);

    /// Looks until stop(). Spawned once. `refused` is told, once, of a Redis that may not be used
    /// (refuses_start()) before it ever was.
    asio::awaitable<void> run(std::function<void(const error&)> refused);
    void stop();

    /// errors    store_unavailable, with the reason
    result<void> ready() const;

    /// Seconds for a Retry-After, from the queue's depth and how fast it drains; with jitter.
    int retry_after() const;

 private:
    asio::awaitable<void> check();
    asio::awaitable<void> sample();
    void note_trouble(const queue_stats&);

    redis_asio& redis_;
    const store_context context_;
    const job_reader jobs_;
    metrics& measured_;
    asio::steady_timer pause_;
    bool stopped_ = false, was_ready_ = false;
    std::function<void(const error&)> refused_;
    std::uint64_t checked_connection_ = 0;
    boot_time checked_at_{0};
    result<void> settings_ = fail(errc::store_unavailable, "Redis not checked yet");
    std::uint64_t depth_ = 0, finished_ = 0;
    unix_time sampled_{0};
    double jobs_per_second_ = 0;
    clock_state clock_ = clock_state::steady;
    std::uint64_t damaged_ = 0;  ///< stats: damaged
    bool damaged_known_ = false;
};

}  // namespace vultus::api
