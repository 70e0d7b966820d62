// `vultusctl collections model C EMBEDDER`: another embedding model for a collection, as
// POST /api/collections/C/model.
#pragma once

#include "clients/ctl/cli/arguments.hpp"
#include "clients/ctl/cli/listener.hpp"
#include "clients/ctl/output/reports.hpp"
#include "shared/store/redis_blocking.hpp"
#include "shared/store/store_context.hpp"

namespace vultus::ctl {

/// Lists who has a face without a picture, then submits the job. With asked.wait: until the job has
/// ended, or the user stops; `on` gets its progress.
/// requires  check(asked) is good
/// returns   bad: the job failed, or was not submitted because faces have no picture
/// errors    not_found: no such collection; wrong_state: no faces, or it has this model; those of
///           submission_store::accept()
result<report> change_model(const arguments& asked, const target& where, redis_blocking& redis,
                            const store_context& store, const listener& on);

}  // namespace vultus::ctl
