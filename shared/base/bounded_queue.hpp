// A queue between threads that never holds more than its capacity. Threads share data through this
// queue and the worker's two_class_queue; nearly everything else has one owner thread.
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
/// closing   after close(), push returns false, and pop returns the remaining elements and then
///           nothing. Closing twice is allowed.
template <class T>
class bounded_queue {
 public:
    explicit bounded_queue(std::size_t capacity) : capacity_(capacity) {
        VULTUS_REQUIRE(capacity > 0, "a queue holds at least one element");
    }
    bounded_queue(const bounded_queue&) = delete;
    bounded_queue& operator=(const bounded_queue&) = delete;

    /// Waits for room. False if the queue is closed; the value is dropped then.
    bool push(T value) {
        std::unique_lock lock(mutex_);
        room_.wait(lock, [&] { return closed_ || values_.size() < capacity_; });
        if (closed_) return false;
        values_.push_back(std::move(value));
        lock.unlock();
        filled_.notify_one();
        return true;
    }

    /// Never waits. False, with `value` untouched, if the queue is full or closed.
    bool try_push(T& value) {
        std::unique_lock lock(mutex_);
        if (closed_ || values_.size() >= capacity_) return false;
        values_.push_back(std::move(value));
        lock.unlock();
        filled_.notify_one();
        return true;
    }

    /// Waits for an element. Nothing if the queue is closed and empty.
    std::optional<T> pop() {
        std::unique_lock lock(mutex_);
        filled_.wait(lock, [&] { return closed_ || !values_.empty(); });
        return take(lock);
    }

    /// Waits at most `patience`. Nothing after a time-out, or if the queue is closed and empty.
    std::optional<T> pop_for(std::chrono::milliseconds patience) {
        std::unique_lock lock(mutex_);
        filled_.wait_for(lock, patience, [&] { return closed_ || !values_.empty(); });
        return take(lock);
    }

    /// Never waits.
    std::optional<T> try_pop() {
        std::unique_lock lock(mutex_);
        return take(lock);
    }

    void close() {
        {
            std::lock_guard lock(mutex_);
            closed_ = true;
        }
        room_.notify_all();
        filled_.notify_all();
    }

    std::size_t size() const {
        std::lock_guard lock(mutex_);
        return values_.size();
    }

    bool closed() const {
        std::lock_guard lock(mutex_);
        return closed_;
    }

 private:
    std::optional<T> take(std::unique_lock<std::mutex>& lock) {
        if (values_.empty()) return std::nullopt;
        std::optional<T> value(std::move(values_.front()));
        values_.pop_front();
        lock.unlock();
        room_.notify_one();
        return value;
    }

    const std::size_t capacity_;
    mutable std::mutex mutex_;
    std::condition_variable room_;
    std::condition_variable filled_;
    std::deque<T> values_;
    bool closed_ = false;
};

}  // namespace vultus
