// Rights that a process gives up for good.
#pragma once

namespace vultus {

/// From now on neither this process nor what it starts gains a right by running a program
/// (set-user-id, file capabilities): whoever takes over a decoder of photos has the rights of its
/// user, and no more.
void forbid_new_privileges() noexcept;

}  // namespace vultus
