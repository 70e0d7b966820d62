// See redis_asio.hpp. Asio gets a duplicate of the descriptor: the client closes its own whenever
// it likes, and a closed number may be another connection a moment later.
#include "api/links/redis_asio.hpp"

#include <unistd.h>

#include <algorithm>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/post.hpp>
#include <unordered_set>

#include "api/links/promise.hpp"

namespace vultus::api {

struct redis_asio::state : std::enable_shared_from_this<redis_asio::state> {
    state(asio::io_context& io, redis_address address, redis_timeouts timeouts)
        : client(std::move(address), timeouts), descriptor(io), timer(io) {}

    void start() {
        client.on_timer(boot_now());
        settle();
    }

    using slot = promise<result<redis_reply>>;

    void stop() {
        stopped = true;
        for (const auto& one : slots) {
            one->set(fail(errc::unknown_outcome, "Stopping before Redis replied"));
        }
        boost::system::error_code ignored;
        descriptor.close(ignored);
        timer.cancel();
    }

    /// Brings descriptor, waits and timer in line with what the client wants now.
    void settle() {
        if (stopped) return;
        if (client.fd() < 0 || client.connection() != registered) {
            boost::system::error_code ignored;
            if (descriptor.is_open()) descriptor.close(ignored);
            reading = writing = false;
            ++epoch;
        }
        if (client.fd() >= 0 && !descriptor.is_open()) {
            registered = client.connection();
            const int copy = ::dup(client.fd());
            if (copy >= 0) descriptor.assign(copy);
        }
        if (descriptor.is_open()) {
            if (client.wants_read() && !reading) wait(true);
            if (client.wants_write() && !writing) wait(false);
        }
        arm();
    }

    void wait(bool read) {
        (read ? reading : writing) = true;
        const auto kind = read ? asio::posix::stream_descriptor::wait_read
                               : asio::posix::stream_descriptor::wait_write;
        descriptor.async_wait(kind, [self = shared_from_this(), read, at = epoch](auto bad) {
            if (self->stopped || at != self->epoch) return;
            (read ? self->reading : self->writing) = false;
            if (bad) return;
            if (read) {
                self->client.on_readable(boot_now());
            } else {
                self->client.on_writable(boot_now());
            }
            self->settle();
        });
    }

    /// The timer may fire too early, never too late: a call costs nothing then.
    void arm() {
        using namespace std::chrono_literals;
        const auto now = boot_now();
        const auto next = std::clamp(client.next_timer(), now, now + 1000ms);
        if (armed > now && armed <= next) return;
        armed = next;
        timer.expires_after(next - now);
        timer.async_wait([self = shared_from_this()](auto bad) {
            if (bad || self->stopped) return;
            self->armed = boot_time(0);
            self->client.on_timer(boot_now());
            self->settle();
        });
    }

    /// Commands given in one turn of the loop leave in one write.
    void flush_soon() {
        if (flushing) return;
        flushing = true;
        asio::post(timer.get_executor(), [self = shared_from_this()] {
            self->flushing = false;
            if (self->stopped) return;
            if (self->client.connected() && self->client.wants_write()) {
                self->client.on_writable(boot_now());
            }
            self->settle();
        });
    }

    redis_client client;
    std::unordered_set<std::shared_ptr<slot>> slots;  ///< of the calls that wait
    asio::posix::stream_descriptor descriptor;
    asio::steady_timer timer;
    std::uint64_t registered = 0;  ///< the connection that descriptor belongs to
    std::uint64_t epoch = 0;       ///< waits of an earlier descriptor are stale
    boot_time armed{0};
    bool reading = false, writing = false, flushing = false, stopped = false;
};

redis_asio::redis_asio(asio::io_context& io, redis_address address, redis_timeouts timeouts)
    : state_(std::make_shared<state>(io, std::move(address), timeouts)) {
    state_->start();
}

redis_asio::~redis_asio() {
    state_->stop();
}

void redis_asio::close() {
    state_->stop();
}

bool redis_asio::connected() const noexcept {
    return !state_->stopped && state_->client.connected();
}

std::uint64_t redis_asio::connection() const noexcept {
    return state_->client.connection();
}

asio::awaitable<result<redis_reply>> redis_asio::call(std::vector<std::string> words,
                                                      std::chrono::milliseconds patience,
                                                      std::vector<shared_bytes> photos) {
    using reply = result<redis_reply>;
    if (!connected()) co_return fail(errc::store_unavailable, "Redis unreachable");
    const auto self = state_;
    const auto slot = std::make_shared<state::slot>(self->timer.get_executor());
    self->slots.insert(slot);
    self->client.send(
        std::move(words), [slot](reply came) { slot->set(std::move(came)); }, std::move(photos));
    self->flush_soon();
    auto came = co_await slot->wait(patience);
    self->slots.erase(slot);
    if (!came) co_return fail(errc::unknown_outcome, "Redis did not reply in time");
    co_return std::move(*came);
}

}  // namespace vultus::api
