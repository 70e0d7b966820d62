// How many files and sockets this process may have open. The default soft limit is 1,024 on any
// machine; a server raises it to the hard limit and derives its own limits from that.
#pragma once

#include <cstddef>

namespace vultus {

/// Raises the soft limit of open files to the hard one.
/// returns   the soft limit after that
std::size_t raise_descriptor_limit() noexcept;

/// The soft limit.
std::size_t descriptor_limit() noexcept;

/// How many are open now; 0 if unknown (no /proc).
std::size_t descriptors_open() noexcept;

}  // namespace vultus
