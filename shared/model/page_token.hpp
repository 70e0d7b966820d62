// The start of the next page of a listing, as one word of letters, digits, '-' and '_' that needs
// no escaping in a URL, a shell or a file, whatever the cursor contains.
#pragma once

#include <string>
#include <string_view>

#include "shared/base/result.hpp"

namespace vultus {

/// The token for a cursor of the store. Empty for an empty one (no next page). Does not begin with
/// '-' if the cursor is valid UTF-8.
std::string page_token(std::string_view cursor);

/// The cursor in a token. errors malformed: not a text that page_token() returns, or empty
result<std::string> cursor_in(std::string_view token);

}  // namespace vultus
