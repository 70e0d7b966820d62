// Called once, at the start of main: drop privileges, protect new files, survive the terminal.
#pragma once

namespace vultus {

/// Sets no_new_privs: from now on neither this process nor its children gain privileges through
/// execve (set-user-id, file capabilities). An exploit of an image decoder has the rights of this
/// user, and no more.
void forbid_new_privileges() noexcept;

/// Sets umask 077: files, folders and sockets that this process makes from now on are accessible to
/// its user only.
void keep_files_private() noexcept;

/// Ignores SIGHUP and SIGPIPE, so that the service keeps running when its terminal or the reader of
/// its output is closed.
void outlive_terminal() noexcept;

}  // namespace vultus
