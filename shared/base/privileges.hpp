// What a process does once, in main: rights that it gives up, and what it keeps others from.
#pragma once

namespace vultus {

/// From now on neither this process nor what it starts gains a right by running a program
/// (set-user-id, file capabilities): whoever takes over a decoder of photos has the rights of its
/// user, and no more.
void forbid_new_privileges() noexcept;

/// Files, folders and sockets that this process makes from now on are its user's alone (umask 077),
/// whoever started it.
void keep_files_private() noexcept;

/// A service goes on without its terminal: SIGHUP, and SIGPIPE of a reader that went away, are
/// ignored from now on.
void outlive_terminal() noexcept;

}  // namespace vultus
