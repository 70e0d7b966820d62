// Restarts the retention of people whom an answer names that is not stored.
#pragma once

#include <string>
#include <vector>

#include "api/services/services.hpp"

namespace vultus::api {

/// Restarts the retention of these people, at most once an hour for each. Returns at once; the
/// write runs in the background, and is tried again with the next answer if it fails.
void note_seen(services& ctx, const std::string& collection, std::vector<std::string> labels);

}  // namespace vultus::api
