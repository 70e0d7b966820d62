// A queue between two threads with two lanes: what is live goes before what can wait, and what can
// wait still gets its turn. A bounded_queue would let a bulk import stop the picture of a camera.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <deque>
#include <mutex>
#include <optional>
#include <utility>

#include "shared/base/require.hpp"

namespace vultus {

/// threads   any number of producers and consumers
/// order     the live lane first; after `weight` of it in a row one of the other lane, if one waits
/// closing   as bounded_queue: push answers false, pop drains what is left
template <class T>
class two_class_queue {
 public:
    /// requires  each at least 1
    two_class_queue(std::size_t live_room, std::size_t room, std::size_t weight)
        : live_room_(live_room), room_(room), weight_(weight) {
        VULTUS_REQUIRE(live_room > 0 && room > 0, "a lane holds at least one element");
        VULTUS_REQUIRE(weight > 0, "the live lane has a turn");
    }
    two_class_queue(const two_class_queue&) = delete;
    two_class_queue& operator=(const two_class_queue&) = delete;

    /// Waits for room in the lane of what can wait. False (and the value dropped) if closed.
    bool push(T value) {
        std::unique_lock lock(mutex_);
        emptied_.wait(lock, [&] { return closed_ || values_.size() < room_; });
        if (closed_) return false;
        values_.push_back(std::move(value));
        lock.unlock();
        filled_.notify_one();
        return true;
    }

    /// Never waits. False, with `value` untouched, if the live lane is full or the queue closed.
    bool try_push_live(T& value) {
        std::unique_lock lock(mutex_);
        if (closed_ || live_.size() >= live_room_) return false;
        live_.push_back(std::move(value));
        lock.unlock();
        came_live_.notify_one();  // whoever is first takes it
        filled_.notify_one();
        return true;
    }

    /// Waits for an element. Nothing if the queue is closed and empty.
    std::optional<T> pop() {
        std::unique_lock lock(mutex_);
        filled_.wait(lock, [&] { return closed_ || !is_empty(); });
        return take(lock);
    }

    /// Waits at most `patience`. Nothing if none came, or if the queue is closed and empty.
    std::optional<T> pop_for(std::chrono::milliseconds patience) {
        std::unique_lock lock(mutex_);
        filled_.wait_for(lock, patience, [&] { return closed_ || !is_empty(); });
        return take(lock);
    }

    /// One of the live lane, out of turn. Waits at most `patience`, whatever the other lane has.
    std::optional<T> pop_live_for(std::chrono::milliseconds patience) {
        std::unique_lock lock(mutex_);
        came_live_.wait_for(lock, patience, [&] { return closed_ || !live_.empty(); });
        if (live_.empty()) return std::nullopt;
        return front_of(live_);
    }

    /// The same, and never waits.
    std::optional<T> try_pop_live() {
        std::unique_lock lock(mutex_);
        if (live_.empty()) return std::nullopt;
        return front_of(live_);
    }

    void close() {
        {
            std::lock_guard lock(mutex_);
            closed_ = true;
        }
        emptied_.notify_all();
        filled_.notify_all();
        came_live_.notify_all();
    }

    bool closed() {
        std::lock_guard lock(mutex_);
        return closed_;
    }

 private:
    bool is_empty() const { return live_.empty() && values_.empty(); }

    static std::optional<T> front_of(std::deque<T>& lane) {
        std::optional<T> value(std::move(lane.front()));
        lane.pop_front();
        return value;
    }

    std::optional<T> take(std::unique_lock<std::mutex>& lock) {
        if (is_empty()) return std::nullopt;
        const bool other = live_.empty() || (!values_.empty() && in_row_ >= weight_);
        if (!other) {
            ++in_row_;
            return front_of(live_);
        }
        in_row_ = 0;
        std::optional<T> value = front_of(values_);
        lock.unlock();
        emptied_.notify_one();
        return value;
    }

    const std::size_t live_room_, room_, weight_;
    std::mutex mutex_;
    std::condition_variable emptied_, filled_, came_live_;
    std::deque<T> live_, values_;
    std::size_t in_row_ = 0;  ///< of the live lane since one of the other had its turn
    bool closed_ = false;
};

}  // namespace vultus
