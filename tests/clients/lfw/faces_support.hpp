// Faces for the tests: points on a line with obvious distances, and clouds of people.
#pragma once

#include <cstdint>
#include <vector>

#include "workers/calibration/all_pairs.hpp"

namespace vultus::lfw::testing {

/// A face at `place` on a line: the distance of two is the difference of their places.
numbered_face at(float place, std::uint32_t person);

/// People as points of a normal distribution in `dimensions`, each with 1 to `photos_max` photos
/// around the point; `crowded` of them much nearer the middle, so that many resemble them.
std::vector<numbered_face> crowd(std::uint32_t people, int photos_max, double crowded,
                                 std::uint64_t seed);

}  // namespace vultus::lfw::testing
