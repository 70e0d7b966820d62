// `vultusctl audit`: who changed what, when, from where (shared/REDIS.md, key `audit`).
#pragma once

#include "clients/ctl/cli/arguments.hpp"
#include "clients/ctl/output/reports.hpp"
#include "shared/store/redis_blocking.hpp"
#include "shared/store/store_context.hpp"

namespace vultus::ctl {

/// The newest first; `asked.page` goes on where the last page ended. With `asked.label` only what
/// is about that person; entries that have the SHA-1 of a name, as once, are not found.
/// errors    those of the job store; with a label, those of read_secret_file()
result<report> audit(const arguments& asked, redis_blocking& redis, const store_context& store);

}  // namespace vultus::ctl
