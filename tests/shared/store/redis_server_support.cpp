// See redis_server_support.hpp.
#include "tests/shared/store/redis_server_support.hpp"

#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>

#include "shared/base/require.hpp"
#include "shared/store/redis_blocking.hpp"

namespace vultus {

redis_server::redis_server(std::vector<std::string> more) {
    std::string pattern = "/tmp/vultus-redis-XXXXXX";
    VULTUS_REQUIRE(mkdtemp(pattern.data()) != nullptr, "a temporary folder can be made");
    folder_ = pattern;
    words_ = {"redis-server",
              "--port",
              "0",
              "--unixsocket",
              folder_ + "/redis.sock",
              "--dir",
              folder_,
              "--logfile",
              folder_ + "/log",
              "--appendonly",
              "yes",
              "--appendfsync",
              "always",
              "--save",
              "",
              "--maxmemory",
              "268435456",
              "--maxmemory-policy",
              "noeviction"};
    words_.insert(words_.end(), more.begin(), more.end());
    start();
}

redis_server::~redis_server() {
    kill();
    // A child that rewrites the append-only file outlives its parent for a moment and writes on.
    std::error_code failed;
    for (int tries = 0; tries < 1'000 && std::filesystem::exists(folder_); ++tries) {
        std::filesystem::remove_all(folder_, failed);
    }
}

void redis_server::start() {
    VULTUS_REQUIRE(pid_ < 0, "one server at a time");
    std::vector<char*> argv;
    for (std::string& word : words_) argv.push_back(word.data());
    argv.push_back(nullptr);
    pid_ = fork();
    if (pid_ == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        execvp(argv[0], argv.data());
        _exit(127);
    }
    redis_blocking client(
        address(), {std::chrono::seconds(20), std::chrono::seconds(20), std::chrono::seconds(20)});
    const auto reply = client.call({"PING"});
    VULTUS_REQUIRE(reply && reply->text == "PONG", "redis-server starts");
}

void redis_server::kill() {
    if (pid_ < 0) return;
    ::kill(pid_, SIGKILL);
    waitpid(pid_, nullptr, 0);
    pid_ = -1;
}

void redis_server::freeze() {
    ::kill(pid_, SIGSTOP);
}
void redis_server::go_on() {
    ::kill(pid_, SIGCONT);
}

redis_address redis_server::address() const {
    redis_address where;
    where.unix_socket = folder_ + "/redis.sock";
    return where;
}

}  // namespace vultus
