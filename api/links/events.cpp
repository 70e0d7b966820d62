// See events.hpp.
#include "api/links/events.hpp"

#include <boost/asio/post.hpp>
#include <utility>

#include "shared/base/log.hpp"
#include "shared/base/stream_id.hpp"

namespace vultus::api {
namespace {

constexpr std::size_t events_per_read = 500;
constexpr std::size_t events_held = 64;  // more than one job can have in its life
constexpr std::chrono::milliseconds retry_pause{100};
constexpr std::size_t told_in_a_turn = 10'000;  // waiters; then others have theirs

}  // namespace

event_hub::waiter::waiter(event_hub& hub, std::string job_id)
    : hub_(hub), job_id_(std::move(job_id)), timer_(hub.io_) {
    hub_.waiters_.emplace(job_id_, this);
}

event_hub::waiter::~waiter() {
    const auto [first, last] = hub_.waiters_.equal_range(job_id_);
    for (auto at = first; at != last; ++at) {
        if (at->second == this) {
            hub_.waiters_.erase(at);
            return;
        }
    }
}

asio::awaitable<event_hub::wake> event_hub::waiter::next(std::chrono::milliseconds patience) {
    for (int look = 0; look < 2; ++look) {
        if (hub_.stopped_) co_return wake::stopping;
        if (reread_) {
            reread_ = false;
            waiting_.clear();
            co_return wake::reread;
        }
        if (!waiting_.empty()) {
            last_ = std::move(waiting_.front());
            waiting_.pop_front();
            co_return wake::happened;
        }
        if (look == 0 && patience.count() > 0) {
            woken_ = false;
            timer_.expires_after(patience);
            boost::system::error_code ignored;
            co_await timer_.async_wait(asio::redirect_error(asio::use_awaitable, ignored));
        }
    }
    co_return wake::timeout;
}

event_hub::event_hub(asio::io_context& io, redis_asio& redis, const store_context& context)
    : io_(io), redis_(redis), stream_(context), pause_(io) {}

void event_hub::stop() {
    stopped_ = true;
    pause_.cancel();
    for (auto& [id, who] : waiters_) who->timer_.cancel();
}

void event_hub::reread_all() {
    for (auto& [id, who] : waiters_) {
        who->reread_ = true;
        who->timer_.cancel();
    }
}

std::size_t event_hub::deliver(event came) {
    seen_ = came.id;
    const auto shared = std::make_shared<const event>(std::move(came));
    return hand(shared->job_id, shared) + hand(std::string(every_job), shared);
}

std::size_t event_hub::hand(const std::string& job_id, const std::shared_ptr<const event>& came) {
    const auto [first, last] = waiters_.equal_range(job_id);
    std::size_t told = 0;
    for (auto at = first; at != last; ++at, ++told) {
        waiter& who = *at->second;
        if (who.waiting_.size() >= events_held) {
            who.waiting_.clear();
            who.reread_ = true;
        } else if (!who.reread_) {  // who reads everything again needs none of them
            who.waiting_.push_back(came);
        }
        if (!std::exchange(who.woken_, true)) who.timer_.cancel();
    }
    return told;
}

/// Finds the place to read on from after a start, a reconnect or an error. If the stream does not
/// reach back to the last event seen, or is another stream, begins at its end.
asio::awaitable<bool> event_hub::synchronise() {
    const auto newest = co_await redis_.call(stream_.last_event_id());
    if (!newest) co_return false;
    const auto oldest = co_await redis_.call(stream_.oldest_event_id());
    if (!oldest) co_return false;
    if (seen_.empty() || is_before(*newest, seen_) || is_before(seen_, *oldest)) seen_ = *newest;
    co_return true;
}

asio::awaitable<void> event_hub::run() {
    bool known = false;
    while (!stopped_) {
        const bool fresh = !known;
        if (!known) known = co_await synchronise();
        if (known && fresh) reread_all();
        if (known) {
            // Some patience beyond the block: the server's own timer is no exact one.
            auto came = co_await redis_.call(
                stream_.events_after(seen_, events_per_read, block_time), block_time * 2);
            known = came.has_value();
            if (known) {
                std::size_t told = 0;
                for (auto& one : *came) {
                    told += deliver(std::move(one));
                    if (told < told_in_a_turn) continue;
                    told = 0;
                    co_await asio::post(io_, asio::use_awaitable);
                }
            }
        }
        if (!known && !stopped_) {
            pause_.expires_after(retry_pause);
            boost::system::error_code ignored;
            co_await pause_.async_wait(asio::redirect_error(asio::use_awaitable, ignored));
        }
    }
}

}  // namespace vultus::api
