// See confine.hpp. A filter is a program for the kernel's small machine: it reads fields of
// seccomp_data and returns what is to happen. The number of the call is loaded before each test.
#include "api/fetcher/confine.hpp"

#include <fcntl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <vector>

#include "shared/base/limits.hpp"

namespace vultus::fetcher {
namespace {

constexpr unsigned die = SECCOMP_RET_KILL_PROCESS, go_on = SECCOMP_RET_ALLOW;
constexpr unsigned refuse = SECCOMP_RET_ERRNO | EACCES;

// Both stages: sockets that exist, memory, time.
constexpr unsigned allowed[] = {
    SYS_read,          SYS_write,        SYS_readv,        SYS_writev,
    SYS_recvfrom,      SYS_sendto,       SYS_recvmsg,      SYS_sendmsg,
    SYS_connect,       SYS_getsockopt,   SYS_setsockopt,   SYS_getsockname,
    SYS_getpeername,   SYS_shutdown,     SYS_poll,         SYS_ppoll,
    SYS_select,        SYS_pselect6,     SYS_close,        SYS_munmap,
    SYS_mremap,        SYS_brk,          SYS_madvise,      SYS_futex,
    SYS_clock_gettime, SYS_gettimeofday, SYS_nanosleep,    SYS_clock_nanosleep,
    SYS_getrandom,     SYS_rt_sigreturn, SYS_rt_sigaction, SYS_rt_sigprocmask,
    SYS_sched_yield,   SYS_getpid,       SYS_gettid,       SYS_exit,
    SYS_exit_group};

constexpr unsigned allowed_to_look_up[] = {
    SYS_lseek,    SYS_pread64,  SYS_fstat,   SYS_newfstatat, SYS_stat,     SYS_access,
    SYS_readlink, SYS_uname,    SYS_getcwd,  SYS_bind,       SYS_sendmmsg, SYS_recvmmsg,
    SYS_mmap,     SYS_mprotect, SYS_ioctl,   SYS_getuid,     SYS_geteuid,  SYS_getgid,
    SYS_getegid,  SYS_statfs,   SYS_fstatfs, SYS_getdents64};

// Libraries try these, and can do without: threads, names of threads, files, wake-up pairs.
constexpr unsigned refused[] = {
    SYS_open,   SYS_stat,       SYS_access, SYS_readlink, SYS_newfstatat,
    SYS_fstat,  SYS_socketpair, SYS_pipe2,  SYS_eventfd2, SYS_clone,
    SYS_clone3, SYS_prctl,      SYS_ioctl,  SYS_uname,    SYS_sched_getaffinity,
    SYS_getuid, SYS_geteuid,    SYS_getgid, SYS_getegid};

sock_filter load(std::size_t offset) {
    return BPF_STMT(BPF_LD | BPF_W | BPF_ABS, static_cast<unsigned>(offset));
}
sock_filter load_argument(unsigned number) {
    return load(offsetof(seccomp_data, args) + number * sizeof(std::uint64_t));
}
sock_filter skip_unless_equal(unsigned value, unsigned char instructions) {
    return BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, value, 0, instructions);
}
sock_filter skip_if_any(unsigned bits, unsigned char instructions) {
    return BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, bits, instructions, 0);
}
sock_filter end_with(unsigned what) {
    return BPF_STMT(BPF_RET | BPF_K, what);
}

using program = std::vector<sock_filter>;

void add(program& to, std::initializer_list<sock_filter> instructions) {
    to.insert(to.end(), instructions);
}

template <std::size_t Count>
void add_calls(program& to, const unsigned (&calls)[Count], unsigned what) {
    for (const unsigned call : calls) add(to, {skip_unless_equal(call, 1), end_with(what)});
}

