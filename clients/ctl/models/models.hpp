// `vultusctl models list | default`: which models the registered workers have, what the service
// uses where nobody chooses, and what is known of each.
#pragma once

#include "clients/ctl/cli/arguments.hpp"
#include "clients/ctl/output/reports.hpp"
#include "shared/store/redis_blocking.hpp"
#include "shared/store/store_context.hpp"

namespace vultus::ctl {

/// command::models_default changes the defaults; models_list shows them with all models.
/// errors    those of the store; no_worker: a model that no worker has, without --force;
///           wrong_state: there is no default embedder to keep
result<report> models(const arguments& asked, redis_blocking& redis, const store_context& store);

}  // namespace vultus::ctl
