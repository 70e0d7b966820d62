// See zmq_socket.hpp; the options are in PROTOCOL.md, "Sockets". The only file with cppzmq, whose
// exceptions end here: an option that ZeroMQ refuses is a bug, everything else a result.
#include "shared/net/zmq_socket.hpp"

#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <cstring>
#include <zmq.hpp>

#include "shared/base/clock.hpp"
#include "shared/base/limits.hpp"
#include "shared/base/require.hpp"
#include "shared/security/secret.hpp"

namespace vultus {
namespace {

constexpr std::size_t frames_max = 16;
constexpr std::size_t shared_from_bytes = 4 * limits::kib;  ///< a shorter frame is copied
constexpr std::string_view ipc = "ipc://";
constexpr std::string_view tcp = "tcp://";

// ZeroMQ's own thread answers these: they detect a dead host, not a hung process.
constexpr int heartbeat_ivl_ms = static_cast<int>(limits::heartbeat.count());
constexpr int heartbeat_timeout_ms = heartbeat_ivl_ms * limits::heartbeats_missed;
constexpr int reconnect_first_ms = 100;
constexpr int reconnect_last_ms = 5'000;
constexpr int handshake_ms = 5'000;
// zmq.h of 4.3 declares it only among its drafts.
constexpr zmq::sockopt::integral_option<93, int, true> zap_enforce_domain;
constexpr int reopen_step_ms = 5, reopen_ms_max = 2'000;
constexpr int handshake_failures = ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL |
                                   ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL |
                                   ZMQ_EVENT_HANDSHAKE_FAILED_AUTH;

void set_options(zmq::socket_t& socket, const std::string& endpoint, const zmq_options& options) {
    namespace option = zmq::sockopt;
    const bool over_tcp = endpoint.starts_with(tcp);
    socket.set(option::linger, static_cast<int>(options.linger.count()));
    socket.set(option::sndhwm, options.high_water);
    socket.set(option::rcvhwm, options.high_water);
    socket.set(option::heartbeat_ivl, heartbeat_ivl_ms);
    socket.set(option::heartbeat_timeout, heartbeat_timeout_ms);
    socket.set(option::heartbeat_ttl, heartbeat_timeout_ms);
    socket.set(option::reconnect_ivl, reconnect_first_ms);
    socket.set(option::reconnect_ivl_max, reconnect_last_ms);
    socket.set(option::handshake_ivl, handshake_ms);
    socket.set(option::tcp_keepalive, over_tcp ? 1 : -1);  // -1: leave it to the system
    socket.set(option::ipv6, over_tcp);
    socket.set(option::maxmsgsize, options.message_bytes_max);
}

// With this option a context without a ZAP handler refuses every peer; without it, none.
void let_in_by_key(zmq::socket_t& router, const curve_keys& curve) {
    if (curve.own.empty()) return;
    VULTUS_REQUIRE(!curve.domain.empty(), "without a domain ZeroMQ would let in any key");
    router.set(zmq::sockopt::curve_server, true);
    router.set(zmq::sockopt::curve_secretkey, curve.own);
    router.set(zmq::sockopt::zap_domain, curve.domain);
    router.set(zap_enforce_domain, true);
}

void show_key(zmq::socket_t& dealer, const curve_keys& curve) {
    if (curve.own.empty()) return;
    dealer.set(zmq::sockopt::curve_serverkey, curve.server);
    dealer.set(zmq::sockopt::curve_publickey, public_key_of(curve.own));
    dealer.set(zmq::sockopt::curve_secretkey, curve.own);
}

/// Why an endpoint of this text cannot be used, or nothing.
std::optional<error> refused(const std::string& endpoint) {
    if (!endpoint.starts_with(ipc) && !endpoint.starts_with(tcp) &&
        !endpoint.starts_with("inproc://")) {
        return error{errc::malformed, "an endpoint must start with ipc:// or tcp://: " + endpoint};
    }
    constexpr std::size_t path_max = sizeof(sockaddr_un::sun_path) - 1;
    if (endpoint.starts_with(ipc) &&
        (endpoint.size() - ipc.size() > path_max || endpoint.size() == ipc.size())) {
        return error{errc::malformed,
                     "the path of an ipc endpoint must have 1 to 107 bytes: " + endpoint};
    }
    return std::nullopt;
}

/// True if a process listens on the endpoint's path. ZeroMQ would unlink the path and take it over,
/// and the other process would never receive anything again.
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

tl::unexpected<error> failed(const char* verb, const std::string& endpoint,
                             const zmq::error_t& why) {
    const int number = why.num();
    const bool text = number == EINVAL || number == EPROTONOSUPPORT || number == ENOCOMPATPROTO;
    return fail(text ? errc::malformed : errc::store_unavailable,
                std::string(verb) + " " + endpoint + ": " + why.what());
}

}  // namespace

struct zmq_context::state {
    zmq::context_t native{1};
};

zmq_context::zmq_context() : state_(std::make_unique<state>()) {}
zmq_context::~zmq_context() = default;

struct zmq_socket::state {
    state(zmq_context& of, zmq_options asked) : context(of), options(std::move(asked)) {}
    state(const state&) = delete;
    state& operator=(const state&) = delete;
    ~state() { close(); }

