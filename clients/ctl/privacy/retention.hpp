// `vultusctl retention`: how long a collection keeps people who were not seen.
#pragma once

#include "clients/ctl/cli/arguments.hpp"
#include "clients/ctl/output/reports.hpp"
#include "shared/store/redis_blocking.hpp"
#include "shared/store/store_context.hpp"

namespace vultus::ctl {

/// Sets the retention of `asked.subject` to `asked.days`, or removes it (`asked.off`), and reports
/// the current one.
/// errors    those of the job store; not_found: there is no such collection
result<report> retention(const arguments& asked, redis_blocking& redis, const store_context& store);

}  // namespace vultus::ctl
