// Runs one command against Redis and the broker and returns its report. `tail`, which does not end,
// is in follow.hpp.
#pragma once

#include "clients/ctl/cli/arguments.hpp"
#include "clients/ctl/cli/listener.hpp"
#include "clients/ctl/output/reports.hpp"
#include "shared/store/redis_blocking.hpp"
#include "shared/store/store_context.hpp"

namespace vultus::ctl {

/// `on` is called with the progress of an export, restore or import.
/// requires  check(asked) is good and asked.what is not tail
/// errors    those of the job store; no_worker: drain of a worker that the broker does not know;
///           unknown_outcome: the worker was not reported as draining in time
/// threads   blocks: a few Redis calls (export, restore, import: as many as
///           the faces or photos need), and at most
///           1 s for the broker (drain: 6 s)
result<report> carry_out(const arguments& asked, const target& where, redis_blocking& redis,
                         const store_context& store, const listener& on);

}  // namespace vultus::ctl
