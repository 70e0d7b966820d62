// See rfc3339.hpp.
#include "shared/base/rfc3339.hpp"

#include <array>
#include <chrono>
#include <cstdio>
#include <ctime>

namespace vultus {

std::string rfc3339(unix_time when) {
    if (when.count() == 0) return {};
    const auto seconds = std::chrono::floor<std::chrono::seconds>(when);
    const auto whole = static_cast<std::time_t>(seconds.count());
    std::tm parts{};
    if (gmtime_r(&whole, &parts) == nullptr) return {};
    std::array<char, 48> text{};
    const std::size_t n = std::strftime(text.data(), text.size(), "%Y-%m-%dT%H:%M:%S", &parts);
    std::snprintf(text.data() + n, text.size() - n, ".%03dZ",
                  static_cast<int>((when - seconds).count()));
    return text.data();
}

}  // namespace vultus
