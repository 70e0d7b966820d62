// Non-maximum suppression. One network output has at most some hundred sightings, so each is
// compared with all that were kept.
#include "workers/engine/faces/sighting.hpp"

#include <algorithm>

#include "workers/geometry/overlap.hpp"

namespace vultus {

std::vector<sighting> surest(std::vector<sighting> found) {
    std::stable_sort(found.begin(), found.end(),
                     [](const sighting& a, const sighting& b) { return a.score > b.score; });
    std::vector<sighting> kept;
    for (const sighting& one : found) {
        const bool taken = std::any_of(kept.begin(), kept.end(), [&](const sighting& surer) {
            return overlap(surer.where, one.where) > sighting_overlap_max;
        });
        if (!taken) kept.push_back(one);
    }
    return kept;
}

}  // namespace vultus
