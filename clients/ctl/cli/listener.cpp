// See listener.hpp.
#include "clients/ctl/cli/listener.hpp"

#include <algorithm>

namespace vultus::ctl {

std::string progress_bar(std::uint64_t done, std::uint64_t all, const char* things) {
    constexpr std::uint64_t places = 30;
    const std::uint64_t full = std::min(places, all == 0 ? places : done * places / all);
    return "[" + std::string(full, '#') + std::string(places - full, '.') + "] " +
           std::to_string(done) + " of " + std::to_string(all) + " " + things;
}

}  // namespace vultus::ctl
