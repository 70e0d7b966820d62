// See landlock.hpp. The numbers are those of linux/landlock.h, which is older than the kernel on
// some systems; a right that an ABI does not know must not be asked of it.
#include "api/fetcher/landlock.hpp"

#include <fcntl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cstddef>

namespace vultus::fetcher {
namespace {

// The same on all machines but Alpha.
constexpr long create_ruleset = 444, add_rule = 445, restrict_self = 446;
constexpr unsigned ask_version = 1, of_path = 1, of_port = 2;
constexpr std::uint64_t read_file = 1U << 2, read_folder = 1U << 3;
constexpr std::uint64_t bind_tcp = 1U << 0, connect_tcp = 1U << 1;
constexpr std::uint64_t abstract_sockets = 1U << 0, signals = 1U << 1;

struct ruleset {
    std::uint64_t files = 0, net = 0, scoped = 0;
};
struct __attribute__((packed)) path_rule {
    std::uint64_t allowed = 0;
    std::int32_t path = -1;
};
struct port_rule {
    std::uint64_t allowed = 0, port = 0;
};

/// All rights about files of that ABI: 1 has 13; 2 adds links to other folders, 3 truncate, 5
/// ioctl.
constexpr std::uint64_t file_rights(long abi) {
    const unsigned rights = abi == 1 ? 13 : abi == 2 ? 14 : abi < 5 ? 15 : 16;
    return (std::uint64_t{1} << rights) - 1;
}

/// A path that is not there is nothing to allow.
void allow_path(int rules, const char* path, std::uint64_t rights) noexcept {
    const int at = ::open(path, O_PATH | O_CLOEXEC);
    if (at < 0) return;
    const path_rule rule{rights, at};
    ::syscall(add_rule, rules, of_path, &rule, 0);
    ::close(at);
}

}  // namespace

int restrict_access(std::initializer_list<std::uint16_t> ports) noexcept {
    const long abi = ::syscall(create_ruleset, nullptr, 0, ask_version);
    if (abi < 1) return 0;
    const ruleset wanted{file_rights(abi), abi >= 4 ? bind_tcp | connect_tcp : 0,
                         abi >= 6 ? abstract_sockets | signals : 0};
    const std::size_t known = abi >= 6   ? sizeof wanted
                              : abi >= 4 ? offsetof(ruleset, scoped)
                                         : offsetof(ruleset, net);
    const auto rules = static_cast<int>(::syscall(create_ruleset, &wanted, known, 0));
    if (rules < 0) return 0;
    for (const char* folder : {"/etc", "/usr", "/lib", "/lib64"}) {
        allow_path(rules, folder, read_file | read_folder);
    }
    // Often a link to a file of the process that manages it.
    for (const char* file : {"/etc/resolv.conf", "/etc/hosts", "/etc/nsswitch.conf"}) {
        allow_path(rules, file, read_file);
    }
    for (const std::uint16_t port : ports) {
        const port_rule rule{connect_tcp, port};
        if (wanted.net != 0) ::syscall(add_rule, rules, of_port, &rule, 0);
    }
    const bool done = ::syscall(restrict_self, rules, 0) == 0;
    ::close(rules);
    return done ? static_cast<int>(abi) : 0;
}

}  // namespace vultus::fetcher
