// Follows the event stream: each change of a job's state, as it happens.
#pragma once

#include <functional>
#include <string>

#include "shared/store/event_reader.hpp"
#include "shared/store/redis_blocking.hpp"
#include "shared/store/store_context.hpp"

namespace vultus::ctl {

struct follow_options {
    std::string from;               ///< after this stream id; empty: from now on
    std::size_t count = 0;          ///< stop after so many events; 0: never
    std::function<bool()> stopped;  ///< asked between two reads, at least twice a second
    std::function<void(const event&)> told;
    std::function<void()> gap;  ///< older events were dropped before they were read
};

/// errors    those of the job store
/// threads   blocks until stopped, counted out, or an error
result<void> follow(redis_blocking& redis, const store_context& store,
                    const follow_options& options);

}  // namespace vultus::ctl
