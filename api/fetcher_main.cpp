// vultus-fetcher: makes one HTTP request for vultus-api, in a process that can do nothing else
// (fetcher/confine.hpp, landlock.hpp), and ends. Nobody starts it by hand. Exit code 0: it
// answered; 1: it has no order, or cannot be confined.
#include <signal.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <cstdio>
#include <string_view>

#include "api/fetcher/confine.hpp"
#include "api/fetcher/landlock.hpp"
#include "api/fetcher/serve.hpp"
#include "shared/base/privileges.hpp"

namespace {

using namespace vultus;

[[maybe_unused]] constexpr std::uint16_t domain_port = 53;  ///< long answers of DNS come over TCP

bool confined([[maybe_unused]] fetcher::stage to) {
#ifdef VULTUS_SANITIZED  // a sanitizer asks the system for more than a fetcher should
    return true;
#else
    return fetcher::confine(to);
#endif
}

}  // namespace

int main(int count, char** words) {
    if (count > 1 && std::string_view(words[1]) == "--version") {
        return std::puts("vultus-fetcher " VULTUS_VERSION) < 0 ? 1 : 0;
    }
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    ::close_range(fetcher_socket + 1, ~0U, 0);  // what the api has open without a mark to close it
    const auto order = fetcher::read_order(fetcher_socket);
    if (!order) {
        std::fputs("vultus-fetcher: must be started by vultus-api\n", stderr);
        return 1;
    }
    forbid_new_privileges();
    const auto trusted = fetcher::prepare_transfer(*order);
    if (!trusted) {
        fetcher::write_answer(fetcher_socket, fail(trusted.error()));
        return 0;
    }
#ifndef VULTUS_SANITIZED
    fetcher::limit_resources();
    fetcher::restrict_access({order->url.port, domain_port});  // where the kernel has Landlock
#endif
    if (!confined(fetcher::stage::look_up)) {
        std::fputs("vultus-fetcher: cannot install the seccomp filter on this kernel\n", stderr);
        return 1;
    }
    const auto narrow = [] { return confined(fetcher::stage::transfer); };
    fetcher::write_answer(fetcher_socket,
                          fetcher::carry_out(*order, *trusted, fetcher::ask_system, narrow));
    ::_exit(0);  // destructors of libraries would ask for more than is left
}
