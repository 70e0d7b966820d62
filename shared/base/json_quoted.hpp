// A text as a JSON string, for the code that writes JSON by hand in a readable order of members.
#pragma once

#include <string>
#include <string_view>

namespace vultus {

/// The text in quotes, with control characters, quotes and backslashes escaped. Each byte that is
/// not valid UTF-8 becomes U+FFFD.
std::string json_quoted(std::string_view text);

}  // namespace vultus
