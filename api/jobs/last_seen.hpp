// Restarts the retention of people named in answers that are not stored.
#pragma once

#include <string>
#include <vector>

#include "api/services/services.hpp"

namespace vultus::api {

/// Restarts the retention of these people, at most once an hour for each. Returns at once; the
/// write runs in the background; if it fails, it is repeated with the next answer.
void note_seen(services& ctx, const std::string& collection, std::vector<std::string> labels);

}  // namespace vultus::api
