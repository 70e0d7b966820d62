// `vultusctl names`: stored names that are not in normal form (shared/model/label.hpp), and their
// conversion.
#pragma once

#include <string>
#include <vector>

#include "clients/ctl/cli/arguments.hpp"
#include "clients/ctl/output/reports.hpp"
#include "shared/store/redis_blocking.hpp"
#include "shared/store/store_context.hpp"

namespace vultus::ctl {

struct old_name {
    std::string collection, label;
    std::string normal;  ///< empty: no normal form, because no character is visible
    std::uint64_t faces = 0;
    bool normal_taken = false;  ///< another person has that name: the two are merged
};

/// All of them, in all collections.
/// errors    those of the job store
/// threads   blocks: one call per 100 people
result<std::vector<old_name>> find_old_names(redis_blocking& redis, const store_context& store);

/// A line of fsck about one.
std::string finding_of(const old_name& one);

/// Lists them; with asked.fix each is renamed to its normal form, or merged with the person who has
/// it. A failure is shown in its row, and the others continue.
/// errors    those of the job store; malformed: the file of the secret cannot be used
/// returns   a bad report if one is left
result<report> names(const arguments& asked, redis_blocking& redis, const store_context& store);

}  // namespace vultus::ctl
