// Why Redis does not answer; most often the data folder is wrong. Only vultusctl prints this: the
// service reveals no paths to its clients.
#pragma once

#include "clients/ctl/cli/arguments.hpp"

namespace vultus::ctl {

/// malformed: the data folder does not exist; store_unavailable: it has no socket, no process
/// listens on it, this user may not connect, or Redis refuses the password. The detail names the
/// reason.
/// requires  Redis did not answer
error why_away(const arguments& asked, const redis_address& where);

}  // namespace vultus::ctl
