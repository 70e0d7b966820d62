// What handlers use: the connections and other shared parts of the process.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "api/access/access_control.hpp"
#include "api/access/last_seen_throttle.hpp"
#include "api/fetch/photo_fetcher.hpp"
#include "api/http/shares.hpp"
#include "api/links/broker_client.hpp"
#include "api/links/event_stories.hpp"
#include "api/links/events.hpp"
#include "api/links/redis_asio.hpp"
#include "api/links/store_health.hpp"
#include "shared/base/metrics.hpp"
#include "shared/config/settings.hpp"
#include "shared/store/event_reader.hpp"
#include "shared/store/gallery_reader.hpp"
#include "shared/store/job_reader.hpp"
#include "shared/store/model_store.hpp"
#include "shared/store/person_store.hpp"
#include "shared/store/picture_store.hpp"
#include "shared/store/retention.hpp"
#include "shared/store/submission_store.hpp"

namespace vultus::api {

/// A semaphore in order of arrival. One thread.
class gate {
 public:
    gate(asio::io_context& io, int places) : io_(io), free_(places) {}

    class pass {
     public:
        explicit pass(gate* of) : of_(of) {}
        pass(pass&& other) noexcept : of_(std::exchange(other.of_, nullptr)) {}
        ~pass() {
            if (of_ != nullptr) of_->leave();
        }

     private:
        gate* of_;
    };

    /// errors    queue_full: no slot became free in time
    asio::awaitable<result<pass>> enter(std::chrono::milliseconds patience) {
        if (free_ > 0) {
            --free_;
            co_return pass(this);
        }
        const auto slot = std::make_shared<promise<bool>>(io_.get_executor());
        waiting_.push_back(slot);
        if (co_await slot->wait(patience)) co_return pass(this);
        std::erase(waiting_, slot);
        co_return fail(errc::queue_full, "Too many large photos being stored");
    }

 private:
    void leave() {
        if (waiting_.empty()) {
            ++free_;
            return;
        }
        waiting_.front()->set(true);
        waiting_.pop_front();
    }

    asio::io_context& io_;
    int free_;
    std::deque<std::shared_ptr<promise<bool>>> waiting_;
};

/// The open live channels. One thread.
class live_channels {
 public:
    /// A live channel, seen from here.
    class member {
     public:
        virtual ~member() = default;
        /// `code`  of the WebSocket's close frame
        virtual void stop(const error& why, int code) = 0;
    };
    explicit live_channels(std::size_t most) : places_(std::make_shared<shares>(most)) {}

    /// Slots that are taken, by channels and by handshakes in progress.
    std::size_t taken() const noexcept { return places_->taken(); }
    /// A slot for this holder, held until its last copy is destroyed; null: none. When all are
    /// taken, the holder with the most channels loses one to a holder with fewer.
    std::shared_ptr<const void> take(const std::string& holder);
    void add(member& one, std::string holder) { all_.emplace_back(&one, std::move(holder)); }
    void remove(member& channel) {
        std::erase_if(all_, [&](const auto& one) { return one.first == &channel; });
    }
    void stop();

 private:
    std::vector<std::pair<member*, std::string>> all_;  ///< the newest last
    std::shared_ptr<shares> places_;
};

struct services {
    asio::io_context& io;
    const api_settings& settings;
    const submission_store submissions;
    const job_reader jobs;
    const event_reader event_stream;
    const gallery_reader galleries;
    const retention_store retention;
    const model_store models;
    const picture_store pictures;
    const person_store people;
    redis_asio& redis;
    event_hub& events;
    event_stories& stories;
    broker_client& brokers;
    store_health& health;
    access_control& access;
    metrics& measured;
    std::string build;
    gate large_accepts;
    /// Requests that wait: event streams, long polls, photos that are not stored.
    std::shared_ptr<shares> waits;
    std::shared_ptr<shares> frames;  ///< bytes of photos that are not stored, sent to workers
    photo_fetcher fetcher;
    live_channels live;
    last_seen_throttle seen;
    bool draining = false;
};

}  // namespace vultus::api
