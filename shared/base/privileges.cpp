// See privileges.hpp.
#include "shared/base/privileges.hpp"

#include <sys/prctl.h>
#include <sys/stat.h>

#include <csignal>

#include "shared/base/require.hpp"

namespace vultus {

void forbid_new_privileges() noexcept {
    VULTUS_REQUIRE(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0, "Linux 3.5 or later");
}

void keep_files_private() noexcept {
    ::umask(0077);
}

void outlive_terminal() noexcept {
    VULTUS_REQUIRE(std::signal(SIGHUP, SIG_IGN) != SIG_ERR, "the signal can be ignored");
    VULTUS_REQUIRE(std::signal(SIGPIPE, SIG_IGN) != SIG_ERR, "the signal can be ignored");
}

}  // namespace vultus
