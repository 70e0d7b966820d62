// `vultusctl clock`: the time of the functions in Redis against the clock of its host, and the word
// that a clock which jumped is right (shared/REDIS.md, "Time").
#pragma once

#include "clients/ctl/cli/arguments.hpp"
#include "clients/ctl/output/reports.hpp"
#include "shared/store/redis_blocking.hpp"
#include "shared/store/store_context.hpp"

namespace vultus::ctl {

/// Shows it; for command::clock_accept after the word. Bad while something waits for an operator.
/// errors    those of the job store
result<report> clock(const arguments& asked, redis_blocking& redis, const store_context& store);

}  // namespace vultus::ctl
