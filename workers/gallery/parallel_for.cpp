#include "workers/gallery/parallel_for.hpp"

#include "shared/base/require.hpp"

namespace vultus {
namespace {

constexpr std::size_t lanes_max = 64;

}  // namespace

lanes::lanes(std::size_t count) : tasks_(lanes_max) {
    VULTUS_REQUIRE(count >= 1 && count <= lanes_max, "1 to 64 lanes");
    for (std::size_t i = 1; i < count; ++i) {
        threads_.emplace_back([this] {
            while (auto next = tasks_.pop()) do_it(*next);
        });
    }
}

lanes::~lanes() {
    tasks_.close();
    for (std::thread& one : threads_) one.join();
}

void lanes::do_it(const task& one) {
    (*one.part)(one.index);
    one.done->count_down();
}

run_parts lanes::run() {
    return [this](std::size_t parts, const std::function<void(std::size_t)>& part) {
        VULTUS_REQUIRE(parts >= 1 && parts <= lanes_max, "1 to 64 parts");
        std::latch done(static_cast<std::ptrdiff_t>(parts) - 1);
        for (std::size_t i = 1; i < parts; ++i) tasks_.push({&part, i, &done});
        part(0);
        while (auto next = tasks_.try_pop()) do_it(*next);
        done.wait();
    };
}

}  // namespace vultus
