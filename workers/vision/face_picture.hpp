// The picture of a taught face that a collection may keep: the face with a margin, so that another
// network can find it there and embed it again. Pure.
#pragma once

#include <string>

#include "shared/base/result.hpp"
#include "workers/engine/detector.hpp"
#include "workers/image/image.hpp"

namespace vultus {

/// Side of the picture, in sides of the face's box; less where the photo ends.
constexpr double picture_margin = 1.6;

/// What is kept: a part of the photo around the face, upright, at most limits::picture_side pixels
/// a side, never enlarged, as a JPEG of at most limits::picture_bytes with quality 92, or 85 where
/// that does not fit, or smaller.
/// requires  a photo with pixels, a face as detect() gave it for that photo
/// errors    no_face: the box lies outside of the photo; internal: the library refuses
/// source    92, 85: docs/benchmarks.md, bytes a face of LFW
result<std::string> face_picture(const image& photo, const detected_face& face);

/// Whether it is an aligned face of 112x112 pixels, as workers of older versions kept it: without a
/// margin no network aligns the face anew, so it counts as no picture. face_picture() never makes
/// one of that size.
bool is_older_picture(const image&);

}  // namespace vultus
