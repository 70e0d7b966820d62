// What the process that fetches photos may ask of the kernel. It has two stages, because looking up
// a host needs files that a transfer does not. A filter cannot be taken back, so each stage only
// takes away. What is not allowed ends the process (SIGSYS) or, where libraries try it and can do
// without, is refused.
#pragma once

namespace vultus::fetcher {

enum class stage {
    look_up,   ///< files for reading, internet and netlink sockets, code of resolver plug-ins
    transfer,  ///< TCP sockets, memory that is not run, and the descriptors that are open
};

/// Limits of memory, CPU time and descriptors; no file can be written, nothing is dumped.
void limit_resources() noexcept;

/// requires  one thread, no_new_privs (privileges.hpp)
/// returns   false: this kernel has no seccomp filters, or another machine than x86-64
bool confine(stage to) noexcept;

}  // namespace vultus::fetcher
