// The event stream of Redis, read once for everybody who waits for a job: one connection in XREAD
// BLOCK, many waiters. Register the waiter first, then read the job's state: so no event is missed.
#pragma once

#include <deque>
#include <memory>
#include <string>
#include <unordered_map>

#include "api/links/promise.hpp"
#include "api/links/redis_asio.hpp"
#include "shared/store/event_reader.hpp"
#include "shared/store/store_context.hpp"

namespace vultus::api {

/// threads   that of the io_context
class event_hub {
 public:
    enum class wake {
        happened,  ///< an event of the job
        reread,    ///< events may have been missed: read the job's state again
        timeout,
        stopping,  ///< the process drains: answer now
    };

    /// Waits for the events of one job, or of all for every_job, from its construction on. Lives in
    /// one coroutine.
    class waiter {
     public:
        waiter(event_hub& hub, std::string job_id);
        ~waiter();
        waiter(const waiter&) = delete;
        waiter& operator=(const waiter&) = delete;

        /// On `happened` the event is in last().
        asio::awaitable<wake> next(std::chrono::milliseconds patience);
        /// requires  next() gave `happened`
        const event& last() const noexcept { return *last_; }

     private:
        friend event_hub;
        event_hub& hub_;
        std::string job_id_;
        std::deque<std::shared_ptr<const event>> waiting_;
        std::shared_ptr<const event> last_;
        bool reread_ = false, woken_ = false;
        asio::steady_timer timer_;
    };

    /// `redis` is a connection of its own whose command time is longer than block_time.
    event_hub(asio::io_context& io, redis_asio& redis, const store_context& context);

    static constexpr std::chrono::milliseconds block_time{2'000};
    static constexpr std::string_view every_job{};  ///< no job has it as its id

    /// Reads until stop(). Spawned once.
    asio::awaitable<void> run();
    /// Wakes all waiters, now and later, with `stopping`.
    void stop();
    bool stopped() const noexcept { return stopped_; }
    std::size_t waiters() const noexcept { return waiters_.size(); }

 private:
    asio::awaitable<bool> synchronise();
    /// The number of waiters that it went to.
    std::size_t deliver(event came);
    std::size_t hand(const std::string& job_id, const std::shared_ptr<const event>& came);
    void reread_all();

    asio::io_context& io_;
    redis_asio& redis_;
    const event_reader stream_;
    std::unordered_multimap<std::string, waiter*> waiters_;
    std::string seen_;  ///< id of the last event read
    asio::steady_timer pause_;
    bool stopped_ = false;
};

}  // namespace vultus::api
