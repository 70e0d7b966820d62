// A face put upright: the shift, turn and scale that bring its points nearest to a template's, and
// the picture that it cuts out. For embedders that were trained with such pictures. Pure.
#pragma once

#include "shared/base/result.hpp"
#include "workers/geometry/geometry.hpp"
#include "workers/image/image.hpp"

namespace vultus {

/// (x, y) -> (a * x - b * y + right, b * x + a * y + down): a turn, a scale and a shift, no
/// reflection.
struct similarity {
    double a = 1;
    double b = 0;
    double right = 0;
    double down = 0;
    point operator()(point from) const;
};

/// The similarity that brings `from` nearest to `to`, by the sum of squared distances.
/// errors    malformed: all points of `from` are one, or a number is not finite
/// source    Umeyama, Least-Squares Estimation of Transformation Parameters (1991); in a plane
///           without reflection it is one division
result<similarity> nearest_similarity(const face_points& from, const face_points& to);

/// The picture of side x side pixels whose pixel (x, y) is the photo at the place that `to_crop`
/// brings to (x, y), bilinear; black outside of the photo. Pixel (0, 0) of both is at place (0, 0).
/// requires  a photo with pixels, 1 <= side <= limits::image_side, a scale that is not 0
image cut_out(const image& photo, const similarity& to_crop, std::uint32_t side);

}  // namespace vultus
