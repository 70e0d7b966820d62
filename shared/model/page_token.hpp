// Where the next page of a listing begins, as one word of letters, digits, '-' and '_': it goes
// into an address, a shell's command line or a file as it is, whatever the cursor in it holds.
#pragma once

#include <string>
#include <string_view>

#include "shared/base/result.hpp"

namespace vultus {

/// The token for a cursor of the store. Empty for an empty one: there is no next page. Never begins
/// with '-' for a cursor that is text.
std::string page_token(std::string_view cursor);

/// The cursor in a token. errors malformed: page_token() makes no such text
result<std::string> cursor_in(std::string_view token);

}  // namespace vultus
