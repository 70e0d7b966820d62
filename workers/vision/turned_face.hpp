// Aligns what a detector found: brings its box to the form that dlib's predictor knows, and a face
// that lies on its side upright first, because the predictor knows no other.
#pragma once

#include "workers/engine/detector.hpp"
#include "workers/image/image.hpp"
#include "workers/vision/aligner.hpp"

namespace vultus {

/// requires  a photo with pixels, a face as detect() gave it for that photo, that detector's fit()
/// returns   points in pixels of the photo, the chip upright
aligned_face align_face(const aligner& straightener, const image& photo, const detected_face& face,
                        const predictor_fit& fit);

}  // namespace vultus
