// JSON that another process or another program wrote is measured before Boost.JSON makes a tree of
// it: its objects are hash tables, and whoever chooses many names chooses names that collide.
#pragma once

#include <cstddef>
#include <string_view>

#include "shared/base/limits.hpp"
#include "shared/base/result.hpp"

namespace vultus {

/// One value, in time proportional to its length and memory proportional to its depth.
/// errors    malformed: not JSON, or deeper than limits::json_depth; too_large: an object with more
///           than limits::json_members members, or a name or number beyond its limit
result<void> check_json(std::string_view text);

}  // namespace vultus
