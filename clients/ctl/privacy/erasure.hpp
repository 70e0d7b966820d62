// `vultusctl erasure NAME`: that nothing of a person is left, and what can be done about what is.
#pragma once

#include "clients/ctl/cli/arguments.hpp"
#include "clients/ctl/cli/listener.hpp"
#include "clients/ctl/output/reports.hpp"
#include "shared/store/redis_blocking.hpp"
#include "shared/store/store_context.hpp"

namespace vultus::ctl {

/// Looks for the label (`asked.subject`, its letters composed or not; in `asked.collection`, empty:
/// in all) in every key of Redis, for vectors and pictures without a face (fsck), for workers that
/// serve a version from before the last removal, and says whether the append-only file was
/// rewritten since the last removal. With `asked.purge` it first deletes the ended jobs that name
/// the person, drops the logs of galleries that do, and empties Redis' list of slow commands; a
/// face that is still there it leaves. With `asked.rewrite` it has the file rewritten and waits.
/// Taught names that a person takes for the same (other case, blanks, characters that show nothing)
/// are named and left. The report is bad if there is a trace; a file that was not rewritten is
/// told, and is none.
/// errors    those of the job store and of label_secret(); unknown_outcome: the rewrite failed, or
///           did not end within 10 minutes
/// threads   blocks
result<report> erasure(const arguments& asked, redis_blocking& redis, const store_context& store,
                       const listener& told);

}  // namespace vultus::ctl
