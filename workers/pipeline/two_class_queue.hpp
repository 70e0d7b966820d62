// A queue with two classes: live elements come before the others, which still get their turn. With
// a bounded_queue a bulk import would delay a camera.
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
/// order     live elements first; after `weight` of them in a row one of the others, if any waits
/// closing   as bounded_queue: push returns false, pop drains the rest
template <class T>
class two_class_queue {
 public:
    /// requires  each at least 1
    two_class_queue(std::size_t live_room, std::size_t room, std::size_t weight)
        : live_room_(live_room), room_(room), weight_(weight) {
        VULTUS_REQUIRE(live_room > 0 && room > 0, "each class has room for an element");
        VULTUS_REQUIRE(weight > 0, "live elements have a turn");
    }
    two_class_queue(const two_class_queue&) = delete;
    two_class_queue& operator=(const two_class_queue&) = delete;

    /// For an element that is not live. Waits for room. False, with the value dropped, if closed.
    bool push(T value) {
        std::unique_lock lock(mutex_);
        emptied_.wait(lock, [&] { return closed_ || values_.size() < room_; });
        if (closed_) return false;
        values_.push_back(std::move(value));
        lock.unlock();
        filled_.notify_one();
        return true;
    }

    /// Never waits. False, with `value` unchanged, if there is no room or the queue is closed.
    bool try_push_live(T& value) {
        std::unique_lock lock(mutex_);
        if (closed_ || live_.size() >= live_room_) return false;
        live_.push_back(std::move(value));
        lock.unlock();
        came_live_.notify_one();  // the first waiter takes it
        filled_.notify_one();
        return true;
    }

    /// Waits for an element. Nothing if the queue is closed and empty.
    std::optional<T> pop() {
        std::unique_lock lock(mutex_);
        filled_.wait(lock, [&] { return closed_ || !is_empty(); });
        return take(lock);
    }

    /// Waits at most `patience`. Nothing if none arrived, or if the queue is closed and empty.
    std::optional<T> pop_for(std::chrono::milliseconds patience) {
        std::unique_lock lock(mutex_);
        filled_.wait_for(lock, patience, [&] { return closed_ || !is_empty(); });
        return take(lock);
    }

    /// A live element, out of turn. Waits at most `patience`, even if other elements wait.
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
    std::size_t in_row_ = 0;  ///< live elements since the last other one
    bool closed_ = false;
};

}  // namespace vultus
