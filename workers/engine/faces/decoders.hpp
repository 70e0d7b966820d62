// From the outputs of a detector network to sightings. The formulas are the publishers'; a test
// compares whole photos with what ONNX Runtime and the formulas in Python give. Pure.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "shared/base/result.hpp"
#include "workers/engine/faces/sighting.hpp"
#include "workers/engine/runner.hpp"

namespace vultus {

/// The network's outputs and the picture it saw: what lies beyond it on the canvas is no face.
using sightings_of = result<std::vector<sighting>> (*)(std::span<const output_tensor>);

/// CenterFace: `537` heat (1 channel), `538` size (2: height, width), `539` offset (2: y, x) and
/// `540` points (10: y and x of five), each of a quarter of the canvas' rows and columns. A place
/// (r, c) of heat above centerface_score_min is a face: its middle is (c + x + 0.5) * 4 and
/// (r + y + 0.5) * 4, its sides exp(size) * 4, a point lies at y * height and x * width from its
/// upper left corner.
/// returns   the surest first, none overlapping another (sighting.hpp)
/// errors    malformed: another network's outputs
result<std::vector<sighting>> centerface_sightings(std::span<const output_tensor> outputs);

/// YuNet 2023: `cls_S`, `obj_S` (1 channel), `bbox_S` (4) and `kps_S` (10: x and y of five) for
/// each stride S of 8, 16 and 32. A place (r, c) of score sqrt(cls * obj) above yunet_score_min is
/// a face: its middle is ((c + b0) * S, (r + b1) * S), its sides exp(b2) * S and exp(b3) * S, a
/// point is ((c + x) * S, (r + y) * S). returns, errors   as above
result<std::vector<sighting>> yunet_sightings(std::span<const output_tensor> outputs);

/// source    group photos of 40 and 80 faces of 20 px (docs/benchmarks.md): above 0.4 CenterFace
///           finds 600 of 600, above 0.5 594; YuNet above 0.5 240 of 240, above 0.6 238
constexpr float centerface_score_min = 0.4f;
constexpr float yunet_score_min = 0.5f;

}  // namespace vultus
