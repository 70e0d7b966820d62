// `vultusctl retention`: how long a collection keeps people whom nobody saw.
#pragma once

#include "clients/ctl/cli/arguments.hpp"
#include "clients/ctl/output/reports.hpp"
#include "shared/store/redis_blocking.hpp"
#include "shared/store/store_context.hpp"

namespace vultus::ctl {

/// Tells what holds for `asked.subject`, after it was set to `asked.days` or ended (`asked.off`).
/// errors    those of the job store; not_found: there is no such collection
result<report> retention(const arguments& asked, redis_blocking& redis, const store_context& store);

}  // namespace vultus::ctl
