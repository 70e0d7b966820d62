// What two boxes share: the one measure for tracks, for tiles and for the detectors' own rules.
// Pure.
#pragma once

#include "workers/geometry/geometry.hpp"

namespace vultus {

/// The same box with its far edges outside.
rectangle rectangle_of(const box&);

/// The nearest whole pixels; the far edges inside, as box has them.
box box_of(const rectangle&);

/// Pixels that both cover; 0 if they only touch.
double shared_pixels(const rectangle&, const rectangle&);

/// Area of the intersection over that of the union, 0..1; 0 for two empty ones.
double overlap(const rectangle&, const rectangle&);
double overlap(const box&, const box&);

}  // namespace vultus
