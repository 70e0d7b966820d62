// The loop around a redis_client for threads that have none: poll(2) on its descriptor until the
// reply is there.
#include "shared/store/redis_blocking.hpp"

#include <poll.h>

#include <algorithm>
#include <optional>

namespace vultus {
namespace {

/// Waits for the client's descriptor for at most `patience` and drives the client once.
void turn(redis_client& client, std::chrono::milliseconds patience) {
    const boot_time now = boot_now();
    const auto wait = std::clamp(client.next_timer() - now, std::chrono::milliseconds(0), patience);
    pollfd one{client.fd(), 0, 0};
    if (client.wants_read()) one.events |= POLLIN;
    if (client.wants_write()) one.events |= POLLOUT;
    ::poll(&one, 1, static_cast<int>(wait.count()));  // a negative fd is ignored: a plain wait
    const int broken = POLLERR | POLLHUP;
    client.on_polled((one.revents & (POLLIN | broken)) != 0,
                     (one.revents & (POLLOUT | broken)) != 0, boot_now());
}

}  // namespace

redis_blocking::redis_blocking(redis_address address, redis_timeouts timeouts)
    : client_(std::make_unique<redis_client>(std::move(address), timeouts)),
      connect_(timeouts.connect) {}

redis_blocking::~redis_blocking() = default;

result<redis_reply> redis_blocking::call(std::vector<std::string> words,
                                         std::vector<shared_bytes> photos) {
    using std::chrono::milliseconds;
    turn(*client_, milliseconds(0));  // detects that the connection broke since the last call
    const boot_time patience_ends = boot_now() + connect_;
    while (!client_->connected()) {
        const boot_time now = boot_now();
        if (now >= patience_ends) return fail(errc::store_unavailable, "Redis unavailable");
        turn(*client_, patience_ends - now);
    }
    std::optional<result<redis_reply>> answer;
    client_->send(
        std::move(words), [&](result<redis_reply> reply) { answer = std::move(reply); },
        std::move(photos));
    while (!answer) turn(*client_, milliseconds(60'000));  // the command timer ends this
    return std::move(*answer);
}

}  // namespace vultus
