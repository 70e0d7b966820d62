// JSON from another process or program is checked before Boost.JSON builds a tree of it: objects of
// that tree are hash tables, which many chosen names can fill with collisions.
#pragma once

#include <cstddef>
#include <string_view>

#include "shared/base/limits.hpp"
#include "shared/base/result.hpp"

namespace vultus {

/// Checks that the text is one JSON value within the limits. Time is linear in its length, memory
/// in its depth.
/// errors    malformed: not JSON, or deeper than limits::json_depth; too_large: an object with more
///           than limits::json_members members, or a number over limits::json_number_bytes
result<void> check_json(std::string_view text);

}  // namespace vultus
