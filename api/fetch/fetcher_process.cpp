// See fetcher_process.hpp.
#include "api/fetch/fetcher_process.hpp"

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <filesystem>
#include <utility>

#include "shared/base/log.hpp"

namespace vultus::api {
namespace {

using unix_socket = asio::local::stream_protocol::socket;
using boost::system::error_code;

constexpr std::chrono::milliseconds grace{1'000};  // beyond the order's time, which it keeps itself

void wait_for(pid_t pid) {
    while (::waitpid(pid, nullptr, 0) < 0 && errno == EINTR) {
    }
}

/// Waits for the end of a process that was killed or has answered.
asio::awaitable<void> reap(asio::io_context& io, pid_t pid) {
    const int end = static_cast<int>(::syscall(SYS_pidfd_open, pid, 0));
    if (end >= 0) {
        asio::posix::stream_descriptor ends(io, end);
        error_code ignored;
        co_await ends.async_wait(asio::posix::stream_descriptor::wait_read,
                                 asio::redirect_error(asio::use_awaitable, ignored));
    }
    wait_for(pid);
}

/// A running fetcher; ends it. The process gets no environment, which may hold secrets and
/// proxies, and no signals: those of a terminal are for the api, which finishes its requests first.
class process {
 public:
    process(asio::io_context& io, std::string program) : io_(io), link_(io) {
        std::array<int, 2> ends{};
        if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()) != 0) return;
        // Above fetcher_socket: dup2() onto itself would keep the mark that closes it.
        const int far = ::fcntl(ends[1], F_DUPFD_CLOEXEC, 10);
        ::close(ends[1]);
        if (far >= 0) spawn(program, far);
        if (far >= 0) ::close(far);
        error_code bad;
        if (pid_ > 0) link_.assign(asio::local::stream_protocol(), ends[0], bad);
        if (pid_ <= 0 || bad) ::close(ends[0]);
    }
    ~process() {
        if (pid_ <= 0) return;
        ::kill(pid_, SIGKILL);
        // A loop that is being destroyed takes no more work, and delays nobody.
        if (io_.stopped()) wait_for(pid_);
        if (!io_.stopped()) asio::co_spawn(io_, reap(io_, pid_), asio::detached);
    }
    process(const process&) = delete;
    process& operator=(const process&) = delete;

    bool runs() const noexcept { return pid_ > 0 && link_.is_open(); }
    unix_socket& link() noexcept { return link_; }
    bool is_late() const noexcept { return late_; }
    void end_late() noexcept {
        late_ = true;
        ::kill(pid_, SIGKILL);  // a zombie until reap(), so its id is still ours
    }

 private:
    void spawn(std::string& program, int far) {
        posix_spawn_file_actions_t actions;
        posix_spawnattr_t how;
        posix_spawn_file_actions_init(&actions);
        posix_spawn_file_actions_adddup2(&actions, far, fetcher_socket);
        posix_spawnattr_init(&how);
        sigset_t all;
        sigfillset(&all);
        posix_spawnattr_setsigmask(&how, &all);
        posix_spawnattr_setflags(&how, POSIX_SPAWN_SETSIGMASK);
        std::array<char*, 2> words{program.data(), nullptr};
        std::array<char*, 1> nothing{nullptr};
        pid_t made = 0;
        const int bad =
            ::posix_spawn(&made, program.c_str(), &actions, &how, words.data(), nothing.data());
        if (bad == 0) pid_ = made;
        if (bad != 0) log::error("no_fetcher", {{"errno", bad}});
        posix_spawnattr_destroy(&how);
        posix_spawn_file_actions_destroy(&actions);
    }

    asio::io_context& io_;
    unix_socket link_;
    pid_t pid_ = 0;
    bool late_ = false;
};

/// Reads the first line of the answer, and what came behind it.
asio::awaitable<result<fetch_answer>> read_head(unix_socket& link, std::string& rest) {
    std::array<char, 4'096> piece{};
    auto end = rest.npos;
    while ((end = rest.find('\n')) == rest.npos && rest.size() < fetch_message_bytes) {
        error_code bad;
        const auto size = co_await link.async_read_some(
            asio::buffer(piece), asio::redirect_error(asio::use_awaitable, bad));
        if (bad) co_return fail(errc::internal, "vultus-fetcher ended without an answer");
        rest.append(piece.data(), size);
    }
    if (end == rest.npos) co_return fail(errc::internal, "vultus-fetcher answered malformed");
    auto answer = parse_fetch_answer(std::string_view(rest).substr(0, end));
    rest.erase(0, end + 1);
    co_return answer;
}

asio::awaitable<result<fetch_reply>> converse(unix_socket& link, const fetch_order& order,
                                              const room_for_bytes& room) {
    const std::string text = text_of(order);
    error_code bad;
    co_await asio::async_write(link, asio::buffer(text),
                               asio::redirect_error(asio::use_awaitable, bad));
    if (bad) co_return fail(errc::internal, "vultus-fetcher ended without an answer");
    std::string photo;
    const auto answer = co_await read_head(link, photo);
    if (!answer) co_return fail(answer.error());
    if (answer->why) co_return fail(*answer->why);
    fetch_reply reply;
    reply.redirect = answer->redirect;
    if (!reply.redirect.empty()) co_return reply;
    if (answer->bytes > order.bytes_max || photo.size() > answer->bytes) {
        co_return fail(errc::internal, "vultus-fetcher answered more than it was asked for");
    }
    auto held = room(answer->bytes);
    if (!held) co_return fail(errc::queue_full, "Too many bytes of fetched photos in progress");
    const std::size_t front = photo.size();
    photo.resize(answer->bytes);
    co_await asio::async_read(link, asio::buffer(photo.data() + front, photo.size() - front),
                              asio::redirect_error(asio::use_awaitable, bad));
    if (bad) co_return fail(errc::internal, "vultus-fetcher ended in the middle of a photo");
    using both = std::pair<std::string, std::shared_ptr<const void>>;
    const auto kept = std::make_shared<const both>(std::move(photo), std::move(held));
    reply.photo = shared_bytes(kept, kept->first);
    co_return reply;
}

}  // namespace

asio::awaitable<result<fetch_reply>> run_fetcher(asio::io_context& io, std::string program,
                                                 fetch_order order, room_for_bytes room) {
    const auto runs = std::make_shared<process>(io, std::move(program));
    if (!runs->runs()) co_return fail(errc::internal, "vultus-fetcher cannot be started");
    asio::steady_timer timer(io);
    timer.expires_after(order.time + grace);
    // The handler may be due already when the timer is cancelled, and run after this function.
    timer.async_wait([weak = std::weak_ptr<process>(runs)](error_code cancelled) {
        const auto still = weak.lock();
        if (!cancelled && still) still->end_late();  // and the reads below end
    });
    auto reply = co_await converse(runs->link(), order, room);
    timer.cancel();
    if (runs->is_late())
        co_return fail(errc::fetch_failed, "Server " + order.url.host + " took too long");
    co_return reply;
}

result<std::string> find_fetcher() {
    std::error_code bad;
    const auto here = std::filesystem::read_symlink("/proc/self/exe", bad);
    const std::string beside = (here.parent_path() / "vultus-fetcher").string();
    if (bad || ::access(beside.c_str(), X_OK) != 0) {
        return fail(errc::not_found, "vultus-fetcher is not in the folder of vultus-api");
    }
    return beside;
}

}  // namespace vultus::api
