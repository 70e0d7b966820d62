// The registered workers in Redis, which `status` shows while no broker answers. Reads `workers`,
// `worker:<id>` and `worker:<id>:running` (REDIS.md).
#pragma once

#include <vector>

#include "clients/ctl/output/reports.hpp"
#include "shared/store/redis_blocking.hpp"
#include "shared/store/store_context.hpp"

namespace vultus::ctl {

/// At most limits::workers of them.
/// errors    those of redis_blocking::call
result<std::vector<worker_row>> registered_workers(redis_blocking& redis,
                                                   const store_context& store, unix_time now);

}  // namespace vultus::ctl