    /// A new socket of that type, with its options. Throws zmq::error_t if there is none to be had.
    void make(zmq::socket_type type, const std::string& endpoint) {
        native = zmq::socket_t(context.state_->native, type);
        set_options(native, endpoint, options);
        watch();
    }
    void watch() {
        const int events =
            (options.count_losses ? ZMQ_EVENT_DISCONNECTED : 0) |
            (options.count_handshakes ? ZMQ_EVENT_HANDSHAKE_SUCCEEDED | handshake_failures : 0);
        if (events == 0) return;
        static std::atomic<std::uint64_t> monitors{0};
        const std::string where = "inproc://events-" + std::to_string(++monitors);
        zmq_socket_monitor(native.handle(), where.c_str(), events);
        monitor = zmq::socket_t(context.state_->native, zmq::socket_type::pair);
        monitor.set(zmq::sockopt::rcvhwm, 0);  // some bytes an event; a full one stops the thread
        monitor.set(zmq::sockopt::linger, 0);
        monitor.connect(where);
    }
    void close() {
        if (monitor) {
            hear();
            // First, or ZeroMQ's thread waits for a reader.
            zmq_socket_monitor(native.handle(), nullptr, 0);
            monitor.close();
        }
        native.close();
    }
    void hear();
    void knock_again();
    void listen(const std::string& endpoint);  ///< throws zmq::error_t

