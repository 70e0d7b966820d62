// What a detector network says of a place: a face, how sure, and its points. In pixels of the
// picture that the network saw, with parts of pixels; the decoders make them, the search joins
// those of several pictures. Pure.
#pragma once

#include <vector>

#include "workers/geometry/geometry.hpp"

namespace vultus {

struct sighting {
    rectangle where;
    double score = 0;  ///< 0..1
    face_points points{};
};

/// Largest overlap of two faces that are both kept.
/// source    CenterFace's and YuNet's own non-maximum suppression
constexpr double sighting_overlap_max = 0.3;

/// Of those that overlap by more than sighting_overlap_max only the surest; the surest first.
std::vector<sighting> surest(std::vector<sighting> found);

}  // namespace vultus
