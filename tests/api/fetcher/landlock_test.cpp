// What a fetcher reads and where it connects, on a kernel with Landlock. Each attempt is a process
// of its own, which stays restricted.
#include "api/fetcher/landlock.hpp"

#include <arpa/inet.h>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <functional>
#include <string>

#include "shared/base/privileges.hpp"

namespace vultus::fetcher {
namespace {

constexpr std::uint16_t open_port = 443;

/// The errno of this attempt behind the restriction, 0 if it succeeds; -1: there is no Landlock.
int after(const std::function<bool()>& attempt, int abi_least = 1) {
    const pid_t child = ::fork();
    if (child == 0) {
        forbid_new_privileges();
        if (restrict_access({open_port}) < abi_least) ::_exit(255);
        errno = 0;
        ::_exit(attempt() ? 0 : errno);
    }
    int status = 0;
    ::waitpid(child, &status, 0);
    EXPECT_TRUE(WIFEXITED(status));
    return WEXITSTATUS(status) == 255 ? -1 : WEXITSTATUS(status);
}

bool opens(const std::string& path, int flags) {
    return ::open(path.c_str(), flags, 0600) >= 0;
}

/// Whoever listens there or not: what matters is whether Landlock refuses.
bool connects(std::uint16_t port) {
    const int to = ::socket(AF_INET, SOCK_STREAM, 0);
    sockaddr_in at{};
    at.sin_family = AF_INET;
    at.sin_port = htons(port);
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return ::connect(to, reinterpret_cast<const sockaddr*>(&at), sizeof at) == 0;
}

class landlock : public testing::Test {
 protected:
    void SetUp() override {
        const std::string folder = ::testing::TempDir();
        secret_ = folder + "/vultus-landlock-" + std::to_string(::getpid());
        const int file = ::open(secret_.c_str(), O_CREAT | O_WRONLY, 0600);
        ASSERT_GE(file, 0);
        ::close(file);
        if (after([] { return true; }) < 0) GTEST_SKIP() << "this kernel has no Landlock";
    }
    void TearDown() override { ::unlink(secret_.c_str()); }
    std::string secret_;
};

TEST_F(landlock, reads_what_a_look_up_takes_and_no_file_of_the_service) {
    EXPECT_EQ(after([] { return opens("/etc/hosts", O_RDONLY); }), 0);
    EXPECT_EQ(after([] { return opens("/etc/nsswitch.conf", O_RDONLY); }), 0);
    EXPECT_EQ(after([this] { return opens(secret_, O_RDONLY); }), EACCES);
    EXPECT_EQ(after([this] { return opens(secret_, O_WRONLY); }), EACCES);
    EXPECT_EQ(after([this] { return opens(secret_ + "-new", O_WRONLY | O_CREAT); }), EACCES);
    EXPECT_EQ(after([this] { return ::unlink(secret_.c_str()) == 0; }), EACCES);
    EXPECT_EQ(after([] { return opens("/", O_RDONLY | O_DIRECTORY); }), EACCES);
}

TEST_F(landlock, runs_nothing) {
    EXPECT_EQ(after([] {
                  char* words[]{nullptr};
                  return ::execve("/bin/true", words, words) == 0;
              }),
              EACCES);
}

TEST_F(landlock, connects_to_the_ports_that_it_was_given) {
    const int elsewhere = after([] { return connects(6379); }, 4);
    if (elsewhere < 0) GTEST_SKIP() << "this kernel restricts no ports";
    EXPECT_EQ(elsewhere, EACCES);
    EXPECT_NE(after([] { return connects(open_port); }, 4), EACCES);
}

}  // namespace
}  // namespace vultus::fetcher
