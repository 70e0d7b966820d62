// Times as text.
#pragma once

#include <string>

#include "shared/base/clock.hpp"

namespace vultus {

/// "2026-01-31T12:34:56.789Z": RFC 3339, UTC, milliseconds. Empty for 0, which means "not yet".
std::string rfc3339(unix_time when);

}  // namespace vultus
