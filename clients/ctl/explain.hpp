// The redis-cli commands that show what vultusctl shows, as lines for a POSIX shell: to learn where
// things are, and to look when vultusctl is not at hand. Pure. REDIS.md describes the keys.
#pragma once

#include <string>
#include <vector>

#include "clients/ctl/cli/arguments.hpp"
#include "shared/store/store_context.hpp"

namespace vultus::ctl {

/// One word for a POSIX shell: bare where that is safe, in single quotes otherwise.
std::string shell_word(std::string_view word);

/// "redis-cli -s data/run/redis.sock" or "redis-cli -h HOST -p PORT". The password is never
/// printed: redis-cli takes it from $REDISCLI_AUTH too.
std::string redis_cli(const redis_address& where);

/// Lines to paste; those that begin with # say what the next one shows.
std::vector<std::string> explain(const arguments& asked, const target& where,
                                 const store_context& store);

}  // namespace vultus::ctl
