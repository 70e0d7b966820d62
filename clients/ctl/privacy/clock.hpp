// `vultusctl clock`: compares the time of the functions in Redis with the clock of its host, and
// accepts a clock that jumped (shared/REDIS.md, "Time").
#pragma once

#include "clients/ctl/cli/arguments.hpp"
#include "clients/ctl/output/reports.hpp"
#include "shared/store/redis_blocking.hpp"
#include "shared/store/store_context.hpp"

namespace vultus::ctl {

/// Shows both; command::clock_accept accepts the clock first. Bad while an operator's decision is
/// pending.
/// errors    those of the job store
result<report> clock(const arguments& asked, redis_blocking& redis, const store_context& store);

}  // namespace vultus::ctl
