// A new password from whoever sits before vultusctl.
#pragma once

#include <string>

#include "shared/base/result.hpp"

namespace vultus::ctl {

/// On a terminal asks twice, without showing what is typed; otherwise takes one line of the
/// standard input.
/// errors    bad_option: the two differ, or check_password(); malformed: there is no line
result<std::string> new_password(const std::string& user);

}  // namespace vultus::ctl
