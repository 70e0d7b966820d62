#include "workers/gallery/known_faces.hpp"

#include <algorithm>
#include <tuple>

#include "shared/base/require.hpp"
#include "workers/geometry/overlap.hpp"

namespace vultus {

std::vector<box> known_boxes(std::span<const std::int64_t> edges) {
    VULTUS_REQUIRE(edges.size() % 4 == 0, "a box has four edges");
    const auto edge = [&](std::size_t i) { return static_cast<std::int32_t>(edges[i]); };
    std::vector<box> boxes;
    for (std::size_t i = 0; i < edges.size(); i += 4) {
        boxes.push_back({edge(i), edge(i + 1), edge(i + 2), edge(i + 3)});
    }
    return boxes;
}

std::vector<int> find_known(std::span<const detected_face> faces, std::span<const box> known) {
    struct pair {
        double share;
        std::size_t face, box;
    };
    std::vector<pair> pairs;
    for (std::size_t i = 0; i < faces.size(); ++i) {
        for (std::size_t k = 0; k < known.size(); ++k) {
            const double share = overlap(faces[i].where, known[k]);
            if (share >= known_overlap_min) pairs.push_back({share, i, k});
        }
    }
    std::sort(pairs.begin(), pairs.end(), [](const pair& a, const pair& b) {
        return std::tuple(-a.share, a.face, a.box) < std::tuple(-b.share, b.face, b.box);
    });
    std::vector<int> found(faces.size(), -1);
    std::vector<bool> given(known.size(), false);
    for (const pair& one : pairs) {
        if (found[one.face] >= 0 || given[one.box]) continue;
        found[one.face] = static_cast<int>(one.box);
        given[one.box] = true;
    }
    return found;
}

}  // namespace vultus
