// See store_away.hpp.
#include "clients/ctl/store_away.hpp"

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>

namespace vultus::ctl {
namespace {

namespace fs = std::filesystem;

/// 0, or the errno of connect().
int knock(const std::string& path) {
    sockaddr_un at{};
    at.sun_family = AF_UNIX;
    if (path.size() >= sizeof at.sun_path) return ENAMETOOLONG;
    path.copy(at.sun_path, path.size());
    const int descriptor = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (descriptor < 0) return errno;
    const bool open = ::connect(descriptor, reinterpret_cast<const sockaddr*>(&at), sizeof at) == 0;
    const int why = open || errno == EAGAIN ? 0 : errno;
    ::close(descriptor);
    return why;
}

}  // namespace

error why_away(const arguments& asked, const redis_address& where) {
    const std::string not_let_in =
        " does not accept this program: wrong password ($REDISCLI_AUTH or " + asked.data +
        "/run/redis.password), or still loading";
    if (where.unix_socket.empty()) {
        return {errc::store_unavailable, "Redis at " + where.host + ":" +
                                             std::to_string(where.port) + " is unreachable, or it" +
                                             not_let_in};
    }
    std::error_code bad;
    const bool by_data = asked.redis.empty();
    if (by_data && !fs::is_directory(asked.data, bad)) {
        const bool relative = fs::path(asked.data).is_relative();
        const std::string from = relative ? ", relative to " + fs::current_path(bad).string() : "";
        return {errc::malformed, "no folder " + asked.data + " (--data)" + from};
    }
    const int why = knock(where.unix_socket);
    if (why == 0) return {errc::store_unavailable, "Redis at " + where.unix_socket + not_let_in};
    const std::string hint = by_data ? ": is the service running with this --data?" : "";
    const std::string what = why == ENOENT         ? "no socket "
                             : why == ECONNREFUSED ? "connection refused at "
                                                   : "cannot connect to ";
    const std::string advice =
        why == ENOENT || why == ECONNREFUSED ? hint : ": " + std::string(std::strerror(why));
    return {errc::store_unavailable, what + where.unix_socket + advice};
}

}  // namespace vultus::ctl
