// How many chips go through the GPU at once. Each size has its own graph, made at start. Pure.
#pragma once

#include <array>
#include <vector>

#include "shared/base/limits.hpp"

namespace vultus::cuda {

constexpr std::array<long, 6> bucket_sizes{1, 8, 16, 32, 64, 128};
static_assert(bucket_sizes.back() == static_cast<long>(limits::batch_max), "a batch fits into one");

/// A size, and what a pass of it costs, in any unit that all of them share.
struct bucket {
    long chips = 1;
    double cost = 0;
};

/// What a pass costs where nothing was measured: about as much as so many chips before the first
/// one, launches that do not fill the GPU. source: 0.15 ms for one chip and 200,000 chips/s in
/// passes of 128, the figures aimed at.
constexpr long pass_costs_chips = 32;
constexpr bucket guessed(long chips) {
    return {chips, static_cast<double>(pass_costs_chips + chips)};
}

/// The passes for `chips`, the cheapest way: a bucket may stay partly empty.
/// requires  chips >= 1; sizes ascending from 1, costs above 0
/// returns   bucket sizes, largest first; together at least `chips`
std::vector<long> buckets_for(long chips, const std::vector<bucket>& all);

}  // namespace vultus::cuda
