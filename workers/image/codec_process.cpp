// See codec_process.hpp.
#include "workers/image/codec_process.hpp"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstring>
#include <filesystem>

#include "shared/base/limits.hpp"
#include "shared/base/log.hpp"
#include "shared/base/require.hpp"
#include "workers/image/codec_messages.hpp"

namespace vultus {
namespace {

using namespace codec_messages;
using std::chrono::steady_clock;

enum class heard { answer, end, nothing };

}  // namespace

struct codec_process::state {
    state(std::string path, std::chrono::milliseconds most, std::atomic<std::uint64_t>* count)
        : program(std::move(path)), patience(most), lost(count) {}
    ~state() {
        end();
        if (memory != nullptr) ::munmap(memory, memory_bytes);
        if (memory_file >= 0) ::close(memory_file);
    }

    bool has_memory() {
        if (memory != nullptr) return true;
        if (memory_file < 0) memory_file = ::memfd_create("vultus-photo", MFD_CLOEXEC);
        if (memory_file < 0 || ::ftruncate(memory_file, off_t{memory_bytes}) != 0) return false;
        void* const at =
            ::mmap(nullptr, memory_bytes, PROT_READ | PROT_WRITE, MAP_SHARED, memory_file, 0);
        if (at == MAP_FAILED) return false;
        memory = static_cast<char*>(at);
        return true;
    }

    /// dup2 takes the close-on-exec mark away; where source and place are one, it would not. All
    /// signals are blocked: what a terminal or a supervisor sends to the whole group is for the
    /// worker, which finishes its photos first.
    int spawn(int far, int file, bool heif) {
        posix_spawn_file_actions_t actions;
        posix_spawnattr_t how;
        posix_spawn_file_actions_init(&actions);
        posix_spawn_file_actions_adddup2(&actions, far, socket_fd);
        posix_spawn_file_actions_adddup2(&actions, file, memory_fd);
        posix_spawnattr_init(&how);
        sigset_t all;
        sigfillset(&all);
        posix_spawnattr_setsigmask(&how, &all);
        posix_spawnattr_setflags(&how, POSIX_SPAWN_SETSIGMASK);
        std::string word(heif ? heif_word : "");
        std::array<char*, 3> words{program.data(), heif ? word.data() : nullptr, nullptr};
        std::array<char*, 1> nothing{nullptr};  // no environment: it needs none of our secrets
        pid_t made = 0;
        const int bad =
            ::posix_spawn(&made, program.c_str(), &actions, &how, words.data(), nothing.data());
        posix_spawnattr_destroy(&how);
        posix_spawn_file_actions_destroy(&actions);
        if (bad == 0) pid = made;
        return bad;
    }

    bool start(bool heif) {
        reap();
        if (pid > 0 && heif == reads_heif) return true;
        end();
        std::array<int, 2> ends{};
        if (!has_memory() ||
            ::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends.data()) != 0) {
            return complain(errno);
        }
        const int far = ::fcntl(ends[1], F_DUPFD_CLOEXEC, 10);
        const int file = ::fcntl(memory_file, F_DUPFD_CLOEXEC, 10);
        const int bad = far >= 0 && file >= 0 ? spawn(far, file, heif) : errno;
        ::close(ends[1]);
        if (far >= 0) ::close(far);
        if (file >= 0) ::close(file);
        if (bad != 0) {
            ::close(ends[0]);
            return complain(bad);
        }
        link = ends[0];
        reads_heif = heif;
        return true;
    }

    bool complain(int number) const {
        log::error("no_decoder", {{"errno", number}});
        return false;
    }

    void end() {
        if (pid <= 0) return;
        ::kill(pid, SIGKILL);
        while (::waitpid(pid, nullptr, 0) < 0 && errno == EINTR) {
        }
        ::close(link);
        pid = 0;
    }

    void count_lost() {
        if (lost != nullptr) lost->fetch_add(1, std::memory_order_relaxed);
    }

    void reap() {
        int status = 0;
        if (pid <= 0 || ::waitpid(pid, &status, WNOHANG) != pid) return;
        count_lost();
        log::warning("decoder_ended",
                     {{"pid", pid}, {"signal", WIFSIGNALED(status) ? WTERMSIG(status) : 0}});
        ::close(link);
        pid = 0;
    }

    /// Of another collection: neither process nor photo stays.
    void forget() {
        end();
        if (used && memory != nullptr) ::madvise(memory, memory_bytes, MADV_REMOVE);
        used = false;
    }

