// Whether the append-only file of Redis may still contain removed data (shared/REDIS.md,
// "Erasure").
#pragma once

#include <map>
#include <string>

#include "shared/base/clock.hpp"
#include "shared/store/redis_blocking.hpp"
#include "shared/store/store_context.hpp"

namespace vultus::ctl {

struct append_file {
    bool enabled = false;
    bool rewriting = false;
    bool clean = false;       ///< a rewrite began and ended after the last removal
    unix_time removed_at{0};  ///< 0: no removal yet
};

/// `info`      the text of INFO (sections server and persistence)
/// `removals`  the fields of the key `removals`; empty: no removal yet
append_file read_append_file(const std::string& info,
                             const std::map<std::string, std::string>& removals);

/// errors    those of the connection
result<append_file> append_file_now(redis_blocking& redis, const store_context& store);

/// Starts a rewrite and waits for its end.
/// errors    unknown_outcome: it failed, or took longer than `patience`
result<void> rewrite_append_file(redis_blocking& redis, std::chrono::milliseconds patience);

}  // namespace vultus::ctl
