// From the detector's output to faces: every place above zero is a box; of boxes that overlap the
// surest stays. Pure.
#pragma once

#include <span>
#include <vector>

#include "workers/engine/detector.hpp"
#include "workers/engine/dlib_layers.hpp"
#include "workers/engine/pyramid.hpp"

namespace vultus {

/// The pixel of the canvas in the middle of what an output's place sees: place * stride + offset.
struct reach {
    long stride = 1;
    long row_offset = 0;
    long column_offset = 0;
};

/// requires  a list of convolutions and what changes no places (relu), one after the other
reach reach_of(const network& net);

/// The faces in an output of `rows` x `columns`, the surest first, in pixels of the picture.
/// requires  scores.size() == rows * columns
std::vector<detected_face> faces_in(std::span<const float> scores, long rows, long columns,
                                    const reach& sees, const pyramid_layout& layout,
                                    const detector_layers& rules);

/// Whether two boxes are of one face: what they share over the box around both exceeds
/// overlap_max, or over one of them covered_max.
bool same_face(const box& a, const box& b, double overlap_max, double covered_max);

}  // namespace vultus
