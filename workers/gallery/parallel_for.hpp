// Threads that share one search in a large gallery: the caller runs one part, they run the others.
#pragma once

#include <cstddef>
#include <functional>
#include <latch>
#include <thread>
#include <vector>

#include "shared/base/bounded_queue.hpp"
#include "workers/gallery/search.hpp"

namespace vultus {

/// threads   one caller at a time; a call returns when its parts are done
class parallel_for {
 public:
    /// `count` threads, including the caller's. requires  1 <= count <= 64
    explicit parallel_for(std::size_t count);
    ~parallel_for();
    parallel_for(const parallel_for&) = delete;
    parallel_for& operator=(const parallel_for&) = delete;

    std::size_t count() const noexcept { return threads_.size() + 1; }
    /// For search_options, 1 to 64 parts. Valid while this lives.
    run_parts run();

 private:
    struct task {
        const std::function<void(std::size_t)>* part;
        std::size_t index;
        std::latch* done;
    };
    static void do_it(const task& one);

    bounded_queue<task> tasks_;
    std::vector<std::thread> threads_;
};

}  // namespace vultus
