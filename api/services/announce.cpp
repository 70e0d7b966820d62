// See announce.hpp.
#include "api/services/announce.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace vultus::api {
namespace {

constexpr std::size_t instance_bytes_max = 64;

bool is_plain(char c) noexcept {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '_';
}

std::string reachable(const std::string& bind) {
    if (bind == "0.0.0.0" || bind == "localhost") return "127.0.0.1";
    if (bind.find(':') == std::string::npos) return bind;
    return bind.find_first_not_of("0:") == std::string::npos ? "[::1]" : "[" + bind + "]";
}

}  // namespace

std::string instance_of_environment() {
    const char* given = std::getenv("VULTUS_INSTANCE");
    std::string name = given == nullptr ? "" : given;
    for (const char c : name) {
        if (!is_plain(c)) return {};
    }
    return name.size() <= instance_bytes_max ? name : std::string();
}

std::string own_url(const api_settings& settings, int port) {
    const std::string scheme = settings.tls_certificate.empty() ? "http://" : "https://";
    return scheme + reachable(settings.bind) + ":" + std::to_string(port);
}

result<void> announce_address(const std::string& file, const std::string& url) {
    if (file.empty()) return {};
    const std::string line = url + "\n", fresh = file + ".new";
    const int out = ::open(fresh.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    bool good = out >= 0;
    good = good && ::write(out, line.data(), line.size()) == static_cast<ssize_t>(line.size());
    if (out >= 0) good = ::close(out) == 0 && good;
    good = good && std::rename(fresh.c_str(), file.c_str()) == 0;
    if (good) return {};
    return fail(errc::bad_option,
                "VULTUS_ADDRESS_FILE = " + file + " cannot be written: " + std::strerror(errno));
}

}  // namespace vultus::api
