#include "workers/calibration/similarity.hpp"

#include <algorithm>
#include <cmath>

#include "shared/base/require.hpp"

namespace vultus {

double similarity_at(double distance, double threshold) {
    VULTUS_REQUIRE(distance >= 0 && threshold > 0, "distances");
    return 1 / (1 + std::exp(similarity_slope * (distance / threshold - 1)));
}

double distance_at_similarity(double similarity, double threshold) {
    VULTUS_REQUIRE(similarity >= similarity_least && similarity <= similarity_most && threshold > 0,
                   "a similarity that a request may set");
    const double odds = (1 - similarity) / similarity;
    return std::min(2.0, threshold * (1 + std::log(odds) / similarity_slope));
}

}  // namespace vultus
