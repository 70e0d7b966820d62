// See descriptors.hpp.
#include "shared/base/descriptors.hpp"

#include <sys/resource.h>

#include <algorithm>
#include <filesystem>
#include <limits>

namespace vultus {
namespace {

std::size_t count_of(rlim_t limit) noexcept {
    constexpr auto most = std::numeric_limits<int>::max();  // the largest descriptor
    return static_cast<std::size_t>(std::min<rlim_t>(limit, most));
}

}  // namespace

std::size_t descriptor_limit() noexcept {
    rlimit now{};
    return ::getrlimit(RLIMIT_NOFILE, &now) == 0 ? count_of(now.rlim_cur) : 0;
}

std::size_t raise_descriptor_limit() noexcept {
    rlimit now{};
    if (::getrlimit(RLIMIT_NOFILE, &now) == 0 && now.rlim_cur < now.rlim_max) {
        now.rlim_cur = now.rlim_max;
        ::setrlimit(RLIMIT_NOFILE, &now);  // on failure the limit is unchanged
    }
    return descriptor_limit();
}

std::size_t descriptors_open() noexcept {
    std::error_code bad;
    std::filesystem::directory_iterator all("/proc/self/fd", bad);
    std::size_t open = 0;
    for (; !bad && all != std::filesystem::directory_iterator(); all.increment(bad)) ++open;
    return open;
}

}  // namespace vultus
