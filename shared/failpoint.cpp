#include "shared/failpoint.hpp"

#ifdef VULTUS_FAILPOINTS

#include <atomic>
#include <csignal>
#include <cstdlib>

namespace vultus {

void failpoint(std::string_view name) noexcept {
    static const char* const asked = std::getenv("VULTUS_FAILPOINT");
    if (asked == nullptr) return;
    const std::string_view text(asked);
    const std::size_t colon = text.find(':');
    if (colon == std::string_view::npos || text.substr(0, colon) != name) return;
    static std::atomic<bool> reached{false};
    if (reached.exchange(true)) return;
    const std::string_view action = text.substr(colon + 1);
    if (action == "stop") std::raise(SIGSTOP);
    if (action == "kill") std::raise(SIGKILL);
    if (action == "exit") std::_Exit(1);
}

}  // namespace vultus

#endif
