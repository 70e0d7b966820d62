#include "shared/base/clock.hpp"

#include <ctime>

namespace vultus {
namespace {

std::chrono::milliseconds read(clockid_t clock) noexcept {
    timespec time{};
    clock_gettime(clock, &time);
    return std::chrono::seconds(time.tv_sec) +
           std::chrono::duration_cast<std::chrono::milliseconds>(
               std::chrono::nanoseconds(time.tv_nsec));
}

}  // namespace

boot_time boot_now() noexcept {
    return read(CLOCK_BOOTTIME);
}
unix_time unix_now() noexcept {
    return read(CLOCK_REALTIME);
}

}  // namespace vultus
