// What the process that decodes may ask of the kernel from now on: memory that is not run, and its
// open descriptors. Anything else ends it (SIGSYS).
#pragma once

namespace vultus {

/// some: for HEIC and AVIF, whose codecs start threads. What a thread needs is allowed as well:
/// clone() with the flags of pthread_create and no others. clone3() is answered with "there is no
/// such call", as its flags lie in memory where no filter sees them; the C library then takes
/// clone(). How many CPUs there are stays unsaid, so a codec that would take one thread for
/// each takes one.
enum class threads { one, some };

/// requires  one thread, no_new_privs (privileges.hpp)
/// returns   false: this kernel has no seccomp filters, or another machine than x86-64
bool allow_memory_and_open_files_only(threads how_many = threads::one) noexcept;

}  // namespace vultus
