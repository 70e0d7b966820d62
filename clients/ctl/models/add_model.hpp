// `vultusctl models add FILE`: a user's ONNX file becomes an embedder of the workers.
#pragma once

#include "clients/ctl/cli/arguments.hpp"
#include "clients/ctl/output/reports.hpp"

namespace vultus::ctl {

/// Copies asked.file to a folder that no worker reads, lets vultus-worker import and run it there,
/// and only then gives the file and its manifest (workers/calibration/own_models.hpp) their names
/// in asked.model.folder, the manifest last. A failure or a crash before that changes nothing.
/// requires  check(asked) is good
/// errors    not_found: the file, the folder or vultus-worker; wrong_state: there is a model of
///           that name, without --replace, or too many; malformed: what the worker refuses, with
///           the node; too_large
result<report> add_model(const arguments& asked);

}  // namespace vultus::ctl
