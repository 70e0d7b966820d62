// `vultusctl audit`: who changed what, when, from where (shared/REDIS.md, key `audit`).
#pragma once

#include "clients/ctl/cli/arguments.hpp"
#include "clients/ctl/output/reports.hpp"
#include "shared/store/redis_blocking.hpp"
#include "shared/store/store_context.hpp"

namespace vultus::ctl {

/// Newest first; `asked.page` continues after the last page. With `asked.label` only entries about
/// that person; those of earlier versions, with a SHA-1 of the name, are not found.
/// errors    those of the job store; with a label, those of read_secret_file()
result<report> audit(const arguments& asked, redis_blocking& redis, const store_context& store);

}  // namespace vultus::ctl
