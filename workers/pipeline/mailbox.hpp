// A bounded queue for a poll loop: each push makes a file descriptor readable. Stages send messages
// to the session and to the committer through it.
#pragma once

#include <cstdint>
#include <optional>
#include <utility>

#include "shared/base/bounded_queue.hpp"

namespace vultus {

/// An eventfd. threads: ring() any, quiet() one owner
class doorbell {
 public:
    doorbell();
    ~doorbell();
    doorbell(const doorbell&) = delete;
    doorbell& operator=(const doorbell&) = delete;
    int fd() const noexcept { return fd_; }
    void ring() noexcept;
    void quiet() noexcept;

 private:
    int fd_;
};

/// threads   push: any; fd and take: the one owner
template <class T>
class mailbox {
 public:
    explicit mailbox(std::size_t capacity) : letters_(capacity) {}

    /// Waits for room. False once closed.
    bool push(T letter) {
        const bool kept = letters_.push(std::move(letter));
        bell_.ring();
        return kept;
    }

    /// Never waits. False, with `letter` untouched, if full or closed.
    bool try_push(T& letter) {
        const bool kept = letters_.try_push(letter);
        if (kept) bell_.ring();
        return kept;
    }

    /// Readable when take() may have something. Call quiet() first, then take() until it is empty.
    int fd() const noexcept { return bell_.fd(); }
    void quiet() noexcept { bell_.quiet(); }
    std::optional<T> take() { return letters_.try_pop(); }

    void close() {
        letters_.close();
        bell_.ring();
    }
    bool closed() const { return letters_.closed(); }
    std::size_t size() const { return letters_.size(); }

 private:
    bounded_queue<T> letters_;
    doorbell bell_;
};

}  // namespace vultus
