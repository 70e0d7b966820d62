// A second layer below the seccomp filters (confine.hpp), where the kernel has it: which files may
// be read, and to which ports a TCP connection may go. A filter sees numbers, and not what a path
// means.
#pragma once

#include <cstdint>
#include <initializer_list>

namespace vultus::fetcher {

/// From now on this process reads only what looking up a host takes (/etc, /usr, libraries), so
/// nothing of the service's data folder; writes and runs nothing; and, from ABI 4 on (Linux 6.7),
/// connects and binds over TCP only to these ports. requires  one thread, no_new_privs
/// (privileges.hpp) returns   the ABI of the kernel's Landlock; 0: it has none, or it is off, and
/// nothing has changed
int restrict_access(std::initializer_list<std::uint16_t> ports) noexcept;

}  // namespace vultus::fetcher
