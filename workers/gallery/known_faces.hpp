// Which faces detected in a frame match a box in which the sender tracks somebody: those need no
// embedding (PROTOCOL.md, FRAME). Pure.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "workers/engine/detector.hpp"
#include "workers/geometry/geometry.hpp"

namespace vultus {

/// Minimum intersection over union of a face and its box in the previous frame. At 15 frames a
/// second a face that crosses 640 px in two seconds overlaps by 0.6 or more.
constexpr double known_overlap_min = 0.4;

/// The boxes of a frame's `known` list: four edges each. requires  edges.size() % 4 == 0
std::vector<box> known_boxes(std::span<const std::int64_t> edges);

/// For each face the index of its known box, or -1. Pairs with the largest overlap are assigned
/// first; each box is assigned once.
std::vector<int> find_known(std::span<const detected_face> faces, std::span<const box> known);

}  // namespace vultus
