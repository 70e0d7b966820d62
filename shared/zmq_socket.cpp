// ZeroMQ sockets with every option set on purpose (PROTOCOL.md, "Sockets"). The only file with zmq.
#include "shared/zmq_socket.hpp"

#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>
#include <zmq.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <cstring>

#include "shared/clock.hpp"
#include "shared/limits.hpp"
#include "shared/require.hpp"
#include "shared/secret.hpp"

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
constexpr int zap_enforce_domain = 93;  ///< zmq.h of 4.3 names it among its drafts only
constexpr int reopen_step_ms = 5, reopen_ms_max = 2'000;
constexpr int handshake_failures = ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL |
                                   ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL |
                                   ZMQ_EVENT_HANDSHAKE_FAILED_AUTH;

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

void set(void* socket, int option, const std::string& bytes) {
    VULTUS_REQUIRE(zmq_setsockopt(socket, option, bytes.data(), bytes.size()) == 0,
                   "ZeroMQ knows the option and takes the bytes");
}

// With this a context without a ZAP handler refuses everybody; without it, nobody.
void let_in_by_key(void* router, const curve_keys& curve) {
    if (curve.own.empty()) return;
    VULTUS_REQUIRE(!curve.domain.empty(), "without a domain ZeroMQ would let in any key");
    set(router, ZMQ_CURVE_SERVER, 1);
    set(router, ZMQ_CURVE_SECRETKEY, curve.own);
    set(router, ZMQ_ZAP_DOMAIN, curve.domain);
    set(router, zap_enforce_domain, 1);
}

void show_key(void* dealer, const curve_keys& curve) {
    if (curve.own.empty()) return;
    set(dealer, ZMQ_CURVE_SERVERKEY, curve.server);
    set(dealer, ZMQ_CURVE_PUBLICKEY, public_key_of(curve.own));
    set(dealer, ZMQ_CURVE_SECRETKEY, curve.own);
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
    zmq_context* context = nullptr;  ///< of a ROUTER, as `options`: for reopen()
    zmq_options options;
    void* monitor = nullptr;  ///< hears of connections that were opened, refused, lost
    std::uint64_t losses = 0;
    handshake_counts handshakes;
    std::string connected_to;        ///< of a DEALER
    std::uint64_t refused_known = 0;
    boot_time knock_at{0};
    state() = default;
    state(const state&) = delete;
    state& operator=(const state&) = delete;
    void watch(zmq_context& of, const zmq_options& asked) {
        const int events =
            (asked.count_losses ? ZMQ_EVENT_DISCONNECTED : 0) |
            (asked.count_handshakes ? ZMQ_EVENT_HANDSHAKE_SUCCEEDED | handshake_failures : 0);
        if (events == 0) return;
        static std::atomic<std::uint64_t> monitors{0};
        const std::string where = "inproc://events-" + std::to_string(++monitors);
        zmq_socket_monitor(native, where.c_str(), events);
        monitor = ::zmq_socket(of.native(), ZMQ_PAIR);
        VULTUS_REQUIRE(monitor != nullptr, "ZeroMQ has a socket for us");
        set(monitor, ZMQ_RCVHWM, 0);  // some bytes an event; a full one would stop the thread
        set(monitor, ZMQ_LINGER, 0);
        zmq_connect(monitor, where.c_str());
    }
    void close() {
        if (monitor != nullptr) {
            hear();
            zmq_socket_monitor(native, nullptr, 0);  // first, or ZeroMQ's thread waits for a reader
            zmq_close(monitor);
        }
        if (native != nullptr) zmq_close(native);
        native = monitor = nullptr;
    }
    ~state() { close(); }
    void hear();
    void knock_again();
    int listen(const std::string& endpoint);
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
    made->context = &context;
    made->options = std::move(options);
    if (made->listen(endpoint) != 0) return failed("cannot bind", endpoint);
    return zmq_socket(std::move(made));
}

int zmq_socket::state::listen(const std::string& endpoint) {
    native = ::zmq_socket(context->native(), ZMQ_ROUTER);
    VULTUS_REQUIRE(native != nullptr, "ZeroMQ has a socket for us");
    set_options(native, endpoint, options);
    set(native, ZMQ_ROUTER_MANDATORY, 1);  // an unknown peer is told, not dropped silently
    set(native, ZMQ_ROUTER_HANDOVER, 0);   // nobody takes over another's routing id
    let_in_by_key(native, options.curve);
    watch(*context, options);
    return zmq_bind(native, endpoint.c_str());
}

result<void> zmq_socket::reopen() {
    VULTUS_REQUIRE(state_->context != nullptr, "only a ROUTER listens");
    const std::string where = endpoint();
    set(state_->native, ZMQ_LINGER, 0);
    state_->close();
    // ZeroMQ's own thread takes the old one down.
    for (int waited_ms = 0;; waited_ms += reopen_step_ms) {
        if (!somebody_listens(where)) {
            if (state_->listen(where) == 0) return {};
            if (waited_ms >= reopen_ms_max) return failed("cannot bind again", where);
            state_->close();
        } else if (waited_ms >= reopen_ms_max) {
            return fail(errc::store_unavailable, "another process listens on " + where);
        }
        ::poll(nullptr, 0, reopen_step_ms);
    }
}

// ZeroMQ gives up for good on a peer that refused it. We come again: a key may be allowed later.
void zmq_socket::state::knock_again() {
    hear();
    const boot_time now = boot_now();
    if (handshakes.refused == refused_known || now < knock_at) return;
    refused_known = handshakes.refused;
    knock_at = now + std::chrono::milliseconds(reconnect_last_ms);
    zmq_disconnect(native, connected_to.c_str());
    zmq_connect(native, connected_to.c_str());
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
    show_key(made->native, options.curve);
    made->connected_to = endpoint;
    options.count_handshakes = true;
    made->watch(context, options);
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
        const bool unreachable = zmq_errno() == EHOSTUNREACH;
        if (!state_->connected_to.empty() && i == 0) state_->knock_again();
        // Only the first frame chooses and checks the way. A later one fails if the way breaks
        // meanwhile; ZeroMQ takes the earlier ones back then.
        return unreachable ? sent::unreachable : sent::full;
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

void zmq_socket::state::hear() {
    if (monitor == nullptr) return;
    std::array<char, 512> frame{};  // two an event: its number in two bytes and more; where
    while (zmq_recv(monitor, frame.data(), frame.size(), ZMQ_DONTWAIT) >= 0) {
        int more = 0;
        std::size_t size = sizeof more;
        zmq_getsockopt(monitor, ZMQ_RCVMORE, &more, &size);
        if (more == 0) continue;
        std::uint16_t what = 0;
        std::memcpy(&what, frame.data(), sizeof what);
        if (what == ZMQ_EVENT_DISCONNECTED) ++losses;
        if (what == ZMQ_EVENT_HANDSHAKE_SUCCEEDED) ++handshakes.good;
        if ((what & handshake_failures) != 0) ++handshakes.refused;
    }
}

std::uint64_t zmq_socket::losses() {
    state_->hear();
    return state_->losses;
}

handshake_counts zmq_socket::handshakes() {
    state_->hear();
    return state_->handshakes;
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

bool curve_is_there(zmq_context& context) noexcept {
    void* probe = ::zmq_socket(context.native(), ZMQ_ROUTER);
    const int on = 1;
    const bool enforces = zmq_setsockopt(probe, zap_enforce_domain, &on, sizeof on) == 0;
    zmq_close(probe);
    return enforces && zmq_has("curve") == 1;
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
