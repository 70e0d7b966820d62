// Reads the outcomes of finished jobs for whoever follows all events: once for all who ask in the
// same turn of the loop, in few calls of Redis however many events and followers there are. Nothing
// is kept: each look is as new as the event is sent.
#pragma once

#include <boost/asio/io_context.hpp>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "api/links/promise.hpp"
#include "api/links/redis_asio.hpp"
#include "shared/base/metrics.hpp"
#include "shared/store/job_reader.hpp"

namespace vultus::api {

/// threads   that of the io_context
class event_stories {
 public:
    /// By the id of the job. A job that is gone, or could not be read, has none.
    using stories = std::map<std::string, std::string>;

    event_stories(asio::io_context& io, redis_asio& redis, job_reader jobs, metrics& measured)
        : io_(io), redis_(redis), jobs_(std::move(jobs)), measured_(measured) {}

    /// story_json() of each job, read after this call. Never null.
    asio::awaitable<std::shared_ptr<const stories>> of(std::vector<std::string> job_ids);

 private:
    struct round {
        std::set<std::string> ids;
        std::vector<std::shared_ptr<promise<std::shared_ptr<const stories>>>> waiting;
    };
    asio::awaitable<void> read(std::shared_ptr<round> mine);

    asio::io_context& io_;
    redis_asio& redis_;
    const job_reader jobs_;
    metrics& measured_;
    std::shared_ptr<round> open_;  ///< not read yet; null: none
};

}  // namespace vultus::api
