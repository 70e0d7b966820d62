// `vultusctl export` and `restore`: all faces of a collection to a file, and back.
#pragma once

#include <string>

#include "clients/ctl/cli/listener.hpp"
#include "clients/ctl/output/reports.hpp"
#include "shared/store/redis_blocking.hpp"
#include "shared/store/store_context.hpp"

namespace vultus::ctl {

/// Writes `file` (output_file.hpp: 0600, a whole one or none, "-" is the standard output). Faces
/// that are trained or removed meanwhile may or may not be in it. The audit log has it, even if it
/// fails afterwards.
/// errors    not_found: no such collection; wrong_state: it was cleared meanwhile; malformed: the
///           file cannot be written
result<report> export_faces(const std::string& collection, const std::string& file, redis_blocking&,
                            const store_context&, const listener&);

/// Reads the file ("-": the standard input) once from end to end before anything is changed, and
/// refuses what workers would refuse (face_check.hpp); then puts its faces into
/// `collection` (empty: the one in the file), 200 at a time. Faces that are there already are
/// counted and left alone; so what an error broke off is finished by the same call again.
/// `secret`   of hash_of_label(), for the audit log
/// errors    malformed: no export, cut short, damaged; those of store_context::restore, with how
/// many
///           faces were put in before
result<report> restore_faces(const std::string& collection, const std::string& file,
                             const std::string& secret, redis_blocking&, const store_context&,
                             const listener&);

}  // namespace vultus::ctl
