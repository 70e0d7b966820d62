// The jobs of an import, and what they tell about a photo. Pure but for the id of a new job.
#pragma once

#include <string>

#include "clients/ctl/sources/photo_folders.hpp"
#include "clients/ctl/transfer/import.hpp"
#include "shared/store/job_reader.hpp"
#include "shared/store/submission_store.hpp"

namespace vultus::ctl {

/// A train with the photo, without its bytes. `link`: of the idempotency keys of this content the
/// one to use, from 0
new_job train_of(const import_request& asked, const found_photo& photo, const std::string& content,
                 int link, unsigned shard);

/// A job of a dry run, which only looks for faces.
new_job count_of_faces(const import_request& asked, unsigned shard);

/// The options of the jobs as JSON text.
std::string options_of(const import_request& asked);

/// The face of a train: that of an earlier one if the person was taught the photo before.
std::string face_of(const job_record& job);

/// Whether a train failed because of what is in the photo, so that another attempt is useless.
bool is_of_the_photo(const job_record& job);

}  // namespace vultus::ctl
