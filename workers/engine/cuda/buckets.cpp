// The cheapest passes, by the cost of each smaller number of chips.
#include "workers/engine/cuda/buckets.hpp"

#include <algorithm>

#include "shared/base/require.hpp"

namespace vultus::cuda {

std::vector<long> buckets_for(long chips, const std::vector<bucket>& all) {
    VULTUS_REQUIRE(chips >= 1 && !all.empty() && all.front().chips == 1, "a way for one chip");
    struct way {
        double cost;
        long first;
    };
    std::vector<way> ways{{0, 0}};
    for (long n = 1; n <= chips; ++n) {
        way best{0, 0};
        for (const bucket& one : all) {
            const long rest = std::max(0L, n - one.chips);
            const double cost = one.cost + ways[static_cast<std::size_t>(rest)].cost;
            if (best.first == 0 || cost < best.cost) best = {cost, one.chips};
        }
        ways.push_back(best);
    }
    std::vector<long> passes;
    for (long left = chips; left > 0; left = std::max(0L, left - passes.back())) {
        passes.push_back(ways[static_cast<std::size_t>(left)].first);
    }
    std::sort(passes.rbegin(), passes.rend());
    return passes;
}

}  // namespace vultus::cuda
