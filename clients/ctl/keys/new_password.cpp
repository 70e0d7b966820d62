// See new_password.hpp.
#include "clients/ctl/keys/new_password.hpp"

#include <termios.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <iostream>

#include "shared/model/user.hpp"

namespace vultus::ctl {
namespace {

// Global, for the signal handlers: there is one prompt at a time.
termios shown, hidden;

/// For signals that end the program: turns the echo on again and discards the typed part of the
/// password.
void end(int signal) {
    ::tcsetattr(STDIN_FILENO, TCSAFLUSH, &shown);
    std::signal(signal, SIG_DFL);
    ::raise(signal);
}

void catch_signals();

/// Ctrl-Z: turns the echo on while the program is stopped.
void stop(int signal) {
    const int before = errno;
    ::tcsetattr(STDIN_FILENO, TCSAFLUSH, &shown);
    std::signal(signal, SIG_DFL);
    ::raise(signal);
    catch_signals();  // continued
    ::tcsetattr(STDIN_FILENO, TCSAFLUSH, &hidden);
    errno = before;
}

constexpr std::array ending{SIGINT, SIGTERM, SIGHUP, SIGQUIT};

void catch_signals() {
    struct sigaction action {};
    action.sa_flags = SA_NODEFER | SA_RESTART;
    action.sa_handler = end;
    for (const int one : ending) ::sigaction(one, &action, nullptr);
    action.sa_handler = stop;
    ::sigaction(SIGTSTP, &action, nullptr);
}

/// Turns the terminal's echo off while this exists, and on again however the program ends.
class hidden_typing {
 public:
    hidden_typing() {
        good_ = ::tcgetattr(STDIN_FILENO, &shown) == 0;
        hidden = shown;
        hidden.c_lflag &= ~static_cast<tcflag_t>(ECHO);
        if (good_) catch_signals();
        good_ = good_ && ::tcsetattr(STDIN_FILENO, TCSAFLUSH, &hidden) == 0;
    }
    ~hidden_typing() {
        if (good_) ::tcsetattr(STDIN_FILENO, TCSAFLUSH, &shown);
        for (const int one : ending) std::signal(one, SIG_DFL);
        std::signal(SIGTSTP, SIG_DFL);
    }
    hidden_typing(const hidden_typing&) = delete;
    hidden_typing& operator=(const hidden_typing&) = delete;
    bool good() const { return good_; }

 private:
    bool good_ = false;
};

result<std::string> line(const std::string& question) {
    std::cerr << question << std::flush;
    std::string text;
    const bool there = static_cast<bool>(std::getline(std::cin, text));
    if (!question.empty()) std::cerr << "\n";
    if (!there) return fail(errc::malformed, "no password given");
    return text;
}

}  // namespace

result<std::string> new_password(const std::string& user) {
    result<std::string> password;
    if (::isatty(STDIN_FILENO) == 1) {
        const hidden_typing typing;
        if (!typing.good()) return fail(errc::malformed, "the terminal cannot hide a password");
        password = line("New password of " + user + ": ");
        if (!password) return password;
        const auto again = line("Repeat the password: ");
        if (!again) return again;
        if (*again != *password) return fail(errc::bad_option, "the passwords differ");
    } else {
        password = line("");
        if (!password) return password;
    }
    if (auto good = check_password(*password); !good) return fail(good.error());
    return password;
}

}  // namespace vultus::ctl
