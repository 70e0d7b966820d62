// Reads a new password from the user of vultusctl.
#pragma once

#include <string>

#include "shared/base/result.hpp"

namespace vultus::ctl {

/// On a terminal prompts twice, without echo; otherwise reads one line of the standard input.
/// errors    bad_option: the two differ, or of check_password(); malformed: no line
result<std::string> new_password(const std::string& user);

}  // namespace vultus::ctl
