// `vultusctl encrypt`: encrypts faces in place that were stored before there was a key for
// encryption at rest, or that are not bound to their collection; and creates the file of a key.
#pragma once

#include <string>
#include <vector>

#include "clients/ctl/cli/listener.hpp"
#include "clients/ctl/output/reports.hpp"
#include "shared/store/redis_blocking.hpp"
#include "shared/store/store_context.hpp"

namespace vultus::ctl {

/// Every vector and face picture of all collections. Safe while the service runs; no version
/// changes. After an error, call it again to finish. Values that cannot be decrypted are listed and
/// kept, and make the report bad.
/// requires  the store seals (sealing.hpp) and its open() succeeded
/// errors    those of the calls
result<report> encrypt_faces(redis_blocking&, const store_context&, const listener&);

/// A sentence for each vector and picture that cannot be decrypted: for fsck.
/// requires, errors  as encrypt_faces()
result<std::vector<std::string>> foreign_values(redis_blocking&, const store_context&);

/// errors    those of make_secret_file()
result<report> make_encryption_key(const std::string& file);

}  // namespace vultus::ctl
