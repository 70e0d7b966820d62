// See server.hpp: accepting connections and the way down.
#include "api/http/server.hpp"

#include <netinet/tcp.h>
#include <sys/socket.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/ip/v6_only.hpp>
#include <cerrno>

#include "api/http/connection.hpp"
#include "api/http/tls.hpp"
#include "shared/base/log.hpp"

namespace vultus::api {
namespace {

constexpr milliseconds accept_pause{100};
constexpr milliseconds accept_pause_max{2'000};
constexpr milliseconds failure_logged_every{10'000};

bool is_short_of_room(const error_code& bad) {
    return bad == asio::error::no_descriptors || bad == asio::error::no_buffer_space ||
           bad == asio::error::no_memory ||
           bad == boost::system::errc::too_many_files_open_in_system;
}

/// The advice for a port that cannot be opened.
std::string_view remedy(const error_code& bad) {
    if (bad == asio::error::address_in_use) {
        return "address in use: stop the other process or choose another api.port";
    }
    if (bad == asio::error::access_denied) {
        return "ports below 1024 need root: choose a higher api.port";
    }
    if (bad.value() == EADDRNOTAVAIL) {
        return "not an address of this machine: see `ip address`";
    }
    if (bad == asio::error::address_family_not_supported) {
        return "IPv6 not available: choose an IPv4 address for api.bind";
    }
    return "choose another api.bind or api.port";
}

tl::unexpected<error> cannot_listen(const server_settings& at, const error_code& bad) {
    return fail(errc::bad_option, "api.bind = \"" + at.bind +
                                      "\", api.port = " + std::to_string(at.port) + ": " +
                                      bad.message() + " (errno " + std::to_string(bad.value()) +
                                      "): " + std::string(remedy(bad)));
}

result<tcp::endpoint> endpoint_of(const server_settings& at) {
    error_code bad;
    const auto address =
        asio::ip::make_address(at.bind == "localhost" ? "127.0.0.1" : at.bind, bad);
    if (bad) {
        return fail(errc::bad_option, "api.bind = \"" + at.bind +
                                          "\" is not an address: use one "
                                          "of this machine, such as 127.0.0.1 or ::, or localhost");
    }
    return tcp::endpoint(address, static_cast<unsigned short>(at.port));
}

/// Leaves connections that send nothing to the kernel. Without it each takes a descriptor and a
/// place, which another client has to give up. Nothing depends on it: a failure is ignored.
void defer_accept([[maybe_unused]] tcp::acceptor& acceptor,
                  [[maybe_unused]] std::chrono::seconds first_byte_time) {
#ifdef TCP_DEFER_ACCEPT
    const int seconds = static_cast<int>(first_byte_time.count());
    if (seconds <= 0) return;
    ::setsockopt(acceptor.native_handle(), IPPROTO_TCP, TCP_DEFER_ACCEPT, &seconds, sizeof seconds);
#endif
}

}  // namespace

asio::awaitable<void> server_state::accept_all() {
    const auto self = shared_from_this();
    while (!draining) {
        error_code bad;
        if (spare >= settings.reserve && !make_room_in_reserve()) {
            pause.expires_after(accept_pause);
            co_await pause.async_wait(asio::redirect_error(asio::use_awaitable, bad));
            continue;
        }
        tcp::socket socket(io);
        co_await acceptor.async_accept(socket, asio::redirect_error(asio::use_awaitable, bad));
        if (draining || bad == asio::error::operation_aborted) co_return;
        if (bad) {
            co_await recover(bad);
            continue;
        }
        failures = 0;
        const auto made = std::make_shared<http_connection>(self, std::move(socket));
        if (is_full() && !make_room(made.get(), settings.yield_time)) made->use_reserve(true);
        made->allow(settings.header_time);
        made->watch();
        asio::co_spawn(
            io, [made]() { return made->run(); }, asio::detached);
    }
}

asio::awaitable<void> server_state::recover(const error_code& bad) {
    ++failures;
    measured.count("vultus_http_accept_failed_total");
    const auto now = boot_now();
    if (now - failure_logged >= failure_logged_every) {
        failure_logged = now;
        log::warning("accept_failed", {{"why", bad.message()},
                                       {"connections", static_cast<int>(connections.size())}});
    }
    // Closing a waiting connection frees a descriptor for the client in the backlog.
    const bool freed = is_short_of_room(bad) && make_room(nullptr, milliseconds(0));
    const auto longer = accept_pause * (1 << std::min(failures - 1, 5));
    pause.expires_after(freed ? milliseconds(1) : std::min(longer, accept_pause_max));
    error_code ignored;
    co_await pause.async_wait(asio::redirect_error(asio::use_awaitable, ignored));
}

result<void> server_state::load_tls() {
    if (settings.tls_certificate.empty()) return {};
    auto loaded = load_certificate(settings.tls_certificate, settings.tls_key);
    if (!loaded) return fail(loaded.error());
    tls = std::move(*loaded);
    log::info("certificate_loaded", {{"good_until", good_until(*tls)}});
    return {};
}

http_server::http_server(asio::io_context& io, server_settings settings, handler handle,
                         request_authorizer& authorizer, early_check check, retry_hint retry_after,
                         metrics& measured)
    : state_(std::make_shared<server_state>(io, std::move(settings), std::move(handle), authorizer,
                                            std::move(check), std::move(retry_after), measured)) {}

http_server::~http_server() {
    state_->draining = true;
    error_code ignored;
    state_->acceptor.close(ignored);
    for (auto* one : state_->connections) one->socket.close(ignored);
}

result<void> http_server::reload_certificate() {
    return state_->load_tls();
}

result<void> http_server::listen() {
    if (auto loaded = state_->load_tls(); !loaded) return loaded;
    const auto endpoint = endpoint_of(state_->settings);
    if (!endpoint) return fail(endpoint.error());
    error_code bad;
    auto& acceptor = state_->acceptor;
    acceptor.open(endpoint->protocol(), bad);
    if (!bad) acceptor.set_option(tcp::acceptor::reuse_address(true), bad);
    // `::` accepts both families, whatever net.ipv6.bindv6only is.
    const bool both = endpoint->address().is_v6() && endpoint->address().is_unspecified();
    if (!bad && both) acceptor.set_option(asio::ip::v6_only(false), bad);
    if (!bad) acceptor.bind(*endpoint, bad);
    if (!bad) acceptor.listen(asio::socket_base::max_listen_connections, bad);
    if (bad) return cannot_listen(state_->settings, bad);
    defer_accept(acceptor, state_->settings.first_byte_time);
    asio::co_spawn(
        state_->io, [self = state_]() { return self->accept_all(); }, asio::detached);
    return {};
}

int http_server::port() const noexcept {
    error_code ignored;
    return state_->acceptor.local_endpoint(ignored).port();
}

std::size_t http_server::connections() const noexcept {
    return state_->connections.size();
}

std::size_t http_server::body_bytes() const noexcept {
    state_->release_kept();
    return state_->bodies.taken();
}

void http_server::leave() {
    state_->leaving = true;
}

asio::awaitable<void> http_server::drain(milliseconds patience) {
    const auto self = state_;
    error_code ignored;
    self->acceptor.close(ignored);
    self->draining = true;
    self->pause.cancel();
    for (auto* one : self->connections) {
        if (one->now == http_connection::phase::idle) one->socket.cancel(ignored);
    }
    if (!self->connections.empty()) {
        self->emptied.expires_after(patience);
        co_await self->emptied.async_wait(asio::redirect_error(asio::use_awaitable, ignored));
    }
    for (auto* one : self->connections) one->socket.close(ignored);
}

}  // namespace vultus::api
