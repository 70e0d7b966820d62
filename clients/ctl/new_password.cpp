// See new_password.hpp.
#include "clients/ctl/new_password.hpp"

#include <termios.h>
#include <unistd.h>

#include <iostream>

#include "shared/user.hpp"

namespace vultus::ctl {
namespace {

/// The terminal shows nothing while one of these is there.
class hidden_typing {
 public:
    hidden_typing() {
        good_ = ::tcgetattr(STDIN_FILENO, &before_) == 0;
        termios quiet = before_;
        quiet.c_lflag &= ~static_cast<tcflag_t>(ECHO);
        good_ = good_ && ::tcsetattr(STDIN_FILENO, TCSAFLUSH, &quiet) == 0;
    }
    ~hidden_typing() {
        if (good_) ::tcsetattr(STDIN_FILENO, TCSAFLUSH, &before_);
    }
    hidden_typing(const hidden_typing&) = delete;
    hidden_typing& operator=(const hidden_typing&) = delete;
    bool good() const { return good_; }

 private:
    termios before_{};
    bool good_ = false;
};

result<std::string> line(const std::string& question) {
    std::cerr << question << std::flush;
    std::string text;
    const bool there = static_cast<bool>(std::getline(std::cin, text));
    if (!question.empty()) std::cerr << "\n";
    if (!there) return fail(errc::malformed, "no password was given");
    return text;
}

}  // namespace

result<std::string> new_password(const std::string& user) {
    result<std::string> password;
    if (::isatty(STDIN_FILENO) == 1) {
        const hidden_typing hidden;
        if (!hidden.good()) return fail(errc::malformed, "the terminal cannot hide a password");
        password = line("New password of " + user + ": ");
        if (!password) return password;
        const auto again = line("The same again: ");
        if (!again) return again;
        if (*again != *password) return fail(errc::bad_option, "the two passwords differ");
    } else {
        password = line("");
        if (!password) return password;
    }
    if (auto good = check_password(*password); !good) return fail(good.error());
    return password;
}

}  // namespace vultus::ctl
