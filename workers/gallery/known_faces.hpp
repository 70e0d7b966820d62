// Which of the faces found on a frame stand where the sender of the frame said that somebody it
// follows was: those need no embedding (PROTOCOL.md, FRAME). Pure.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "workers/engine/detector.hpp"
#include "workers/geometry/geometry.hpp"

namespace vultus {

/// Least intersection over union of a face and its box of the frame before. At 15 frames a second
/// a face that crosses 640 px in two seconds overlaps by 0.6 or more.
constexpr double known_overlap_min = 0.4;

/// The boxes of a frame's `known` list: four edges each. requires  edges.size() % 4 == 0
std::vector<box> known_boxes(std::span<const std::int64_t> edges);

/// For each face the index of its known box, or -1. The pairs that overlap most go first; a box is
/// given once.
std::vector<int> find_known(std::span<const detected_face> faces, std::span<const box> known);

}  // namespace vultus
