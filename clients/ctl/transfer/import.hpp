// `vultusctl import`: a folder of people becomes train jobs, one a photo, and each file gets its
// verdict.
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
    std::string detector = "hog";  ///< as a job's option
    std::string broker;            ///< told of each job; may be away
    std::string secret{};          ///< of hash_of_label(), for the audit log
    curve_keys curve;              ///< of the link to it
};

/// Trains with every photo of photos_below(folder), at bulk priority, a few at a time. A job's
/// idempotency key is made of collection, person and content; so what an earlier run of the last 24
/// hours has trained or refused is not done again (unless the face was removed since, or the
/// detector is another), and what it left unfinished is waited for. No room in the queue, or Redis
/// away, is waited out. Each file's verdict goes to `told.line` at once, all of them into the
/// report: imported, known (an earlier run trained it), duplicate (the same bytes as another file
/// of that person here), refused (with the reason; also: the same bytes as a file of somebody
/// else), skipped, unfinished (not begun, or accepted and not ended when
/// the import did). The report is bad if anything was refused or unfinished, or there is no photo.
/// errors    those of photos_below; bad_collection
/// threads   blocks until all is done, told.stopped(), or 10 minutes pass without any progress
result<report> import_photos(const import_request& asked, redis_blocking& redis,
                             const store_context& store, const listener& told);

}  // namespace vultus::ctl
