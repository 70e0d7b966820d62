// Why Redis cannot be asked: most often the data folder is another one. For the person who typed
// the command; the service itself names no path to its clients.
#pragma once

#include "clients/ctl/cli/arguments.hpp"

namespace vultus::ctl {

/// malformed: there is no such data folder; store_unavailable: there is no socket in it, nobody
/// listens, this user may not connect, or Redis does not let the caller in. The detail names it.
/// requires  Redis did not answer
error why_away(const arguments& asked, const redis_address& where);

}  // namespace vultus::ctl
