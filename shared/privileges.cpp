// See privileges.hpp.
#include "shared/privileges.hpp"

#include <sys/prctl.h>

#include "shared/require.hpp"

namespace vultus {

void forbid_new_privileges() noexcept {
    VULTUS_REQUIRE(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0, "every Linux since 3.5 takes it");
}

}  // namespace vultus
