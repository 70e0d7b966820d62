// Tests the calibration: half of the people determine the distances, the other half are galleries
// and strangers, and the strangers that get a name are counted. Pure; the same seed gives the same
// draws.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "workers/calibration/all_pairs.hpp"

namespace vultus::lfw {

struct trial_plan {
    std::vector<int> galleries{50, 300, 600};  ///< people, one photo each
    std::vector<double> chances{0.05, 0.20};
    int draws = 20;  ///< each with its own halves, gallery and photos
    std::uint64_t seed = 1;
};

struct trial_row {
    int gallery = 0;
    double expected = 0;   ///< the chance that the distance was chosen for
    double observed = 0;   ///< share of strangers named, mean of the draws
    double deviation = 0;  ///< standard deviation of that share between draws
    double distance = 0;   ///< mean of the draws
    int draws = 0;
    int strangers = 0;  ///< in each draw: people who are not in the gallery, one photo each
};

/// One row per gallery and chance, in their order. No row for a gallery that leaves fewer than 20
/// strangers in half of the people, or for a chance beyond the stored pairs.
/// requires  plan.draws >= 1
/// threads   blocks: some seconds for the 3,700 faces of View 1
std::vector<trial_row> try_calibration(std::span<const numbered_face> faces,
                                       const trial_plan& plan);

}  // namespace vultus::lfw