    heard ask(const question& what, answer& said, steady_clock::time_point until) {
        used = true;
        if (::send(link, &what, sizeof what, MSG_NOSIGNAL) != ssize_t{sizeof what}) {
            return heard::end;
        }
        pollfd waiting{link, POLLIN, 0};
        int ready = 0;
        do {
            const auto left =
                std::chrono::duration_cast<std::chrono::milliseconds>(until - steady_clock::now());
            ready = ::poll(&waiting, 1, static_cast<int>(std::max<std::int64_t>(left.count(), 0)));
        } while (ready < 0 && errno == EINTR);
        if (ready == 0) return heard::nothing;
        const bool whole =
            ready == 1 && ::recv(link, &said, sizeof said, 0) == ssize_t{sizeof said};
        return whole ? heard::answer : heard::end;
    }

    std::string program, owner;
    const std::chrono::milliseconds patience;
    std::atomic<std::uint64_t>* const lost;
    int memory_file = -1, link = -1;
    char* memory = nullptr;
    pid_t pid = 0;
    bool reads_heif = false, used = false;
};

codec_process::codec_process(std::string program, std::chrono::milliseconds patience,
                             std::atomic<std::uint64_t>* lost)
    : state_(std::make_unique<state>(std::move(program), patience, lost)) {}

codec_process::~codec_process() = default;

int codec_process::pid() const noexcept {
    return state_->pid;
}

void codec_process::reap() {
    state_->reap();
}

void codec_process::serve(std::string_view collection) {
    if (state_->owner == collection) return;
    state_->owner = collection;
    state_->forget();
}

namespace {

/// It may say what an attacker wants; so only what we know already is believed.
result<stored_picture> taken(const answer& said, const char* pixels, const image_header& header,
                             std::uint32_t shrink) {
    const std::uint32_t width = (header.width + shrink - 1) / shrink;
    const std::uint32_t height = (header.height + shrink - 1) / shrink;
    if (said.width != width || said.height != height) {
        const auto why = static_cast<errc>(said.why);
        const bool known = why == errc::truncated_image || why == errc::too_large ||
                           why == errc::unsupported_media || why == errc::out_of_memory;
        const std::string_view detail(said.detail, sizeof said.detail);
        return fail(known ? why : errc::undecodable_image,
                    std::string(detail.substr(0, detail.find('\0'))));
    }
    stored_picture stored;
    stored.orientation = said.orientation >= 1 && said.orientation <= 8 ? said.orientation : 1;
    stored.picture.width = width;
    stored.picture.height = height;
    stored.picture.rgb.assign(pixels, pixels + std::size_t{width} * height * 3);
    return stored;
}

}  // namespace

result<stored_picture> codec_process::decode(std::string_view bytes, const image_header& header,
                                             std::uint32_t shrink) {
    VULTUS_REQUIRE(bytes.size() <= photo_room, "photos are at most as large as a body");
    const bool heif = is_heif(header.format);
    const auto until = steady_clock::now() + state_->patience;
    error why{errc::no_worker, "Decoder exited before the photo was decoded"};
    for (int attempt = 0; attempt < 2; ++attempt) {
        if (!state_->start(heif)) {
            return fail(errc::device_fault, "Decoder process cannot be started");
        }
        std::memcpy(state_->memory, bytes.data(), bytes.size());
        answer said{};
        const heard what = state_->ask({bytes.size(), shrink}, said, until);
        if (what != heard::answer) {
            log::warning("decoder_lost", {{"pid", state_->pid},
                                          {"format", name_of(header.format)},
                                          {"hangs", what == heard::nothing}});
            state_->count_lost();
            state_->end();
            if (what == heard::nothing) break;
            continue;
        }
        auto stored = taken(said, state_->memory + photo_room, header, shrink);
        if (stored && stored->picture.rgb.size() > kept_bytes) {
            ::madvise(state_->memory + photo_room, pixel_room, MADV_REMOVE);
        }
        const bool short_of_memory = !stored && stored.error().code == errc::out_of_memory;
        if (short_of_memory) state_->count_lost();
        if (said.ends != 0 || short_of_memory) state_->end();
        if (!short_of_memory) return stored;
        why = stored.error();
    }
    return fail(std::move(why));
}

result<std::string> tried_decoder() {
    std::error_code bad;
    const auto here = std::filesystem::read_symlink("/proc/self/exe", bad);
    const std::string beside = (here.parent_path() / "vultus-decoder").string();
    if (bad || ::access(beside.c_str(), X_OK) != 0) {
        return fail(errc::not_found, "vultus-decoder is not in the folder of vultus-worker");
    }
    const auto sample = encode_jpeg(image(16, 8), 90);
    codec_process trial(beside);
    const auto tried = sample ? decode_image(*sample, &trial) : fail(sample.error());
    if (tried) return beside;
    const bool passes = retryable(tried.error().code) || tried.error().code == errc::device_fault;
    return fail(passes ? tried.error().code : errc::internal,
                "vultus-decoder failed its self-test (" + tried.error().detail +
                    "): worker.separate_decoder = false disables it");
}

}  // namespace vultus
