// `vultusctl export` and `restore`: all faces of a collection to a file, and back.
#pragma once

#include <string>

#include "clients/ctl/cli/listener.hpp"
#include "clients/ctl/output/reports.hpp"
#include "shared/store/redis_blocking.hpp"
#include "shared/store/store_context.hpp"

namespace vultus::ctl {

/// Writes `file` (output_file.hpp: 0600, complete or not at all, "-" is the standard output). Faces
/// that are trained or removed meanwhile may or may not be in it. The export is in the audit log,
/// even if it fails later.
/// errors    not_found: no such collection; wrong_state: it was cleared meanwhile; malformed: the
///           file cannot be written, or a stored vector has another size than its gallery's
result<report> export_faces(const std::string& collection, const std::string& file, redis_blocking&,
                            const store_context&, const listener&);

/// Reads the whole file ("-": the standard input) before it changes anything, and refuses what
/// workers would refuse (face_check.hpp); then stores its faces in `collection` (empty: the one in
/// the file), 200 per call. Faces that exist already are counted and left unchanged, so after an
/// error the same call finishes the restore.
/// `secret`   of hash_of_label(), for the audit log
/// errors    malformed: not an export, truncated, damaged; those of gallery_admin::restore, with
///           the number of faces stored before
result<report> restore_faces(const std::string& collection, const std::string& file,
                             const std::string& secret, redis_blocking&, const store_context&,
                             const listener&);

}  // namespace vultus::ctl
