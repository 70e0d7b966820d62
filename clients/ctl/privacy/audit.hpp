// `vultusctl audit`: who changed what, when, from where (shared/REDIS.md, key `audit`).
#pragma once

#include "clients/ctl/cli/arguments.hpp"
#include "clients/ctl/output/reports.hpp"
#include "shared/store/redis_blocking.hpp"

namespace vultus::ctl {

/// The newest first; `asked.page` goes on where the last page ended. With `asked.label` only what
/// is about that person; entries that have the SHA-1 of a name, as once, are not found.
/// errors    those of the job store; with a label, those of read_secret_file()
result<report> audit(const arguments& asked, redis_blocking& redis, const job_store& store);

}  // namespace vultus::ctl