/// Sockets of these families; to transfer, of TCP only. Others are refused: a Unix socket could be
/// that of Redis.
void add_socket(program& to, stage now) {
    constexpr unsigned types = 0xF;  // beside SOCK_NONBLOCK and SOCK_CLOEXEC
    std::vector<unsigned> families{AF_INET, AF_INET6};
    if (now == stage::look_up) families.push_back(AF_NETLINK);
    program checks{load_argument(0)};
    for (const unsigned family : families) {
        if (now == stage::look_up) {
            add(checks, {skip_unless_equal(family, 1), end_with(go_on)});
            continue;
        }
        add(checks, {skip_unless_equal(family, 4), load_argument(1),
                     BPF_STMT(BPF_ALU | BPF_AND | BPF_K, types), skip_unless_equal(SOCK_STREAM, 1),
                     end_with(go_on), load_argument(0)});
    }
    checks.push_back(end_with(refuse));
    to.push_back(skip_unless_equal(SYS_socket, static_cast<unsigned char>(checks.size())));
    to.insert(to.end(), checks.begin(), checks.end());
}

/// fcntl() for flags of descriptors, and no locks, leases or signals.
void add_fcntl(program& to) {
    add(to, {skip_unless_equal(SYS_fcntl, 10), load_argument(1), skip_unless_equal(F_GETFD, 1),
             end_with(go_on), skip_unless_equal(F_SETFD, 1), end_with(go_on),
             skip_unless_equal(F_GETFL, 1), end_with(go_on), skip_unless_equal(F_SETFL, 1),
             end_with(go_on), end_with(refuse)});
}

void add_memory(program& to) {
    for (const unsigned call : {unsigned{SYS_mmap}, unsigned{SYS_mprotect}}) {
        add(to, {skip_unless_equal(call, 4), load_argument(2), skip_if_any(PROT_EXEC, 1),
                 end_with(go_on), end_with(die)});
    }
}

/// Files for reading; to transfer, none.
void add_openat(program& to, stage now) {
    if (now == stage::transfer) {
        add(to, {skip_unless_equal(SYS_openat, 1), end_with(refuse)});
        return;
    }
    add(to, {skip_unless_equal(SYS_openat, 4), load_argument(2),
             skip_if_any(O_WRONLY | O_RDWR | O_CREAT | O_TRUNC | O_APPEND, 1), end_with(go_on),
             end_with(refuse)});
}

/// The next filter, and nothing else.
void add_prctl(program& to) {
    add(to, {skip_unless_equal(SYS_prctl, 4), load_argument(0),
             skip_unless_equal(PR_SET_SECCOMP, 1), end_with(go_on), end_with(refuse)});
}

void limit(int what, rlim_t to) noexcept {
    rlimit now{};
    ::getrlimit(static_cast<__rlimit_resource>(what), &now);
    now.rlim_max = now.rlim_cur = now.rlim_max < to ? now.rlim_max : to;
    ::setrlimit(static_cast<__rlimit_resource>(what), &now);
}

}  // namespace

void limit_resources() noexcept {
    limit(RLIMIT_AS, 512 * limits::mib);  // libcurl, OpenSSL and twice a photo take 80
    limit(RLIMIT_CPU, 20);
    limit(RLIMIT_NOFILE, 32);
    limit(RLIMIT_FSIZE, 0);
    limit(RLIMIT_CORE, 0);
}

bool confine([[maybe_unused]] stage to) noexcept {
#ifdef __x86_64__
    program filter{load(offsetof(seccomp_data, arch)), skip_unless_equal(AUDIT_ARCH_X86_64, 2),
                   load(offsetof(seccomp_data, nr)), BPF_JUMP(BPF_JMP | BPF_JA, 1, 0, 0),
                   end_with(die)};
    add_calls(filter, allowed, go_on);
    // Each of these loads an argument only once the number is its own, and then ends.
    add_socket(filter, to);
    add_fcntl(filter);
    add_openat(filter, to);
    if (to == stage::look_up) {
        add_prctl(filter);
        add_calls(filter, allowed_to_look_up, go_on);
    } else {
        add_memory(filter);
    }
    add_calls(filter, refused, refuse);
    filter.push_back(end_with(die));
    const sock_fprog whole{static_cast<unsigned short>(filter.size()), filter.data()};
    return ::prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &whole) == 0;
#else
    return false;
#endif
}

}  // namespace vultus::fetcher
