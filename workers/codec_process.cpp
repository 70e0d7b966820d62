// See codec_process.hpp.
#include "workers/codec_process.hpp"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cstring>
#include <filesystem>

#include "shared/limits.hpp"
#include "shared/log.hpp"
#include "shared/require.hpp"
#include "workers/codec_messages.hpp"

namespace vultus {
namespace {

using namespace codec_messages;

// Codecs stop after 5 s of processor time; a busy machine may need longer for them. The watchdog
// of the worker waits for twice limits::progress.
constexpr std::chrono::milliseconds patience{9'000};

}  // namespace

struct codec_process::state {
    explicit state(std::string path) : program(std::move(path)) {}
    ~state() {
        end();
        if (memory != nullptr) ::munmap(memory, memory_bytes);
        if (memory_file >= 0) ::close(memory_file);
    }

    bool has_memory() {
        if (memory != nullptr) return true;
        if (memory_file < 0) memory_file = ::memfd_create("vultus-photo", MFD_CLOEXEC);
        if (memory_file < 0 || ::ftruncate(memory_file, off_t{memory_bytes}) != 0) return false;
        void* const at = ::mmap(nullptr, memory_bytes, PROT_READ | PROT_WRITE, MAP_SHARED,
                                memory_file, 0);
        if (at == MAP_FAILED) return false;
        memory = static_cast<char*>(at);
        return true;
    }

    /// dup2 takes the close-on-exec mark away; where source and place are one, it would not.
    bool start() {
        if (pid > 0) return true;
        std::array<int, 2> ends{};
        if (!has_memory() ||
            ::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends.data()) != 0) {
            return false;
        }
        const int far = ::fcntl(ends[1], F_DUPFD_CLOEXEC, 10);
        const int file = ::fcntl(memory_file, F_DUPFD_CLOEXEC, 10);
        ::close(ends[1]);
        posix_spawn_file_actions_t actions;
        posix_spawnattr_t how;
        posix_spawn_file_actions_init(&actions);
        posix_spawn_file_actions_adddup2(&actions, far, socket_fd);
        posix_spawn_file_actions_adddup2(&actions, file, memory_fd);
        posix_spawnattr_init(&how);
        sigset_t none;
        sigemptyset(&none);
        posix_spawnattr_setsigmask(&how, &none);
        posix_spawnattr_setflags(&how, POSIX_SPAWN_SETSIGMASK);
        std::array<char*, 2> words{program.data(), nullptr};
        std::array<char*, 1> nothing{nullptr};  // no environment: it needs none of our secrets
        const int bad = ::posix_spawn(&pid, program.c_str(), &actions, &how, words.data(),
                                      nothing.data());
        if (bad != 0) pid = 0;
        posix_spawnattr_destroy(&how);
        posix_spawn_file_actions_destroy(&actions);
        ::close(far);
        ::close(file);
        if (pid == 0) {
            ::close(ends[0]);
            return false;
        }
        link = ends[0];
        return true;
    }

    void end() {
        if (pid <= 0) return;
        ::close(link);
        ::kill(pid, SIGKILL);
        while (::waitpid(pid, nullptr, 0) < 0 && errno == EINTR) {}
        pid = 0;
    }

    bool ask(const question& what, answer& said) {
        if (::send(link, &what, sizeof what, MSG_NOSIGNAL) != ssize_t{sizeof what}) return false;
        pollfd waiting{link, POLLIN, 0};
        int ready = 0;
        do {
            ready = ::poll(&waiting, 1, static_cast<int>(patience.count()));
        } while (ready < 0 && errno == EINTR);
        return ready == 1 && ::recv(link, &said, sizeof said, 0) == ssize_t{sizeof said};
    }

    std::string program;
    int memory_file = -1, link = -1;
    char* memory = nullptr;
    pid_t pid = 0;
};

codec_process::codec_process(std::string program)
    : state_(std::make_unique<state>(std::move(program))) {}

codec_process::~codec_process() = default;

int codec_process::pid() const noexcept { return state_->pid; }

result<image> codec_process::decode(std::string_view bytes, const image_header& header,
                                    std::uint32_t shrink) {
    VULTUS_REQUIRE(bytes.size() <= photo_room, "photos are at most as large as a body");
    if (!state_->start()) return fail(errc::out_of_memory, "no process to decode photos with");
    std::memcpy(state_->memory, bytes.data(), bytes.size());
    answer said{};
    if (!state_->ask({bytes.size(), shrink}, said)) {
        log::warning("decoder_ended", {{"pid", state_->pid}, {"format", name_of(header.format)}});
        state_->end();
        return fail(errc::undecodable_image, "the photo cannot be decoded");
    }
    // From here on it may say what an attacker wants; so only what we know already is believed.
    const std::uint32_t width = (header.width + shrink - 1) / shrink;
    const std::uint32_t height = (header.height + shrink - 1) / shrink;
    if (said.width != width || said.height != height) {
        said.detail[sizeof said.detail - 1] = '\0';
        const auto why = static_cast<errc>(said.why);
        const bool known = why == errc::truncated_image || why == errc::too_large;
        return fail(known ? why : errc::undecodable_image, said.detail);
    }
    image picture;
    picture.width = width;
    picture.height = height;
    const char* const pixels = state_->memory + photo_room;
    const std::size_t size = std::size_t{width} * height * 3;
    picture.rgb.assign(pixels, pixels + size);
    if (size > kept_bytes) ::madvise(state_->memory + photo_room, pixel_room, MADV_REMOVE);
    return picture;
}

result<std::string> tried_decoder() {
    std::error_code bad;
    const auto here = std::filesystem::read_symlink("/proc/self/exe", bad);
    const std::string beside = (here.parent_path() / "vultus-decoder").string();
    if (bad || ::access(beside.c_str(), X_OK) != 0) {
        return fail(errc::not_found, "vultus-decoder is not beside vultus-worker");
    }
    const auto sample = encode_jpeg(image(16, 8), 90);
    codec_process trial(beside);
    if (sample && decode_image(*sample, &trial)) return beside;
    return fail(errc::internal, "vultus-decoder does not work here; "
                                "worker.separate_decoder = false goes without it");
}

}  // namespace vultus
