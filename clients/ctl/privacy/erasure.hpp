// `vultusctl erasure NAME`, or `--person-id ID`: checks that no trace of a person is left, and
// removes traces where possible.
#pragma once

#include "clients/ctl/cli/arguments.hpp"
#include "clients/ctl/cli/listener.hpp"
#include "clients/ctl/output/reports.hpp"
#include "shared/store/redis_blocking.hpp"
#include "shared/store/store_context.hpp"

namespace vultus::ctl {

/// Searches every key of Redis for the name (`asked.subject`, in composed or decomposed form; in
/// `asked.collection`, empty: in all), or for one person (`asked.person_id`), searches for vectors
/// and pictures without a face (fsck) and for workers that serve a version from before the last
/// removal, and reports whether the append-only file was rewritten since the last removal. With
/// `asked.purge` it first deletes the finished jobs that contain the name, the gallery logs that
/// do, and Redis' slow log; a stored face is never deleted. With `asked.rewrite` it starts a
/// rewrite of the file and waits for it. Similar names of trained people (other case, spaces,
/// invisible characters) are listed and kept. The report is bad if there is a trace; a file that
/// was not rewritten is mentioned and is not a trace. errors    those of find_erased(), of the job
/// store and of label_secret(); unknown_outcome: the rewrite failed, or
///           did not end within 10 minutes
/// threads   blocks
result<report> erasure(const arguments& asked, redis_blocking& redis, const store_context& store,
                       const listener& on);

}  // namespace vultus::ctl
