// A place for one value between two threads, in which a newer one takes the older one's place: who
// puts never waits for who takes.
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
    /// Waits at most so long. Nothing if none came.
    std::optional<T> take(std::chrono::milliseconds patience) { return place_.pop_for(patience); }
    void close() { place_.close(); }

 private:
    bounded_queue<T> place_{1};
};

}  // namespace vultus::camera
