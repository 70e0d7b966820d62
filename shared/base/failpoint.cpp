#include "shared/base/failpoint.hpp"

#ifdef VULTUS_FAILPOINTS

#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <charconv>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <string>
#include <thread>

namespace vultus {
namespace {

constexpr int descriptors_looked_at = 4096;

// A child that sends SIGCONT later: after fork it needs neither the threads nor the memory of the
// parent.
void stop_for(std::chrono::milliseconds time) {
    const pid_t parent = ::getpid();
    const pid_t child = ::fork();
    if (child == 0) {
        ::usleep(static_cast<useconds_t>(time.count() * 1'000));
        ::kill(parent, SIGCONT);
        std::_Exit(0);
    }
    std::raise(SIGSTOP);
}

void drop_connections() {
    for (int fd = 3; fd < descriptors_looked_at; ++fd) {
        sockaddr_storage peer;
        socklen_t size = sizeof peer;
        if (::getpeername(fd, reinterpret_cast<sockaddr*>(&peer), &size) == 0)
            ::shutdown(fd, SHUT_RDWR);
    }
}

void act(std::string_view action) {
    long ms = 0;
    if (const std::size_t colon = action.find(':'); colon != std::string_view::npos) {
        const std::string_view number = action.substr(colon + 1);
        std::from_chars(number.data(), number.data() + number.size(), ms);
        action = action.substr(0, colon);
    }
    const std::chrono::milliseconds time(ms);
    if (action == "kill") std::raise(SIGKILL);
    if (action == "exit") std::_Exit(1);
    if (action == "stop" && ms == 0) std::raise(SIGSTOP);
    if (action == "stop" && ms > 0) stop_for(time);
    if (action == "delay") std::this_thread::sleep_for(time);
    if (action == "drop") drop_connections();
}

}  // namespace

void failpoint(std::string_view name) noexcept try {
    static const char* const asked = std::getenv("VULTUS_FAILPOINT");
    static const char* const folder = std::getenv("VULTUS_FAILPOINT_DIR");
    if (asked != nullptr) {
        const std::string_view text(asked);
        const std::size_t colon = text.find(':');
        static std::atomic<bool> reached{false};
        if (text.substr(0, colon) == name && !reached.exchange(true)) act(text.substr(colon + 1));
    }
    if (folder != nullptr) {
        const std::string path = std::string(folder) + "/" + std::string(name);
        std::ifstream file(path);
        std::string action;
        if (std::getline(file, action) && ::unlink(path.c_str()) == 0) act(action);
    }
} catch (...) {
    std::perror("failpoint");
}

bool seeded_bug(std::string_view name) noexcept {
    static const char* const asked = std::getenv("VULTUS_SEEDED_BUG");
    return asked != nullptr && name == asked;
}

}  // namespace vultus

#endif
