// The redis-cli commands that read the same data as vultusctl, as lines for a POSIX shell: to learn
// the keys, and for machines without vultusctl. Pure. REDIS.md describes the keys.
#pragma once

#include <string>
#include <vector>

#include "clients/ctl/cli/arguments.hpp"
#include "shared/store/store_context.hpp"

namespace vultus::ctl {

/// One word for a POSIX shell: unquoted where that is safe, in single quotes otherwise.
std::string shell_word(std::string_view word);

/// "redis-cli -s data/run/redis.sock" or "redis-cli -h HOST -p PORT". The password is never
/// printed: redis-cli also takes it from $REDISCLI_AUTH.
std::string redis_cli(const redis_address& where);

/// Lines to paste; one that begins with # explains the next.
std::vector<std::string> explain(const arguments& asked, const target& where,
                                 const store_context& store);

}  // namespace vultus::ctl
