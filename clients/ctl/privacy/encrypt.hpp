// `vultusctl encrypt`: faces that were stored before there was a key for encryption at rest, or
// are not bound to their collection, are encrypted where they lie; and the file of a key is made.
#pragma once

#include <string>
#include <vector>

#include "clients/ctl/cli/listener.hpp"
#include "clients/ctl/output/reports.hpp"
#include "shared/store/redis_blocking.hpp"
#include "shared/store/store_context.hpp"

namespace vultus::ctl {

/// Every vector and kept picture of all collections. Nobody is disturbed, no version changes; what
/// an error broke off is finished by the same call again. What does not open in its place is named
/// and left, and makes the report bad.
/// requires  the store seals (sealing.hpp) and its open() was good
/// errors    those of the calls
result<report> encrypt_faces(redis_blocking&, const store_context&, const listener&);

/// A sentence for each vector and picture that does not open in its place: for fsck.
/// requires, errors  as encrypt_faces()
result<std::vector<std::string>> foreign_values(redis_blocking&, const store_context&);

/// errors    those of make_secret_file()
result<report> make_encryption_key(const std::string& file);

}  // namespace vultus::ctl
