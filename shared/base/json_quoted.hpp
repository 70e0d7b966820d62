// A text as a JSON string. What writes JSON here writes it by hand, in the order that people read.
#pragma once

#include <string>
#include <string_view>

namespace vultus {

/// The text in quotes, with control characters, quotes and backslashes escaped. Each byte that is
/// not UTF-8 becomes U+FFFD.
std::string json_quoted(std::string_view text);

}  // namespace vultus
