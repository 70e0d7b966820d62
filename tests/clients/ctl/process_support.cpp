// See process_support.hpp.
#include "tests/clients/ctl/process_support.hpp"

#include <fcntl.h>
#include <spawn.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>

#include "shared/base/require.hpp"

namespace vultus::ctl {
namespace {

pid_t spawn(const std::vector<std::string>& words, int out, int err,
            const std::string& input = "/dev/null") {
    std::vector<char*> arguments;
    for (const std::string& word : words) arguments.push_back(const_cast<char*>(word.c_str()));
    arguments.push_back(nullptr);
    posix_spawn_file_actions_t files;
    posix_spawn_file_actions_init(&files);
    posix_spawn_file_actions_addopen(&files, 0, input.c_str(), O_RDONLY, 0);
    posix_spawn_file_actions_adddup2(&files, out, 1);
    posix_spawn_file_actions_adddup2(&files, err, 2);
    pid_t pid = -1;
    const int why = posix_spawnp(&pid, arguments[0], &files, nullptr, arguments.data(), environ);
    posix_spawn_file_actions_destroy(&files);
    VULTUS_REQUIRE(why == 0, "the program can be started");
    return pid;
}

/// A file without a name, read after the program ended: no pipe can fill up.
int scratch() {
    const int fd = memfd_create("vultus-test", MFD_CLOEXEC);
    VULTUS_REQUIRE(fd >= 0, "a scratch file can be made");
    return fd;
}

std::string contents(int fd) {
    std::string text;
    std::array<char, 4096> block{};
    lseek(fd, 0, SEEK_SET);
    for (ssize_t n = 0; (n = read(fd, block.data(), block.size())) > 0;) {
        text.append(block.data(), static_cast<std::size_t>(n));
    }
    close(fd);
    return text;
}

}  // namespace

outcome run_program(const std::vector<std::string>& words, const std::string& output,
                    const std::string& input) {
    const int out = output.empty() ? scratch() : ::open(output.c_str(), O_WRONLY | O_CLOEXEC);
    const int err = scratch();
    VULTUS_REQUIRE(out >= 0, "the output can be opened");
    const pid_t pid = spawn(words, out, err, input);
    int status = 0;
    waitpid(pid, &status, 0);
    outcome seen;
    seen.code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    if (output.empty()) seen.out = contents(out);
    if (!output.empty()) close(out);
    seen.err = contents(err);
    return seen;
}

}  // namespace vultus::ctl
