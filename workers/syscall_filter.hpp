// What the process that decodes may ask of the kernel from now on: memory that is not run, and its
// open descriptors. Anything else ends it (SIGSYS).
#pragma once

namespace vultus {

/// requires  one thread, no_new_privs (privileges.hpp)
/// returns   false: this kernel has no seccomp filters, or another machine than x86-64
bool allow_memory_and_open_files_only() noexcept;

}  // namespace vultus
