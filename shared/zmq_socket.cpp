// ZeroMQ sockets with every option set on purpose (PROTOCOL.md, "Sockets"). The only file with zmq.
#include "shared/zmq_socket.hpp"

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>
#include <zmq.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <cstring>

#include "shared/limits.hpp"
#include "shared/require.hpp"

namespace vultus {
namespace {

constexpr std::size_t frames_max = 16;
constexpr std::string_view ipc = "ipc://";
constexpr std::string_view tcp = "tcp://";

// Answered by ZeroMQ's own thread: they notice a dead host, not a hung process.
constexpr int heartbeat_ivl_ms = static_cast<int>(limits::heartbeat.count());
constexpr int heartbeat_timeout_ms = heartbeat_ivl_ms * limits::heartbeats_missed;
constexpr int reconnect_first_ms = 100;
constexpr int reconnect_last_ms = 5'000;
constexpr int handshake_ms = 5'000;

void set(void* socket, int option, int value) {
    VULTUS_REQUIRE(zmq_setsockopt(socket, option, &value, sizeof value) == 0,
                   "ZeroMQ knows the option and takes the value");
}

void set_options(void* socket, const std::string& endpoint, const zmq_options& options) {
    const bool over_tcp = endpoint.starts_with(tcp);
    set(socket, ZMQ_LINGER, static_cast<int>(options.linger.count()));
    set(socket, ZMQ_SNDHWM, options.high_water);
    set(socket, ZMQ_RCVHWM, options.high_water);
    set(socket, ZMQ_HEARTBEAT_IVL, heartbeat_ivl_ms);
    set(socket, ZMQ_HEARTBEAT_TIMEOUT, heartbeat_timeout_ms);
    set(socket, ZMQ_HEARTBEAT_TTL, heartbeat_timeout_ms);
    set(socket, ZMQ_RECONNECT_IVL, reconnect_first_ms);
    set(socket, ZMQ_RECONNECT_IVL_MAX, reconnect_last_ms);
    set(socket, ZMQ_HANDSHAKE_IVL, handshake_ms);
    set(socket, ZMQ_TCP_KEEPALIVE, over_tcp ? 1 : -1);  // -1: leave it to the system
    set(socket, ZMQ_IPV6, over_tcp ? 1 : 0);
    const std::int64_t largest = options.message_bytes_max;
    VULTUS_REQUIRE(zmq_setsockopt(socket, ZMQ_MAXMSGSIZE, &largest, sizeof largest) == 0,
                   "a size is taken");
}

/// Why an endpoint of this text cannot be used, or nothing.
std::optional<error> refused(const std::string& endpoint) {
    if (!endpoint.starts_with(ipc) && !endpoint.starts_with(tcp) &&
        !endpoint.starts_with("inproc://")) {
        return error{errc::malformed, "an endpoint starts with ipc:// or tcp://: " + endpoint};
    }
    constexpr std::size_t path_max = sizeof(sockaddr_un::sun_path) - 1;
    if (endpoint.starts_with(ipc) && (endpoint.size() - ipc.size() > path_max ||
                                      endpoint.size() == ipc.size())) {
        return error{errc::malformed,
                     "the path of an ipc endpoint has 1 to 107 bytes: " + endpoint};
    }
    return std::nullopt;
}

/// True if somebody listens on the endpoint's path. ZeroMQ would unlink the path and take it over,
/// and the other process would wait for ever.
bool somebody_listens(const std::string& endpoint) {
    if (!endpoint.starts_with(ipc)) return false;
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::memcpy(address.sun_path, endpoint.data() + ipc.size(), endpoint.size() - ipc.size());
    const int fd = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0) return false;
    const int outcome = ::connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address);
    const bool listens = outcome == 0 || errno == EAGAIN;
    ::close(fd);
    return listens;
}

tl::unexpected<error> failed(const char* verb, const std::string& endpoint) {
    const int why = zmq_errno();
    const bool text = why == EINVAL || why == EPROTONOSUPPORT || why == ENOCOMPATPROTO;
    return fail(text ? errc::malformed : errc::store_unavailable,
                std::string(verb) + " " + endpoint + ": " + zmq_strerror(why));
}

