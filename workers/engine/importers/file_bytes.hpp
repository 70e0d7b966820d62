// A model file in memory, and how many numbers dimensions make.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "shared/base/result.hpp"

namespace vultus::importers {

/// errors    not_found: missing or unreadable; malformed: larger than model_bytes_max
result<std::string> file_bytes(const std::string& path);

/// The product, if no dimension is negative and it is at most model_bytes_max, more than any file
/// has numbers; none otherwise.
std::optional<std::size_t> count_of(const std::vector<long>& dimensions);

}  // namespace vultus::importers
