#include "clients/camera/chooser.hpp"

#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <utility>
#include <vector>

namespace vultus::camera {
namespace {

constexpr int polls_most = 100, poll_ms = 20;  // two seconds for a dialog to close

const std::vector<std::vector<const char*>> dialogs{
    {"zenity", "--file-selection", "--title=Choose a photo",
     "--file-filter=Photos | *.jpg *.jpeg *.png *.webp *.bmp", nullptr},
    {"kdialog", "--getopenfilename", ".", "*.jpg *.jpeg *.png *.webp *.bmp", nullptr},
};

pid_t run(const std::vector<const char*>& words, int output) {
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, output, STDOUT_FILENO);
    pid_t child = -1;
    const int why = ::posix_spawnp(&child, words.front(), &actions, nullptr,
                                   const_cast<char* const*>(words.data()), environ);
    posix_spawn_file_actions_destroy(&actions);
    return why == 0 ? child : -1;
}

}  // namespace

chooser::~chooser() {
    if (child_ < 0) return;
    ::kill(child_, SIGTERM);
    for (int i = 0; i < polls_most && ::waitpid(child_, nullptr, WNOHANG) == 0; ++i) {
        ::poll(nullptr, 0, poll_ms);
        if (i + 1 < polls_most) continue;
        ::kill(child_, SIGKILL);
        ::waitpid(child_, nullptr, 0);
    }
    ::close(pipe_);
}

bool chooser::open() {
    if (child_ >= 0) return true;
    std::array<int, 2> ends{};
    if (::pipe2(ends.data(), O_CLOEXEC | O_NONBLOCK) != 0) return false;
    for (const auto& words : dialogs) {
        child_ = run(words, ends[1]);
        if (child_ >= 0) break;
    }
    ::close(ends[1]);
    said_.clear();
    pipe_ = ends[0];
    if (child_ < 0) ::close(std::exchange(pipe_, -1));
    return child_ >= 0;
}

std::optional<std::string> chooser::chosen() {
    if (child_ < 0) return std::nullopt;
    std::array<char, 512> part{};
    ssize_t count = 0;
    while ((count = ::read(pipe_, part.data(), part.size())) > 0) {
        said_.append(part.data(), static_cast<std::size_t>(count));
    }
    if (count < 0) return std::nullopt;  // the dialog is still open
    ::waitpid(std::exchange(child_, -1), nullptr, 0);
    ::close(std::exchange(pipe_, -1));
    while (said_.ends_with('\n')) said_.pop_back();
    if (said_.empty()) return std::nullopt;
    return std::move(said_);
}

}  // namespace vultus::camera
