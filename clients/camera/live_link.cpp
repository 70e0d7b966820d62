#include "clients/camera/live_link.hpp"

#include <algorithm>
#include <atomic>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/connect.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/core/buffers_to_string.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/websocket.hpp>
#include <map>
#include <thread>
#include <utility>

#include "shared/model/job.hpp"
#include "shared/tls/connection.hpp"

namespace vultus::camera {
namespace {

namespace asio = boost::asio;
namespace websocket = boost::beast::websocket;
using boost::system::error_code;
using std::chrono::milliseconds;

constexpr std::size_t sent_most = 2;  ///< one in a worker, one waiting: no worker is idle
constexpr std::size_t received_most = 64;
constexpr milliseconds forgotten_after{4'000};  ///< a frame without an answer
constexpr milliseconds reached_within{5'000};   ///< connect and TLS handshake
constexpr milliseconds silent_most{30'000};     ///< after half of it a ping is sent
constexpr milliseconds back_off_first{1'000}, back_off_most{30'000};

}  // namespace

struct live_link::state {
    using channel_type = websocket::stream<net::connection>;
    state(service_place at, std::string chosen)
        : where(std::move(at)), settings(std::move(chosen)), awake(io), pause(io) {}

    asio::awaitable<void> run();
    asio::awaitable<std::string> talk();
    asio::awaitable<std::string> reach(net::connection& service);
    asio::awaitable<std::string> open(channel_type& channel);
    asio::awaitable<void> read(channel_type& channel);
    asio::awaitable<void> write(channel_type& channel);
    void receive(message reply);
    void tell(news what) {
        while (!received.closed() && !received.try_push(what)) received.try_pop();
    }
    void count() { busy = sent.size() + (waiting ? 1 : 0); }

    const service_place where;
    std::string settings;
    asio::io_context io{1};
    asio::steady_timer awake, pause;
    std::optional<shot> waiting;
    std::map<std::uint64_t, shot> sent;  ///< by seq of this connection
    std::uint64_t seq = 0;
    std::atomic<std::uint64_t> numbers{0};  ///< given by choose()
    std::uint64_t settings_number = 0;      ///< of `settings`
    std::uint64_t settings_sent = 0;        ///< of those that the service has
    bool settings_new = false, up = false, stopped = false;
    std::string why;                            ///< why the last connection ended
    asio::ip::tcp::socket* reaching = nullptr;  ///< cancelled on a timeout
    std::atomic<std::size_t> busy{0};
    bounded_queue<news> received{received_most};
    std::thread thread;
};

live_link::live_link(service_place where, std::string settings)
    : state_(std::make_shared<state>(std::move(where), std::move(settings))) {
    asio::co_spawn(state_->io, state_->run(), asio::detached);
    state_->thread = std::thread([inside = state_.get()] { inside->io.run(); });
}

live_link::~live_link() {
    state_->received.close();
    state_->io.stop();
    state_->thread.join();
}

void live_link::offer(shot newest) {
    asio::post(state_->io, [inside = state_, one = std::move(newest)]() mutable {
        inside->waiting = std::move(one);
        inside->count();
        inside->awake.cancel();
    });
}

std::uint64_t live_link::choose(std::string settings) {
    const std::uint64_t number = ++state_->numbers;
    asio::post(state_->io, [inside = state_, text = std::move(settings), number]() mutable {
        inside->settings = std::move(text);
        inside->settings_number = number;
        inside->settings_new = true;
        inside->awake.cancel();
    });
    return number;
}

std::optional<news> live_link::next(milliseconds patience) {
    return state_->received.pop_for(patience);
}

std::size_t live_link::on_their_way() const {
    return state_->busy;
}

asio::awaitable<void> live_link::state::run() {
    milliseconds back_off = back_off_first;
    while (true) {
        up = false;
        const std::string ended = co_await talk();
        if (up) back_off = back_off_first;
        sent.clear();
        count();
        const auto seconds = std::to_string(back_off.count() / 1'000);
        tell(link_state{false, "no_connection", ended + "; retry in " + seconds + " s"});
        pause.expires_after(back_off);
        error_code ignored;
        co_await pause.async_wait(asio::redirect_error(asio::use_awaitable, ignored));
        back_off = std::min(2 * back_off, back_off_most);
    }
}

/// Runs one connection to its end. Returns why it ended.
asio::awaitable<std::string> live_link::state::talk() {
    channel_type channel(asio::ip::tcp::socket(io), where.trusted);
    if (auto refused = co_await reach(channel.next_layer()); !refused.empty()) co_return refused;
    if (auto refused = co_await open(channel); !refused.empty()) co_return refused;
    up = true;
    stopped = false;
    settings_new = true;
    seq = 0;
    why = "connection lost";
    tell(link_state{true, "connected", {}});
    bool writing = true;
    asio::co_spawn(io, write(channel), [&](std::exception_ptr) {
        writing = false;
        pause.cancel();
    });
    co_await read(channel);
    stopped = true;
    awake.cancel();
    error_code ignored;
    channel.next_layer().next_layer().close(ignored);
    while (writing) {  // the write still uses the channel
        pause.expires_after(std::chrono::seconds(1));
        co_await pause.async_wait(asio::redirect_error(asio::use_awaitable, ignored));
    }
    co_return why;
}

/// Empty: connected, with TLS if used. Otherwise the reason.
asio::awaitable<std::string> live_link::state::reach(net::connection& service) {
    error_code bad, ignored;
    auto& socket = service.next_layer();
    const auto& host = where.url.host;
    asio::ip::tcp::resolver resolver(io);
    const auto found = co_await resolver.async_resolve(
        host, where.url.port, asio::redirect_error(asio::use_awaitable, bad));
    if (bad) co_return "unknown host " + host;
    reaching = &socket;
    pause.expires_after(reached_within);
    pause.async_wait([this](error_code cancelled) {
        if (!cancelled && reaching != nullptr) reaching->close(cancelled);
    });
    co_await asio::async_connect(socket, found, asio::redirect_error(asio::use_awaitable, bad));
    std::string refused;
    if (bad) {
        refused = "connection refused by " + where.url.authority();
    } else {
        socket.set_option(asio::ip::tcp::no_delay(true), ignored);
        if (service.is_secure()) {
            net::expect_host(service.native_tls(), host);
            bad = co_await service.handshake_as_client();
            if (bad) refused = net::why_not(bad, service.native_tls());
        }
    }
    reaching = nullptr;  // a timer that already fired still runs its handler
    pause.cancel();
    co_return refused;
}

/// Empty: the live channel is open. Otherwise the reason.
asio::awaitable<std::string> live_link::state::open(channel_type& channel) {
    error_code bad;
    // Disconnect from a silent service, and reconnect.
    channel.set_option(websocket::stream_base::timeout{reached_within, silent_most, true});
    channel.set_option(websocket::stream_base::decorator([&](websocket::request_type& request) {
        if (!where.key.empty()) {
            request.set(boost::beast::http::field::authorization, "Bearer " + where.key);
        }
    }));
    // A key may allow only this collection; an invalid name is refused with the settings.
    std::string target = "/api/live";
    if (check_collection(where.collection)) target += "?collection=" + where.collection;
    websocket::response_type answer;
    co_await channel.async_handshake(answer, where.url.authority(), target,
                                     asio::redirect_error(asio::use_awaitable, bad));
    if (bad && answer.result_int() == 401) co_return "the service requires a key: set $VULTUS_KEY";
    if (bad && answer.result_int() == 403) co_return "the key lacks the scope or the collection";
    if (bad && answer.result_int() == 429) co_return "no live channel free";
    co_return bad ? std::string("the service refused the connection") : std::string();
}

asio::awaitable<void> live_link::state::read(channel_type& channel) {
    boost::beast::flat_buffer buffer;
    while (true) {
        error_code bad;
        co_await channel.async_read(buffer, asio::redirect_error(asio::use_awaitable, bad));
        if (bad == websocket::error::closed) why = "the service closed the connection";
        if (bad) co_return;
        receive(parse_message(boost::beast::buffers_to_string(buffer.data())));
        buffer.clear();
        awake.cancel();
    }
}

void live_link::state::receive(message reply) {
    if (reply.what == message::kind::problem) {
        tell(link_state{true, reply.error, reply.detail});
    }
    const auto mine = sent.find(reply.seq);
    if (reply.what == message::kind::frame && mine != sent.end()) {
        const auto spent = steady::now() - mine->second.taken;
        const double latency = std::chrono::duration<double, std::milli>(spent).count();
        tell(answered{mine->second, reply, latency});
    }
    sent.erase(sent.begin(),
               sent.upper_bound(reply.seq));  // answers are in order: older frames were dropped
    count();
}

asio::awaitable<void> live_link::state::write(channel_type& channel) {
    while (!stopped) {
        error_code bad;
        if (std::exchange(settings_new, false)) {
            const std::string text = settings;
            settings_sent = settings_number;
            channel.text(true);
            co_await channel.async_write(asio::buffer(text),
                                         asio::redirect_error(asio::use_awaitable, bad));
        } else if (waiting && sent.size() < sent_most) {
            shot one = *std::exchange(waiting, std::nullopt);
            one.settings = settings_sent;
            sent[++seq] = one;
            count();
            channel.binary(true);
            co_await channel.async_write(asio::buffer(*one.jpeg),
                                         asio::redirect_error(asio::use_awaitable, bad));
        } else {
            awake.expires_after(milliseconds(500));
            co_await awake.async_wait(asio::redirect_error(asio::use_awaitable, bad));
            const auto old = steady::now() - forgotten_after;
            std::erase_if(sent, [&](const auto& one) { return one.second.taken < old; });
            count();
            continue;
        }
        if (bad) co_return;
    }
}

}  // namespace vultus::camera
