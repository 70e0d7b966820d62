// Follows the event stream: every change of a job's state.
#pragma once

#include <functional>
#include <string>

#include "shared/store/event_reader.hpp"
#include "shared/store/redis_blocking.hpp"
#include "shared/store/store_context.hpp"

namespace vultus::ctl {

struct follow_options {
    std::string from;               ///< after this stream id; empty: only new events
    std::size_t count = 0;          ///< stop after so many events; 0: never
    std::function<bool()> stopped;  ///< called between two reads, at least twice a second
    std::function<void(const event&)> on_event;
    std::function<void()> gap;  ///< Redis dropped events before they were read
};

/// errors    those of the job store
/// threads   blocks until stopped, `count` events were read, or an error
result<void> follow(redis_blocking& redis, const store_context& store,
                    const follow_options& options);

}  // namespace vultus::ctl
