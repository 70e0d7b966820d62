// `vultusctl pictures`: whether a collection keeps pictures of its faces.
#pragma once

#include <optional>
#include <string_view>

#include "clients/ctl/cli/arguments.hpp"
#include "clients/ctl/output/reports.hpp"
#include "shared/store/redis_blocking.hpp"
#include "shared/store/store_context.hpp"

namespace vultus::ctl {

/// yes, no; of another word none: the workers' setting.
inline std::optional<bool> choice_of(std::string_view keep) {
    if (keep == "yes") return true;
    if (keep == "no") return false;
    return std::nullopt;
}

/// Sets the choice of `asked.subject` to `asked.keep`, unless that is empty, and reports the
/// current one. errors    those of the job store; not_found: there is no such collection
result<report> pictures(const arguments& asked, redis_blocking& redis, const store_context& store);

}  // namespace vultus::ctl
