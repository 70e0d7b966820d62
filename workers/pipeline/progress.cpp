#include "workers/pipeline/progress.hpp"

#include "shared/base/require.hpp"

namespace vultus {

progress::slot& progress::add() {
    VULTUS_REQUIRE(used_ < slots_.size(), "at most 256 stage threads");
    slots_[used_].whole_ = this;
    return slots_[used_++];
}

void progress::slot::done() noexcept {
    late_after_.store(0, std::memory_order_relaxed);
    whole_->steps_.fetch_add(1, std::memory_order_relaxed);
}

bool progress::stuck(boot_time now) const noexcept {
    for (std::size_t i = 0; i < used_; ++i) {
        const std::int64_t late_after = slots_[i].late_after_.load(std::memory_order_relaxed);
        if (late_after != 0 && now.count() > late_after) return true;
    }
    return false;
}

}  // namespace vultus
