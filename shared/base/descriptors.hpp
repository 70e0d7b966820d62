// How many files and sockets this process may have open. The usual soft limit is 1,024, whatever
// a machine can bear; a server raises it as far as it may and fits its own limits to what remains.
#pragma once

#include <cstddef>

namespace vultus {

/// Raises the soft limit of open files to the hard one.
/// returns   the limit that counts now
std::size_t raise_descriptor_limit() noexcept;

/// The soft limit.
std::size_t descriptor_limit() noexcept;

/// How many are open now; 0 if nobody can tell (no /proc).
std::size_t descriptors_open() noexcept;

}  // namespace vultus
