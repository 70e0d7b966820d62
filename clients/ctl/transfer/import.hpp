// `vultusctl import`: trains a folder of people, one job per photo, and reports a verdict on each
// file.
#pragma once

#include <string>

#include "clients/ctl/cli/arguments.hpp"
#include "clients/ctl/cli/listener.hpp"
#include "clients/ctl/output/reports.hpp"
#include "shared/net/zmq_socket.hpp"
#include "shared/store/redis_blocking.hpp"
#include "shared/store/store_context.hpp"

namespace vultus::ctl {

struct import_request {
    std::string folder, collection;
    std::string detector;         ///< as a job's option; empty: the service's default
    bool rotate = false;          ///< as a job's option
    std::string quality = "off";  ///< as a job's option
    std::string broker;           ///< notified of each job; may be unreachable
    std::string secret{};         ///< of hash_of_label(), for the audit log
    curve_keys curve;             ///< of the link to the broker
};

/// Trains with every photo of photos_below(folder), at bulk priority, a few at a time. A job's
/// idempotency key is derived from collection, person and content; so what an earlier run of the
/// last 24 hours trained or refused is not repeated (unless the face was removed since, or the
/// options differ), and its unfinished jobs are waited for. A full queue and an unreachable Redis
/// are retried. Each file's verdict is passed to `on.line` at once, and all are in the report:
/// imported, known (an earlier run trained it), duplicate (the same bytes as another file of that
/// person in this folder), refused (with the reason; also: the same bytes as a file of another
/// person), skipped, unfinished (not started, or accepted and not finished at the end of the
/// import). The report is bad if any file was refused or unfinished, or there is no photo.
/// errors    those of photos_below; bad_collection
/// threads   blocks until all is done, on.stopped(), or 10 minutes pass without any progress
result<report> import_photos(const import_request& asked, redis_blocking& redis,
                             const store_context& store, const listener& on);

}  // namespace vultus::ctl
