// See syscall_filter.hpp. A filter is a program for the kernel's small machine: it reads fields of
// seccomp_data and returns what is to happen.
#include "workers/image/syscall_filter.hpp"

#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace vultus {
namespace {

constexpr unsigned allowed[] = {SYS_read,   SYS_write,         SYS_recvfrom,  SYS_sendto,
                                SYS_munmap, SYS_mremap,        SYS_brk,       SYS_madvise,
                                SYS_futex,  SYS_clock_gettime, SYS_getrandom, SYS_rt_sigreturn,
                                SYS_exit,   SYS_exit_group};
constexpr unsigned allowed_unless_run[] = {SYS_mmap, SYS_mprotect};  // PROT_EXEC in argument 2

// What pthread_create, a thread's end and the timer of its CPU time ask for (glibc 2.36).
constexpr unsigned allowed_with_threads[] = {SYS_rt_sigprocmask, SYS_set_robust_list, SYS_rseq,
                                             SYS_setitimer,      SYS_sched_yield,     SYS_gettid};
constexpr unsigned of_a_thread = CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD |
                                 CLONE_SYSVSEM | CLONE_SETTLS | CLONE_PARENT_SETTID |
                                 CLONE_CHILD_CLEARTID;
struct refused_call {
    unsigned number;
    unsigned error;
};
// Those that a library can do without: names of threads, and how many CPUs there are.
constexpr refused_call refused_with_threads[] = {
    {SYS_clone3, ENOSYS}, {SYS_sched_getaffinity, EPERM}, {SYS_prctl, EPERM}};

constexpr auto load = [](std::size_t offset) {
    return sock_filter(BPF_STMT(BPF_LD | BPF_W | BPF_ABS, static_cast<unsigned>(offset)));
};
constexpr auto skip_unless_equal = [](unsigned value, unsigned char instructions) {
    return sock_filter(BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, value, 0, instructions));
};
constexpr auto end_with = [](unsigned what) {
    return sock_filter(BPF_STMT(BPF_RET | BPF_K, what));
};
constexpr unsigned die = SECCOMP_RET_KILL_PROCESS, go_on = SECCOMP_RET_ALLOW;

/// The number of the call is loaded before and behind it.
void add_threads(std::vector<sock_filter>& program) {
    for (const unsigned call : allowed_with_threads) {
        program.push_back(skip_unless_equal(call, 1));
        program.push_back(end_with(go_on));
    }
    for (const refused_call& one : refused_with_threads) {
        program.push_back(skip_unless_equal(one.number, 1));
        program.push_back(end_with(SECCOMP_RET_ERRNO | one.error));
    }
    program.push_back(skip_unless_equal(SYS_clone, 6));
    program.push_back(load(offsetof(seccomp_data, args) + sizeof(std::uint32_t)));
    program.push_back(skip_unless_equal(0, 3));
    program.push_back(load(offsetof(seccomp_data, args)));
    program.push_back(skip_unless_equal(of_a_thread, 1));
    program.push_back(end_with(go_on));
    program.push_back(end_with(die));
}

}  // namespace

bool allow_memory_and_open_files_only(threads how_many) noexcept {
#ifdef __x86_64__
    std::vector<sock_filter> program{
        load(offsetof(seccomp_data, arch)), skip_unless_equal(AUDIT_ARCH_X86_64, 2),
        load(offsetof(seccomp_data, nr)), BPF_JUMP(BPF_JMP | BPF_JA, 1, 0, 0), end_with(die)};
    for (const unsigned call : allowed) {
        program.push_back(skip_unless_equal(call, 1));
        program.push_back(end_with(go_on));
    }
    for (const unsigned call : allowed_unless_run) {
        program.push_back(skip_unless_equal(call, 4));
        program.push_back(load(offsetof(seccomp_data, args) + 2 * sizeof(std::uint64_t)));
        program.push_back(BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, PROT_EXEC, 1, 0));
        program.push_back(end_with(go_on));
        program.push_back(end_with(die));
    }
    if (how_many == threads::some) add_threads(program);
    program.push_back(end_with(die));
    const sock_fprog whole{static_cast<unsigned short>(program.size()), program.data()};
    return ::prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &whole) == 0;
#else
    return false;
#endif
}

}  // namespace vultus
