// A queue between two threads that never holds more than its capacity. The only type of Vultus with
// a lock: everything else has one owner thread.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <deque>
#include <mutex>
#include <optional>
#include <utility>
#include <vector>

#include "shared/base/require.hpp"

namespace vultus {

/// threads   any number of producers and consumers
/// closing   close() ends the queue: push answers false from then on, pop drains what is left and
///           then answers nothing. Closing twice is allowed.
template <class T>
class bounded_queue {
 public:
    explicit bounded_queue(std::size_t capacity) : capacity_(capacity) {
        VULTUS_REQUIRE(capacity > 0, "a queue holds at least one element");
    }
    bounded_queue(const bounded_queue&) = delete;
    bounded_queue& operator=(const bounded_queue&) = delete;

    /// Waits for room. False (and the value dropped) if the queue is closed.
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

    /// Waits at most `patience`. Nothing if none came, or if the queue is closed and empty.
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

    /// Waits for one element, then takes what else is there, up to `most`. Empty if the queue is
    /// closed and empty. This is late binding: a batch is what waits when the consumer is free.
    std::vector<T> pop_some(std::size_t most) {
        std::vector<T> taken;
        std::unique_lock lock(mutex_);
        filled_.wait(lock, [&] { return closed_ || !values_.empty(); });
        while (!values_.empty() && taken.size() < most) {
            taken.push_back(std::move(values_.front()));
            values_.pop_front();
        }
        lock.unlock();
        room_.notify_all();
        return taken;
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
