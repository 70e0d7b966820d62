// `vultusctl import`: trains the people of a folder, a file or another service, one job per photo,
// and reports a verdict on each file.
#pragma once

#include <string>

#include "clients/ctl/cli/arguments.hpp"
#include "clients/ctl/cli/listener.hpp"
#include "clients/ctl/output/reports.hpp"
#include "clients/ctl/sources/photo_source.hpp"
#include "shared/net/zmq_socket.hpp"
#include "shared/store/redis_blocking.hpp"
#include "shared/store/store_context.hpp"

namespace vultus::ctl {

struct import_request {
    source_request source;
    std::string collection;
    std::string detector;         ///< as a job's option; empty: the service's default
    bool rotate = false;          ///< as a job's option
    std::string quality = "off";  ///< as a job's option
    std::string broker;           ///< notified of each job; may be unreachable
    std::string secret{};         ///< of hash_of_label(), for the audit log
    curve_keys curve{};           ///< of the link to the broker
    std::string journal{};        ///< file; empty: none
    bool dry_run = false;         ///< teaches nobody: the faces are counted instead
};

/// Trains with every photo of the source, at bulk priority, a few at a time. A job's
/// idempotency key is derived from collection, person and content; so what an earlier run of the
/// last 24 hours trained or refused is not repeated (unless the face was removed since, or the
/// options differ), and its unfinished jobs are waited for. With a journal, what an earlier run has
/// a verdict on is not even read again, for as long as the journal is there. A full queue and an
/// unreachable Redis are retried. Each file's verdict is passed to `on.line` at once, and all are
/// in the report: imported, would_import (dry run), known (the person was taught it before),
/// duplicate (the same bytes as another file of that person in this source), refused (with the
/// reason; also: the same bytes as a file of another person), skipped, unfinished (not started, or
/// accepted and not finished at the end of the import). The report is bad if any file was refused
/// or unfinished, there is no photo, or the source could not be listed to its end.
/// errors    those of open_source() and import_journal::open(); bad_collection
/// threads   blocks until all is done, on.stopped(), or 10 minutes pass without any progress
result<report> import_photos(const import_request& asked, redis_blocking& redis,
                             const store_context& store, const listener& on);

}  // namespace vultus::ctl
