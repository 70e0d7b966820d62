#include "workers/gallery/parallel_for.hpp"

#include "shared/base/require.hpp"

namespace vultus {
namespace {

constexpr std::size_t threads_max = 64;

}  // namespace

parallel_for::parallel_for(std::size_t count) : tasks_(threads_max) {
    VULTUS_REQUIRE(count >= 1 && count <= threads_max, "1 to 64 threads");
    for (std::size_t i = 1; i < count; ++i) {
        threads_.emplace_back([this] {
            while (auto next = tasks_.pop()) do_it(*next);
        });
    }
}

parallel_for::~parallel_for() {
    tasks_.close();
    for (std::thread& one : threads_) one.join();
}

void parallel_for::do_it(const task& one) {
    (*one.part)(one.index);
    one.done->count_down();
}

run_parts parallel_for::run() {
    return [this](std::size_t parts, const std::function<void(std::size_t)>& part) {
        VULTUS_REQUIRE(parts >= 1 && parts <= threads_max, "1 to 64 parts");
        std::latch done(static_cast<std::ptrdiff_t>(parts) - 1);
        for (std::size_t i = 1; i < parts; ++i) tasks_.push({&part, i, &done});
        part(0);
        while (auto next = tasks_.try_pop()) do_it(*next);
        done.wait();
    };
}

}  // namespace vultus
