#include "workers/pipeline/mailbox.hpp"

#include <sys/eventfd.h>
#include <unistd.h>

#include "shared/base/require.hpp"

namespace vultus {

doorbell::doorbell() : fd_(eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)) {
    VULTUS_REQUIRE(fd_ >= 0, "the system gives an eventfd");
}

doorbell::~doorbell() {
    ::close(fd_);
}

void doorbell::ring() noexcept {
    const std::uint64_t one = 1;
    // Full only after 2^64 rings: the descriptor is readable then anyway.
    static_cast<void>(!::write(fd_, &one, sizeof one));
}

void doorbell::quiet() noexcept {
    std::uint64_t rings = 0;
    static_cast<void>(!::read(fd_, &rings, sizeof rings));
}

}  // namespace vultus
