// See redis_server_support.hpp.
#include "tests/support/redis_server_support.hpp"

#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cstring>

#include "shared/base/require.hpp"

namespace vultus {
namespace {

/// Whether a server answers PING there, and not that it is still loading its data.
bool answers(const std::string& path) {
    const int fd = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    VULTUS_REQUIRE(path.size() < sizeof address.sun_path, "the path of the socket is short");
    std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
    bool pong = false;
    if (::connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0) {
        std::array<char, 7> reply{};
        pong = ::send(fd, "PING\r\n", 6, MSG_NOSIGNAL) == 6 &&
               ::recv(fd, reply.data(), 7, MSG_WAITALL) == 7 && reply[1] == 'P';
    }
    ::close(fd);
    return pong;
}

}  // namespace

redis_server::redis_server(redis_server_options options) {
    const std::string folder = options.folder.empty() ? own_.path() : options.folder;
    socket_ = options.socket.empty() ? folder + "/redis.sock" : options.socket;
    words_ = {"redis-server", VULTUS_SOURCE_DIR "/config/redis.conf",
              "--dir",        folder,
              "--unixsocket", socket_,
              "--logfile",    folder + "/log",
              "--maxmemory",  "512mb"};
    words_.insert(words_.end(), options.more.begin(), options.more.end());
    start();
}

redis_server::~redis_server() {
    kill();
}

void redis_server::start() {
    VULTUS_REQUIRE(pid_ < 0, "one server at a time");
    std::vector<char*> argv;
    for (std::string& word : words_) argv.push_back(word.data());
    argv.push_back(nullptr);
    pid_ = ::fork();
    VULTUS_REQUIRE(pid_ >= 0, "a process can be started");
    if (pid_ == 0) {
        ::prctl(PR_SET_PDEATHSIG, SIGKILL);  // a test that aborts leaves no server behind
        ::execvp(argv[0], argv.data());
        ::_exit(127);
    }
    while (!answers(socket_)) {
        VULTUS_REQUIRE(::waitpid(pid_, nullptr, WNOHANG) == 0, "redis-server runs");
        ::poll(nullptr, 0, 5);
    }
}

void redis_server::kill() {
    if (pid_ < 0) return;
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
    pid_ = -1;
}

void redis_server::freeze() {
    ::kill(pid_, SIGSTOP);
}
void redis_server::resume() {
    ::kill(pid_, SIGCONT);
}

}  // namespace vultus
