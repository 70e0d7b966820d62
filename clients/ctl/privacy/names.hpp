// `vultusctl names`: people whose names were stored in another form than names are stored in now
// (shared/model/label.hpp), and what becomes of them.
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
    std::string normal;  ///< empty: it has none, as nothing of it can be seen
    std::uint64_t faces = 0;
    bool normal_taken = false;  ///< somebody has that name already: they become one person
};

/// All of them, in all collections.
/// errors    those of the job store
/// threads   blocks: a call for each 100 people
result<std::vector<old_name>> find_old_names(redis_blocking& redis, const store_context& store);

/// A line of fsck about one.
std::string finding_of(const old_name& one);

/// Lists them; with asked.fix each is renamed to its normal form, or merged into who has it. What
/// cannot be done is said in its row, and the others go on.
/// errors    those of the job store; malformed: the file of the secret cannot be used
/// returns   a bad report if one is left
result<report> names(const arguments& asked, redis_blocking& redis, const store_context& store);

}  // namespace vultus::ctl