    zmq_context& context;
    zmq_options options;
    zmq::socket_t native;
    zmq::socket_t monitor;  ///< hears of connections that were opened, refused, lost
    std::uint64_t losses = 0;
    handshake_counts handshakes;
    std::string connected_to;  ///< of a DEALER
    std::uint64_t refused_known = 0;
    boot_time knock_at{0};
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
    auto made = std::make_unique<state>(context, std::move(options));
    try {
        made->listen(endpoint);
    } catch (const zmq::error_t& why) {
        return failed("cannot bind", endpoint, why);
    }
    return zmq_socket(std::move(made));
}

void zmq_socket::state::listen(const std::string& endpoint) {
    make(zmq::socket_type::router, endpoint);
    native.set(zmq::sockopt::router_mandatory, true);  // an unknown peer is told, not dropped
    native.set(zmq::sockopt::router_handover, false);  // nobody takes over another's routing id
    let_in_by_key(native, options.curve);
    native.bind(endpoint);
}

result<void> zmq_socket::reopen() {
    VULTUS_REQUIRE(state_->connected_to.empty(), "only a ROUTER listens");
    const std::string where = endpoint();
    state_->native.set(zmq::sockopt::linger, 0);
    state_->close();
    // ZeroMQ's own thread takes the old one down.
    for (int waited_ms = 0;; waited_ms += reopen_step_ms) {
        const bool over = waited_ms >= reopen_ms_max;
        if (!somebody_listens(where)) {
            try {
                state_->listen(where);
                return {};
            } catch (const zmq::error_t& why) {
                if (over) return failed("cannot bind again", where, why);
            }
            state_->close();
        } else if (over) {
            return fail(errc::store_unavailable, "another process listens on " + where);
        }
        ::poll(nullptr, 0, reopen_step_ms);
    }
}

// ZeroMQ never reconnects to a peer that refused it. A key may be allowed later, so we do.
void zmq_socket::state::knock_again() {
    hear();
    const boot_time now = boot_now();
    if (handshakes.refused == refused_known || now < knock_at) return;
    refused_known = handshakes.refused;
    knock_at = now + std::chrono::milliseconds(reconnect_last_ms);
    native.disconnect(connected_to);
    native.connect(connected_to);
}

result<zmq_socket> zmq_socket::dealer(zmq_context& context, const std::string& endpoint,
                                      const std::string& routing_id, zmq_options options) {
    VULTUS_REQUIRE(routing_id.size() <= 255 && (routing_id.empty() || routing_id[0] != '\0'),
                   "a routing id is one that ZeroMQ takes");
    if (const auto why = refused(endpoint)) return fail(*why);
    options.count_handshakes = true;
    auto made = std::make_unique<state>(context, std::move(options));
    made->connected_to = endpoint;
    try {
        zmq::socket_t& native = made->native;
        made->make(zmq::socket_type::dealer, endpoint);
        native.set(zmq::sockopt::immediate, true);  // nothing is queued without a connection
        if (!routing_id.empty()) native.set(zmq::sockopt::routing_id, routing_id);
        show_key(native, made->options.curve);
        native.connect(endpoint);
    } catch (const zmq::error_t& why) {
        return failed("cannot connect", endpoint, why);
    }
    return zmq_socket(std::move(made));
}

namespace {

/// Repeats the call until no signal interrupts it. Nothing: EAGAIN. Throws all but EINTR.
template <class Ask>
auto uninterrupted(const Ask& ask) {
    for (;;) {
        try {
            return ask();
        } catch (const zmq::error_t& why) {
            if (why.num() != EINTR) throw;
        }
    }
}

/// A message of these bytes; from shared_from_bytes on it shares their buffer.
zmq::message_t message_of(const shared_bytes& bytes) {
    if (bytes.size() < shared_from_bytes) return zmq::message_t(bytes.data(), bytes.size());
    auto kept = std::make_unique<shared_bytes>(bytes);
    // The interface of ZeroMQ is not const, but it never writes into a message that it sends.
    zmq::message_t message(
        const_cast<char*>(bytes.data()), bytes.size(),
        [](void*, void* hint) { delete static_cast<shared_bytes*>(hint); }, kept.get());
    kept.release();
    return message;
}

}  // namespace

sent zmq_socket::send(const std::vector<shared_bytes>& frames) {
    VULTUS_REQUIRE(!frames.empty() && frames.size() <= frames_max, "a message has 1 to 16 frames");
    for (std::size_t i = 0; i < frames.size(); ++i) {
        const auto how = i + 1 < frames.size()
                             ? zmq::send_flags::dontwait | zmq::send_flags::sndmore
                             : zmq::send_flags::dontwait;
        bool unreachable = false;
        try {
            zmq::message_t message = message_of(frames[i]);
            if (uninterrupted([&] { return state_->native.send(message, how); })) continue;
        } catch (const zmq::error_t& why) {
            unreachable = why.num() == EHOSTUNREACH;
        }
        if (!state_->connected_to.empty() && i == 0) state_->knock_again();
        // Only the first frame selects and checks the connection. A later one fails if that breaks
        // meanwhile; ZeroMQ then discards the earlier ones.
        return unreachable ? sent::unreachable : sent::full;
    }
    return sent::ok;
}

std::optional<std::vector<shared_bytes>> zmq_socket::receive() {
    for (;;) {
        std::vector<shared_bytes> frames;
        std::size_t count = 0;
        for (bool more = true; more; ++count) {
            zmq::message_t message;
            try {
                if (!uninterrupted(
                        [&] { return state_->native.recv(message, zmq::recv_flags::dontwait); })) {
                    return std::nullopt;
                }
            } catch (const zmq::error_t&) {
                return std::nullopt;  // the context ends
            }
            more = message.more();
            if (count >= frames_max) continue;
            // A short message lies inside of its zmq::message_t, so the view is taken afterwards.
            auto kept = std::make_shared<zmq::message_t>(std::move(message));
            const std::string_view bytes(static_cast<const char*>(kept->data()), kept->size());
            frames.emplace_back(std::move(kept), bytes);
        }
        if (count <= frames_max) return frames;
    }
}

void zmq_socket::state::hear() {
    if (!monitor) return;
    zmq::message_t frame;  // two for each event: number (two bytes) and value, then the address
    while (uninterrupted([&] { return monitor.recv(frame, zmq::recv_flags::dontwait); })) {
        if (!frame.more()) continue;
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
    return state_->native.get(zmq::sockopt::fd);
}

void* zmq_socket::native() const noexcept {
    return state_->native.handle();
}

std::string zmq_socket::endpoint() const {
    return state_->native.get(zmq::sockopt::last_endpoint);
}

bool curve_is_there(zmq_context& context) noexcept {
    try {
        zmq::socket_t probe(context.state_->native, zmq::socket_type::router);
        probe.set(zap_enforce_domain, true);
        return zmq_has("curve") == 1;
    } catch (const zmq::error_t&) {
        return false;
    }
}

int poll(std::span<poll_item> items, std::chrono::milliseconds patience) {
    std::vector<zmq::pollitem_t> native(items.size());
    for (std::size_t i = 0; i < items.size(); ++i) {
        native[i].socket = items[i].socket != nullptr ? items[i].socket->native() : nullptr;
        native[i].fd = items[i].fd;
        native[i].events = static_cast<short>((items[i].want_read ? ZMQ_POLLIN : 0) |
                                              (items[i].want_write ? ZMQ_POLLOUT : 0));
        items[i].readable = items[i].writable = false;
    }
    try {
        if (zmq::poll(native, std::max(patience, std::chrono::milliseconds(0))) <= 0) return 0;
    } catch (const zmq::error_t&) {
        return 0;  // a signal came
    }
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
