// A slot for one value between threads: a newer value replaces an older one, so the producer never
// waits for the consumer.
#pragma once

#include <utility>

#include "shared/base/bounded_queue.hpp"

namespace vultus::camera {

/// threads   any number of both
template <class T>
class newest {
 public:
    void put(T value) {
        while (!place_.closed() && !place_.try_push(value)) place_.try_pop();
    }
    /// Waits at most `patience`. Nothing after a timeout.
    std::optional<T> take(std::chrono::milliseconds patience) { return place_.pop_for(patience); }
    void close() { place_.close(); }

 private:
    bounded_queue<T> place_{1};
};

}  // namespace vultus::camera
