// `vultusctl models fetch | check | bench | add`: the model files of this host. No Redis: workers
// take them up when they start.
#pragma once

#include "clients/ctl/cli/arguments.hpp"
#include "clients/ctl/output/reports.hpp"

namespace vultus::ctl {

bool is_model_files(command what) noexcept;

/// fetch brings the files of asked.model.names (all of config/models if there are none) into
/// asked.model.folder; check reads, imports and runs each model there; bench measures them on one
/// thread; add is add_model.hpp.
/// requires  check(asked) is good and is_model_files(asked.what)
/// returns   a report that is bad if a model is refused or a required one is missing
/// errors    not_found: no vultus-worker or config/fetch.py here; internal: that program failed
/// threads   blocks: seconds, a fetch as long as the network needs
result<report> model_files(const arguments& asked);

}  // namespace vultus::ctl
