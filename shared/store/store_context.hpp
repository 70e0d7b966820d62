// What all roles of the store share: the shard, the prefix of its keys and the encryption of stored
// values. A role (submission_store.hpp, worker_store.hpp and so on) is a small class that builds
// calls of the Redis library `vultus1`, or plain reads, and parses their replies. A role is pure:
// no connection, no clock, no thread. Send a call with redis_client or redis_blocking. REDIS.md has
// the keys and the rules.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "shared/security/sealing.hpp"

namespace vultus {

/// Copied into each role; a call that a role built depends on neither of them.
/// threads   any; const after construction
class store_context {
 public:
    /// `seals`   encrypts photos, pictures and vectors for Redis; roles take and return them plain
    /// requires  shard < 4096, which fits into a job id
    explicit store_context(unsigned shard = 0, sealing seals = {});

    unsigned shard() const noexcept { return shard_; }
    const std::string& prefix() const noexcept { return prefix_; }  ///< "vultus:{0}:"
    const sealing& seals() const noexcept { return seals_; }

    std::string key(std::string_view rest) const;  ///< the prefix, then `rest`
    /// The key of one part of a gallery, such as `gallery:<collection>:<epoch>:vectors`.
    std::string epoch_key(std::string_view collection, std::uint64_t epoch,
                          std::string_view part) const;

 private:
    unsigned shard_;
    std::string prefix_;
    sealing seals_;
};

}  // namespace vultus
