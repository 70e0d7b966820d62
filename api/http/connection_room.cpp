// Which connections are closed when there are too many: see connection.hpp, and docs/http.md,
// "Scarcity". Until all are taken, none is closed.
#include <tuple>
#include <utility>

#include "api/http/connection.hpp"
#include "api/http/forwarded.hpp"

namespace vultus::api {
namespace {

/// Smaller: less important. An idle connection before one with a request in progress; one without a
/// key or login before one with; then the longest idle one of the network with the most
/// connections.
auto need(const http_connection& of) {
    return std::tuple(of.is_transferring(), of.known, ~*of.same_network, of.turn);
}

}  // namespace

http_connection::http_connection(std::shared_ptr<server_state> owner, tcp::socket accepted)
    : server(std::move(owner)),
      stream(std::move(accepted), server->tls),
      socket(stream.next_layer()),
      timer(server->io),
      buffer(read_buffer_bytes) {
    server->connections.insert(this);
    error_code ignored;
    socket.set_option(tcp::no_delay(true), ignored);
    local_address = plain_address(socket.local_endpoint(ignored).address());
    remote_address = plain_address(socket.remote_endpoint(ignored).address());
    count_as(counted_as(remote_address));
    enter(phase::greeting);
}

http_connection::~http_connection() {
    release();
    asked = {};
    server->release_kept();
    count_as({});
    use_reserve(false);
    server->closing -= gone ? 1 : 0;
    server->connections.erase(this);
    if (server->connections.empty()) server->emptied.cancel();
}

void http_connection::release() {
    const std::size_t bytes = std::exchange(reserved, 0);
    if (bytes == 0) return;
    if (asked.room) {
        server->kept.push_back({asked.room, reserved_by, bytes});
    } else {
        server->bodies.remove(reserved_by, bytes);  // it never was whole
    }
}

void server_state::release_kept() {
    std::erase_if(kept, [this](const kept_body& one) {
        if (!one.room.expired()) return false;
        bodies.remove(one.holder, one.bytes);
        return true;
    });
}

void http_connection::enter(phase what) {
    now = what;
    since = boot_now();
    turn = ++server->turns;
}

void http_connection::count_as(std::string network_of_client) {
    if (network_of_client == network) return;
    auto& counts = server->connections_of;
    if (same_network != nullptr && --*same_network == 0) counts.erase(network);
    network = std::move(network_of_client);
    same_network = network.empty() ? nullptr : &counts[network];
    if (same_network != nullptr) ++*same_network;
}

void http_connection::use_reserve(bool wanted) {
    if (in_reserve == wanted) return;
    in_reserve = wanted;
    server->spare += wanted ? 1 : std::size_t(0) - 1;
}

void http_connection::give_way() {
    gone = true;
    ++server->closing;
    use_reserve(false);
    release();
    server->measured.count("vultus_http_gave_way_total");
    error_code ignored;
    socket.cancel(ignored);
}

void http_connection::watch() {
    const auto left = std::clamp(deadline - boot_now(), milliseconds(1), milliseconds(1'000));
    timer.expires_after(left);
    timer.async_wait([weak = weak_from_this()](error_code bad) {
        const auto self = weak.lock();
        if (bad || !self) return;
        if (boot_now() >= self->deadline) {
            self->timed_out = true;
            error_code ignored;
            self->socket.cancel(ignored);
        }
        self->watch();
    });
}

bool http_connection::waits() const noexcept {
    return now == phase::greeting || now == phase::idle || now == phase::header ||
           now == phase::lingering;
}

bool server_state::make_room(const http_connection* newcomer, milliseconds rested) {
    const boot_time until = boot_now() - rested;
    http_connection* least = nullptr;
    for (auto* one : connections) {
        if (one == newcomer || one->gone || one->in_reserve || one->since > until) continue;
        const bool greedy = newcomer != nullptr && one->is_transferring() &&
                            *one->same_network > *newcomer->same_network + 1;
        if (!one->waits() && !greedy) continue;
        if (least == nullptr || need(*one) < need(*least)) least = one;
    }
    if (least != nullptr) least->give_way();
    return least != nullptr;
}

bool server_state::make_room_in_reserve() {
    // A connection with unread bytes is about to be served.
    http_connection* least = nullptr;
    std::pair<bool, std::uint64_t> lowest;
    for (auto* one : connections) {
        if (!one->in_reserve || one->gone || !one->waits()) continue;
        error_code ignored;
        const std::pair<bool, std::uint64_t> need(one->socket.available(ignored) > 0, one->turn);
        if (least == nullptr || need < lowest) least = one, lowest = need;
    }
    if (least != nullptr) least->give_way();
    return least != nullptr;
}

bool server_state::make_room_for_body(const http_connection& of) {
    const std::size_t held = bodies.held_by(of.reserved_by);
    const boot_time until = boot_now() - settings.yield_time;
    http_connection* longest = nullptr;
    for (auto* one : connections) {
        if (one == &of || one->gone || one->crowded_out) continue;
        if (one->now != http_connection::phase::body) continue;
        if (one->reserved == 0 || one->since > until) continue;
        if (bodies.held_by(one->reserved_by) < held) continue;
        const auto rests = std::pair(one->since, one->turn);
        if (longest == nullptr || rests < std::pair(longest->since, longest->turn)) longest = one;
    }
    if (longest == nullptr) return false;
    longest->crowded_out = true;
    longest->release();
    error_code ignored;
    longest->socket.cancel(ignored);
    return true;
}

bool http_connection::book(std::size_t bytes) {
    server->release_kept();
    while (!server->bodies.admits(reserved_by, bytes)) {
        if (!server->make_room_for_body(*this)) return false;
    }
    server->bodies.add(reserved_by, bytes);
    reserved += bytes;
    return true;
}

}  // namespace vultus::api
