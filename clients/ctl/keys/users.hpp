// `vultusctl user add | list | password | remove | setup` (api/ACCESS.md, "Login"). A password
// comes from the terminal or the standard input, never from the command line, and is never printed.
#pragma once

#include "clients/ctl/cli/arguments.hpp"
#include "clients/ctl/output/reports.hpp"
#include "shared/model/user.hpp"
#include "shared/store/redis_blocking.hpp"
#include "shared/store/store_context.hpp"

namespace vultus::ctl {

/// Parses the command line's texts.
/// errors    bad_option: unknown role, or too many collections; bad_collection
result<user_record> wanted_user(const arguments& asked);

/// Also creates the file of the secret, as keys() does.
/// requires  asked.what is one of the five
/// errors    those of the job store, of secret_for() and of new_password()
result<report> users(const arguments& asked, redis_blocking& redis, const store_context& store);

}  // namespace vultus::ctl
