// vultus-decoder: decompresses photos for one worker, and may do nothing else (codec_process.hpp).
// Nobody starts it by hand. Exit code 0: the worker has ended, or the last answer said so; 1: it
// cannot be shut in.
#include <fcntl.h>
#include <malloc.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <new>
#include <thread>

#include "shared/base/privileges.hpp"
#include "workers/image/codec_messages.hpp"
#include "workers/image/image_codecs.hpp"
#include "workers/image/syscall_filter.hpp"

namespace {

using namespace vultus;
using namespace vultus::codec_messages;

answer refusal(errc code, std::string_view detail) {
    answer said{};
    said.why = static_cast<std::uint32_t>(code);
    detail.copy(said.detail, sizeof said.detail - 1);
    return said;
}

answer decode(char* memory, const question& asked) try {
    if (asked.bytes > photo_room) return refusal(errc::too_large, {});
    const std::string_view photo(memory, asked.bytes);
    const auto header = inspect_image(photo);
    if (!header) return refusal(header.error().code, header.error().detail);
    const auto stored = codecs::decode(photo, *header, asked.shrink);
    if (!stored) return refusal(stored.error().code, stored.error().detail);
    const image& picture = stored->picture;
    std::memcpy(memory + photo_room, picture.rgb.data(), picture.rgb.size());
    answer said{};
    said.width = picture.width;
    said.height = picture.height;
    said.orientation = static_cast<std::uint16_t>(stored->orientation);
    return said;
} catch (const std::bad_alloc&) {
    return refusal(errc::out_of_memory, "Not enough memory to decode the image");
}

/// libheif and its codecs cannot be told to stop, and may use several threads: the CPU time
/// of all of them is what counts.
void limit_time(bool on) {
    itimerval most{};
    most.it_value.tv_sec = on ? static_cast<time_t>(codecs::decode_seconds_max) : 0;
    ::setitimer(ITIMER_PROF, &most, nullptr);
}

answer too_slow;

void on_time_over(int) {
    ::send(socket_fd, &too_slow, sizeof too_slow, MSG_NOSIGNAL);
    ::_exit(0);
}

void prepare_time_limit() {
    too_slow = refusal(errc::too_large, "Decoding took too long");
    too_slow.ends = 1;
    ::signal(SIGPROF, on_time_over);
    sigset_t one;
    sigemptyset(&one);
    sigaddset(&one, SIGPROF);
    ::sigprocmask(SIG_UNBLOCK, &one, nullptr);
}

/// What the codecs of HEIC and AVIF would ask for at their first picture, while it may be had.
bool prepare_heif() {
    const int nowhere = ::open("/dev/null", O_WRONLY | O_CLOEXEC);
    if (nowhere < 0 || ::dup2(nowhere, STDERR_FILENO) < 0) return false;  // they print to it
    ::close(nowhere);
    std::thread([] {}).join();  // the C library's own signals, set at the first thread
    codecs::load_heif();
    prepare_time_limit();
    return true;
}

bool shut_in([[maybe_unused]] bool heif) {
    forbid_new_privileges();
#ifdef VULTUS_SANITIZED  // a sanitizer asks the system for more than a decoder should
    return true;
#else
    // 40 megapixels take 610 MB as HEIC, 505 as AVIF and 490 as progressive JPEG, with all that is
    // shared; a file whose codec wants more than its boxes promised ends here. A smaller limit of
    // the worker stays.
    rlimit address_space{};
    ::getrlimit(RLIMIT_AS, &address_space);
    address_space.rlim_cur = std::min<rlim_t>(address_space.rlim_cur, 1'536 * limits::mib);
    ::setrlimit(RLIMIT_AS, &address_space);
    return allow_memory_and_open_files_only(heif ? threads::some : threads::one);
#endif
}

}  // namespace

int main(int count, char** words) {
    if (count > 1 && std::string_view(words[1]) == "--version") {
        return std::puts("vultus-decoder " VULTUS_VERSION) < 0 ? 1 : 0;
    }
    const bool heif = count > 1 && std::string_view(words[1]) == heif_word;
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    void* const memory =
        ::mmap(nullptr, memory_bytes, PROT_READ | PROT_WRITE, MAP_SHARED, memory_fd, 0);
    if (memory == MAP_FAILED) {
        std::fputs("vultus-decoder: must be started by vultus-worker\n", stderr);
        return 1;
    }
    ::close_range(memory_fd + 1, ~0U, 0);  // what the worker has open without a mark to close it
    // One heap that grows and is kept: fresh pages for each picture would cost more than decoding.
    ::mallopt(M_MMAP_THRESHOLD, 1 << 30);
    ::mallopt(M_TRIM_THRESHOLD, int{2 * kept_bytes});
    ::mallopt(M_ARENA_MAX, 1);
    if ((heif && !prepare_heif()) || !shut_in(heif)) {
        std::fputs("vultus-decoder: cannot install the seccomp filter on this kernel\n", stderr);
        return 1;
    }
    question asked{};
    while (::recv(socket_fd, &asked, sizeof asked, 0) == ssize_t{sizeof asked}) {
        if (heif) limit_time(true);
        answer said = decode(static_cast<char*>(memory), asked);
        if (heif) limit_time(false);
        if (heif && said.width == 0) said.ends = 1;  // its libraries leak at broken files
        const bool heard =
            ::send(socket_fd, &said, sizeof said, MSG_NOSIGNAL) == ssize_t{sizeof said};
        if (!heard || said.ends != 0) return 0;
    }
    return 0;
}
