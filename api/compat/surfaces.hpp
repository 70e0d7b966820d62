// The surfaces for clients of other services (docs/compat.md), as the application takes them.
#pragma once

#include "api/handlers/application.hpp"

namespace vultus::api::compat {

/// Handles the routes of all of them, and words their refusals.
compat_calls calls();

}  // namespace vultus::api::compat
