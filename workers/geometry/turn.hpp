// Pictures that lie on their side: a quarter of a turn is exact, pixel for pixel. Pure.
#pragma once

#include "workers/geometry/geometry.hpp"
#include "workers/image/image.hpp"

namespace vultus {

/// The picture turned clockwise by so many quarters. requires  0 <= quarters <= 3
image turned(image picture, int quarters);

/// Where a place of a picture of width x height pixels lies after that; parts of pixels, (0, 0) is
/// the outer corner of the first pixel. requires  0 <= quarters <= 3
point turned(point at, double width, double height, int quarters);
rectangle turned(const rectangle& where, double width, double height, int quarters);

/// Quarters clockwise after which the face is nearest to upright: its mouth below its eyes.
int quarters_to_upright(const face_points& points);

}  // namespace vultus
