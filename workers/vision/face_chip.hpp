// The picture of a face for the network that embeds it: by dlib's rule, or by the template of an
// imported network.
#pragma once

#include "workers/geometry/face_template.hpp"
#include "workers/geometry/similarity.hpp"
#include "workers/vision/turned_face.hpp"

namespace vultus {

/// A template is filled from the detector's points where it tells them (centerface, yunet, however
/// the face is turned), else from dlib's five landmarks; for centerface from both, halfway.
/// source    centerface sees a face of 100 px at 50 px, so its points move by a pixel or two: with
///           both TAR at FAR 1e-3 over all pairs of LFW's list rises from 0.982 to 0.989, for
///           yunet it does not (docs/benchmarks.md)
/// requires  as align_face() of turned_face.hpp; dlib's form has dlib's side
/// returns   the points that the face was aligned by, in pixels of the photo; the chip upright
aligned_face align_face(const aligner& straightener, const image& photo, const detected_face& face,
                        const predictor_fit& fit, const chip_form& form);

/// cut_out() of a photo that may be much larger than the chip: where the chip has less than half of
/// the photo's pixels a side, that part of the photo is first made smaller by area means, so that
/// no pixel of it is skipped. requires  as cut_out()
chip cut_chip(const image& photo, const similarity& to_chip, std::uint32_t side);

}  // namespace vultus