void close_message(zmq_msg_t& message) { zmq_msg_close(&message); }

}  // namespace

struct zmq_context::state {
    void* native = nullptr;
};

zmq_context::zmq_context() : state_(std::make_unique<state>()) {
    state_->native = zmq_ctx_new();
    VULTUS_REQUIRE(state_->native != nullptr, "ZeroMQ has a context for us");
    zmq_ctx_set(state_->native, ZMQ_IO_THREADS, 1);
}

zmq_context::~zmq_context() {
    while (zmq_ctx_term(state_->native) != 0 && zmq_errno() == EINTR) {
    }
}

void* zmq_context::native() const noexcept { return state_->native; }

struct zmq_socket::state {
    void* native = nullptr;
    void* monitor = nullptr;  ///< hears of lost connections
    std::uint64_t losses = 0;
    state() = default;
    state(const state&) = delete;
    state& operator=(const state&) = delete;
    ~state() {
        if (monitor != nullptr) {
            zmq_socket_monitor(native, nullptr, 0);  // first, or ZeroMQ's thread waits for a reader
            zmq_close(monitor);
        }
        if (native != nullptr) zmq_close(native);
    }
};

zmq_socket::zmq_socket(std::unique_ptr<state> made) : state_(std::move(made)) {}
zmq_socket::zmq_socket(zmq_socket&&) noexcept = default;
zmq_socket& zmq_socket::operator=(zmq_socket&&) noexcept = default;
zmq_socket::~zmq_socket() = default;

result<zmq_socket> zmq_socket::router(zmq_context& context, const std::string& endpoint,
                                      zmq_options options) {
    if (const auto why = refused(endpoint)) return fail(*why);
    if (somebody_listens(endpoint)) {
        return fail(errc::store_unavailable, "another process listens on " + endpoint);
    }
    auto made = std::make_unique<state>();
    made->native = ::zmq_socket(context.native(), ZMQ_ROUTER);
    VULTUS_REQUIRE(made->native != nullptr, "ZeroMQ has a socket for us");
    set_options(made->native, endpoint, options);
    set(made->native, ZMQ_ROUTER_MANDATORY, 1);  // an unknown peer is told, not dropped silently
    set(made->native, ZMQ_ROUTER_HANDOVER, 0);   // nobody takes over another's routing id
    if (zmq_bind(made->native, endpoint.c_str()) != 0) return failed("cannot bind", endpoint);
    return zmq_socket(std::move(made));
}

result<zmq_socket> zmq_socket::dealer(zmq_context& context, const std::string& endpoint,
                                      const std::string& routing_id, zmq_options options) {
    VULTUS_REQUIRE(routing_id.size() <= 255 && (routing_id.empty() || routing_id[0] != '\0'),
                   "a routing id is one that ZeroMQ takes");
    if (const auto why = refused(endpoint)) return fail(*why);
    auto made = std::make_unique<state>();
    made->native = ::zmq_socket(context.native(), ZMQ_DEALER);
    VULTUS_REQUIRE(made->native != nullptr, "ZeroMQ has a socket for us");
    set_options(made->native, endpoint, options);
    set(made->native, ZMQ_IMMEDIATE, 1);  // nothing is queued for a peer that is not there
    if (!routing_id.empty()) {
        zmq_setsockopt(made->native, ZMQ_ROUTING_ID, routing_id.data(), routing_id.size());
    }
    if (options.count_losses) {
        static std::atomic<std::uint64_t> monitors{0};
        const std::string losses = "inproc://losses-" + std::to_string(++monitors);
        zmq_socket_monitor(made->native, losses.c_str(), ZMQ_EVENT_DISCONNECTED);
        made->monitor = ::zmq_socket(context.native(), ZMQ_PAIR);
        VULTUS_REQUIRE(made->monitor != nullptr, "ZeroMQ has a socket for us");
        set(made->monitor, ZMQ_RCVHWM, 0);  // some bytes an event; a full one would stop the thread
        set(made->monitor, ZMQ_LINGER, 0);
        zmq_connect(made->monitor, losses.c_str());
    }
    if (zmq_connect(made->native, endpoint.c_str()) != 0) return failed("cannot connect", endpoint);
    return zmq_socket(std::move(made));
}

