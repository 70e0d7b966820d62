// vultus-decoder: decompresses photos for one worker, and may do nothing else (codec_process.hpp).
// Nobody starts it by hand. Exit code 0: the worker has ended; 1: it cannot be shut in.
#include <malloc.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstring>

#include "shared/privileges.hpp"
#include "workers/codec_messages.hpp"
#include "workers/image_codecs.hpp"
#include "workers/syscall_filter.hpp"

namespace {

using namespace vultus;
using namespace vultus::codec_messages;

answer decode(char* memory, const question& asked) {
    answer said{};
    const auto refuse = [&said](const error& why) {
        said.why = static_cast<std::uint32_t>(why.code);
        why.detail.copy(said.detail, sizeof said.detail - 1);
        return said;
    };
    if (asked.bytes > photo_room) return refuse({errc::too_large, {}});
    const std::string_view photo(memory, asked.bytes);
    const auto header = inspect_image(photo);
    if (!header) return refuse(header.error());
    const auto picture = codecs::decode(photo, *header, asked.shrink);
    if (!picture) return refuse(picture.error());
    std::memcpy(memory + photo_room, picture->rgb.data(), picture->rgb.size());
    said.width = picture->width;
    said.height = picture->height;
    return said;
}

}  // namespace

int main() {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    void* const memory =
        ::mmap(nullptr, memory_bytes, PROT_READ | PROT_WRITE, MAP_SHARED, memory_fd, 0);
    if (memory == MAP_FAILED) {
        std::fputs("vultus-decoder: only vultus-worker starts it\n", stderr);
        return 1;
    }
    ::close_range(memory_fd + 1, ~0U, 0);  // what the worker has open without a mark to close it
    forbid_new_privileges();
#ifndef VULTUS_SANITIZED  // a sanitizer asks the system for more than a decoder should
    if (!allow_memory_and_open_files_only()) {
        std::fputs("vultus-decoder: this kernel cannot shut it in\n", stderr);
        return 1;
    }
#endif
    // One heap that grows and is kept: fresh pages for each picture would cost more than decoding.
    ::mallopt(M_MMAP_THRESHOLD, 1 << 30);
    ::mallopt(M_TRIM_THRESHOLD, int{2 * kept_bytes});
    question asked{};
    while (::recv(socket_fd, &asked, sizeof asked, 0) == ssize_t{sizeof asked}) {
        const answer said = decode(static_cast<char*>(memory), asked);
        if (::send(socket_fd, &said, sizeof said, MSG_NOSIGNAL) != ssize_t{sizeof said}) return 0;
    }
    return 0;
}
