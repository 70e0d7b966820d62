// See stop_signal.hpp.
#include "shared/base/stop_signal.hpp"

#include <pthread.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <csignal>

#include "shared/base/require.hpp"

namespace vultus {
namespace {

constexpr int ended_by_user = 130;  // 128 + SIGINT, as in shells

sigset_t stopping_signals() {
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGTERM);
    return set;
}

}  // namespace

stop_signal::stop_signal() {
    const sigset_t set = stopping_signals();
    VULTUS_REQUIRE(pthread_sigmask(SIG_BLOCK, &set, nullptr) == 0, "signals can be blocked");
    fd_ = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
    VULTUS_REQUIRE(fd_ >= 0, "signalfd returns a descriptor");
}

stop_signal::~stop_signal() {
    close(fd_);
}

bool stop_signal::asked() {
    signalfd_siginfo info{};
    while (read(fd_, &info, sizeof info) == static_cast<ssize_t>(sizeof info)) {
        if (asked_) _exit(ended_by_user);
        asked_ = true;
    }
    return asked_;
}

}  // namespace vultus