sent zmq_socket::send(const std::vector<std::string>& frames) {
    VULTUS_REQUIRE(!frames.empty() && frames.size() <= frames_max, "a message has 1 to 16 frames");
    for (std::size_t i = 0; i < frames.size(); ++i) {
        const int more = i + 1 < frames.size() ? ZMQ_SNDMORE : 0;
        int outcome = 0;
        do {
            outcome = zmq_send(state_->native, frames[i].data(), frames[i].size(),
                               ZMQ_DONTWAIT | more);
        } while (outcome < 0 && zmq_errno() == EINTR);
        if (outcome >= 0) continue;
        // Only the first frame chooses and checks the way. A later one fails if the way breaks
        // meanwhile; ZeroMQ takes the earlier ones back then.
        return zmq_errno() == EHOSTUNREACH ? sent::unreachable : sent::full;
    }
    return sent::ok;
}

std::optional<std::vector<std::string>> zmq_socket::receive() {
    for (;;) {
        std::vector<std::string> frames;
        std::size_t count = 0;
        for (bool more = true; more; ++count) {
            zmq_msg_t message;
            zmq_msg_init(&message);
            int outcome = 0;
            do {
                outcome = zmq_msg_recv(&message, state_->native, ZMQ_DONTWAIT);
            } while (outcome < 0 && zmq_errno() == EINTR);
            if (outcome < 0) {
                close_message(message);
                return std::nullopt;
            }
            more = zmq_msg_more(&message) != 0;
            if (count < frames_max) {
                frames.emplace_back(static_cast<const char*>(zmq_msg_data(&message)),
                                    zmq_msg_size(&message));
            }
            close_message(message);
        }
        if (count <= frames_max) return frames;
    }
}

std::uint64_t zmq_socket::losses() {
    if (state_->monitor == nullptr) return 0;
    std::array<char, 512> sink{};  // two frames an event: what, and where
    while (zmq_recv(state_->monitor, sink.data(), sink.size(), ZMQ_DONTWAIT) >= 0) {
        int more = 0;
        std::size_t size = sizeof more;
        zmq_getsockopt(state_->monitor, ZMQ_RCVMORE, &more, &size);
        if (more == 0) ++state_->losses;
    }
    return state_->losses;
}

int zmq_socket::fd() const noexcept {
    int fd = -1;
    std::size_t size = sizeof fd;
    zmq_getsockopt(state_->native, ZMQ_FD, &fd, &size);
    return fd;
}

void* zmq_socket::native() const noexcept { return state_->native; }

std::string zmq_socket::endpoint() const {
    std::array<char, 512> text{};
    std::size_t size = text.size();
    if (zmq_getsockopt(state_->native, ZMQ_LAST_ENDPOINT, text.data(), &size) != 0) return {};
    return text.data();
}

int poll(std::span<poll_item> items, std::chrono::milliseconds patience) {
    std::vector<zmq_pollitem_t> native(items.size());
    for (std::size_t i = 0; i < items.size(); ++i) {
        native[i].socket = items[i].socket != nullptr ? items[i].socket->native() : nullptr;
        native[i].fd = items[i].fd;
        native[i].events = static_cast<short>((items[i].want_read ? ZMQ_POLLIN : 0) |
                                              (items[i].want_write ? ZMQ_POLLOUT : 0));
        items[i].readable = items[i].writable = false;
    }
    const auto wait = std::max(patience, std::chrono::milliseconds(0));
    if (zmq_poll(native.data(), static_cast<int>(native.size()), wait.count()) <= 0) return 0;
    int ready = 0;
    for (std::size_t i = 0; i < items.size(); ++i) {
        const int events = native[i].revents;
        const bool broken = (events & ZMQ_POLLERR) != 0;  // reading or writing tells what it is
        items[i].readable = (events & ZMQ_POLLIN) != 0 || (broken && items[i].want_read);
        items[i].writable = (events & ZMQ_POLLOUT) != 0 || (broken && items[i].want_write);
        ready += items[i].readable || items[i].writable ? 1 : 0;
    }
    return ready;
}

}  // namespace vultus
