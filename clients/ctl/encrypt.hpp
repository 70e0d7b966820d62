// `vultusctl encrypt`: faces that were stored before there was a key for encryption at rest are
// encrypted where they lie; and the file of such a key is made.
#pragma once

#include <string>

#include "clients/ctl/listener.hpp"
#include "clients/ctl/reports.hpp"
#include "shared/redis_blocking.hpp"

namespace vultus::ctl {

/// Every vector and kept picture of all collections. Nobody is disturbed, no version changes; what
/// an error broke off is finished by the same call again.
/// requires  the store seals (sealing.hpp) and its open() was good
/// errors    those of the calls
result<report> encrypt_faces(redis_blocking&, const job_store&, const listener&);

/// errors    those of make_secret_file()
result<report> make_encryption_key(const std::string& file);

}  // namespace vultus::ctl
