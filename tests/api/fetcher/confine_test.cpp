// What the kernel refuses to a fetcher. Each attempt is a process of its own, which may be ended.
#include "api/fetcher/confine.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <functional>

#include "shared/base/privileges.hpp"

namespace vultus::fetcher {
namespace {

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr bool sanitized = true;
#else
constexpr bool sanitized = false;
#endif

enum class end { allowed, refused, killed };

/// What becomes of a process that tries this in a stage.
end after(stage in, const std::function<bool()>& attempt) {
    const pid_t child = ::fork();
    if (child == 0) {
        forbid_new_privileges();
        if (!confine(stage::look_up)) ::_exit(2);
        if (in == stage::transfer && !confine(stage::transfer)) ::_exit(2);
        ::_exit(attempt() ? 0 : 1);
    }
    int status = 0;
    ::waitpid(child, &status, 0);
    if (WIFSIGNALED(status)) return end::killed;
    EXPECT_NE(WEXITSTATUS(status), 2) << "no filter";
    return WEXITSTATUS(status) == 0 ? end::allowed : end::refused;
}

bool opens(const char* path, int flags) {
    return ::open(path, flags, 0600) >= 0;
}
bool has_socket(int family, int type) {
    return ::socket(family, type, 0) >= 0;
}
bool maps_code() {
    return ::mmap(nullptr, 4'096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) !=
           MAP_FAILED;
}
bool runs_a_program() {
    char* words[]{nullptr};
    return ::execve("/bin/true", words, words) == 0;
}

class confinement : public testing::Test {
    void SetUp() override {
        if (sanitized) GTEST_SKIP() << "a sanitizer asks for more";
    }
};

TEST_F(confinement, looking_up_reads_files_and_writes_none) {
    EXPECT_EQ(after(stage::look_up, [] { return opens("/etc/hosts", O_RDONLY); }), end::allowed);
    for (const int flags : {O_WRONLY, O_RDWR, O_WRONLY | O_CREAT, O_RDONLY | O_TRUNC}) {
        EXPECT_EQ(after(stage::look_up, [=] { return opens("/tmp/vultus-confine", flags); }),
                  end::refused);
    }
    EXPECT_EQ(after(stage::look_up, [] { return has_socket(AF_INET, SOCK_DGRAM); }), end::allowed);
}

TEST_F(confinement, transferring_reads_no_file_and_speaks_tcp_only) {
    EXPECT_EQ(after(stage::transfer, [] { return opens("/etc/hosts", O_RDONLY); }), end::refused);
    EXPECT_EQ(after(stage::transfer, [] { return has_socket(AF_INET, SOCK_STREAM); }),
              end::allowed);
    EXPECT_EQ(
        after(stage::transfer, [] { return has_socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC); }),
        end::allowed);
    EXPECT_EQ(after(stage::transfer, [] { return has_socket(AF_INET, SOCK_DGRAM); }), end::refused);
    EXPECT_EQ(after(stage::transfer, [] { return has_socket(AF_NETLINK, SOCK_RAW); }),
              end::refused);
    EXPECT_EQ(after(stage::transfer, maps_code), end::killed);
}

TEST_F(confinement, no_stage_reaches_redis_runs_programs_or_becomes_two) {
    for (const stage in : {stage::look_up, stage::transfer}) {
        EXPECT_EQ(after(in, [] { return has_socket(AF_UNIX, SOCK_STREAM); }), end::refused);
        EXPECT_EQ(after(in, [] { return has_socket(AF_PACKET, SOCK_RAW); }), end::refused);
        EXPECT_EQ(after(in, runs_a_program), end::killed);
        EXPECT_EQ(after(in, [] { return ::kill(::getppid(), 0) == 0; }), end::killed);
        EXPECT_EQ(after(in, [] { return ::fork() >= 0; }), end::refused);
        EXPECT_EQ(after(in, [] { return ::unlink("/tmp/vultus-confine") == 0; }), end::killed);
    }
}

}  // namespace
}  // namespace vultus::fetcher
