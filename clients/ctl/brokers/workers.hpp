// The registered workers as Redis has them: what `status` shows while no broker answers. Plain
// reads of `workers`, `worker:<id>` and `worker:<id>:running` (REDIS.md).
#pragma once

#include <vector>

#include "clients/ctl/output/reports.hpp"
#include "shared/store/job_store.hpp"
#include "shared/store/redis_blocking.hpp"

namespace vultus::ctl {

/// At most limits::workers of them.
/// errors    those of redis_blocking::call
result<std::vector<worker_row>> registered_workers(redis_blocking& redis, const job_store& store,
                                                   unix_time now);

}  // namespace vultus::ctl
