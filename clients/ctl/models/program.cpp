// See program.hpp.
#include "clients/ctl/models/program.hpp"

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <sstream>

namespace vultus::ctl {
namespace {

namespace fs = std::filesystem;

/// The folder of this program; empty if it cannot be read.
fs::path own_folder() {
    std::error_code bad;
    const fs::path program = fs::read_symlink("/proc/self/exe", bad);
    return bad ? fs::path() : program.parent_path();
}

int exit_code(pid_t child) {
    constexpr int of_signals = 128;
    int status = 0;
    while (::waitpid(child, &status, 0) < 0 && errno == EINTR) continue;
    return WIFEXITED(status) ? WEXITSTATUS(status) : of_signals + WTERMSIG(status);
}

}  // namespace

result<program_end> run_to_end(const std::vector<std::string>& words, bool keep) {
    std::array<int, 2> ends{-1, -1};
    if (keep && ::pipe2(ends.data(), O_CLOEXEC) != 0) {
        return fail(errc::internal, std::string("no pipe: ") + std::strerror(errno));
    }
    std::vector<char*> arguments;
    for (const std::string& word : words) arguments.push_back(const_cast<char*>(word.c_str()));
    arguments.push_back(nullptr);
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, keep ? ends[1] : STDERR_FILENO, STDOUT_FILENO);
    pid_t child = -1;
    const int why =
        ::posix_spawnp(&child, arguments.front(), &actions, nullptr, arguments.data(), environ);
    posix_spawn_file_actions_destroy(&actions);
    if (keep) ::close(ends[1]);
    program_end end;
    if (why == 0 && keep) {
        std::array<char, 4096> part{};
        ssize_t count = 0;
        while ((count = ::read(ends[0], part.data(), part.size())) > 0 ||
               (count < 0 && errno == EINTR)) {
            if (count > 0) end.out.append(part.data(), static_cast<std::size_t>(count));
        }
    }
    if (keep) ::close(ends[0]);
    if (why != 0) {
        return fail(errc::not_found, words.front() + " cannot be started: " + std::strerror(why));
    }
    end.code = exit_code(child);
    return end;
}

result<std::string> worker_program() {
    const fs::path beside = own_folder() / "vultus-worker";
    if (::access(beside.c_str(), X_OK) == 0) return beside.string();
    return fail(errc::not_found,
                "vultus-worker is not in the folder of vultusctl: run this on a host, or in a "
                "container, that has a worker");
}

result<std::string> fetch_program() {
    const fs::path here = own_folder();
    // build/<preset>/bin of the source tree; an installation below one prefix; the working folder
    for (const fs::path& place :
         {here / "../../../config/fetch.py", here / "../share/vultus/config/fetch.py",
          fs::path("config/fetch.py")}) {
        if (::access(place.c_str(), R_OK) == 0) return place.lexically_normal().string();
    }
    return fail(errc::not_found,
                "config/fetch.py is not beside this program: run this in the source tree");
}

std::vector<model_line> model_lines(const std::string& text) {
    std::vector<model_line> all;
    std::istringstream lines(text);
    for (std::string line; std::getline(lines, line);) {
        model_line one;
        std::istringstream words(line);
        for (std::string word; std::getline(words, word, '\t');) {
            const std::size_t at = word.find('=');
            if (at != std::string::npos) one[word.substr(0, at)] = word.substr(at + 1);
        }
        if (one.contains("model")) all.push_back(std::move(one));
    }
    return all;
}

std::string word_of(const model_line& line, std::string_view key) {
    const auto found = line.find(key);
    return found == line.end() ? std::string() : found->second;
}

}  // namespace vultus::ctl
