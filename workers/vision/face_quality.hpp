// How well a photo shows a face: its size, sharpness, brightness and direction, and one score of
// all. From the pixels of the photo and the points, not from a chip, which hides the size. Also the
// gate of a train. Pure.
#pragma once

#include <optional>

#include "shared/base/result.hpp"
#include "shared/model/job.hpp"
#include "workers/geometry/geometry.hpp"
#include "workers/image/image.hpp"

namespace vultus {

/// Angles in degrees, estimates from a few points of a rigid mean face; none depends on the size.
struct face_pose {
    double yaw = 0;    ///< -90..90, positive: turned to the right side of the upright picture
    double pitch = 0;  ///< -90..90, positive: looks up
    double roll = 0;   ///< above -180 up to 180, positive: turned clockwise in the picture
    bool operator==(const face_pose&) const = default;
};

struct face_quality {
    double score = 0;  ///< 0..1; no measure below makes it larger by getting worse
    /// Root of the area of the face's square in pixels of the photo: what `hog` calls the box; the
    /// same for each detector (predictor_fit).
    double size_px = 0;
    /// 0..1: how much of the face's contrast is in fine detail, at a fixed number of pixels; so a
    /// small face that would have to be enlarged is not sharp either. Not of its brightness.
    double sharpness = 0;
    double brightness = 0;  ///< 0..1: mean luma of the face's inner part
    face_pose pose;
    bool operator==(const face_quality&) const = default;
};

/// The pose from the corners of the eyes and the base of the nose. All zeros if a number is not
/// finite. The pitch is at least -27: there the base of the nose is farthest from the eyes.
/// source    distances of a mean face in units of that between the eyes: the base of the nose is
///           0.77 below them (the template of dlib's chips) and 0.40 in front of them
face_pose pose_of_landmarks(const landmarks& points) noexcept;

/// The pose from eyes, tip of the nose and corners of the mouth: the pitch is steadier than from
/// the other five, as it does not need the distance of the eyes.
face_pose pose_of_points(const face_points& points) noexcept;

/// `square` is where the face is: the detector's box brought to hog's (predictor_fit).
/// requires  a photo with pixels
/// returns   finite numbers, also for a square outside of the photo (sharpness and brightness are
///           then 0) and for points that are all one
face_quality quality_of(const image& photo, const rectangle& square, const landmarks& points,
                        const std::optional<face_points>& detected = {});

/// The smallest and largest values that a gate lets through.
struct quality_limits {
    double size_px = 0;
    double sharpness = 0;
    double darkest = 0, brightest = 1;
    double yaw = 90, pitch = 90;
};

/// source    measured on LFW: docs/benchmarks.md, "Quality of a face"
/// requires  not off
quality_limits limits_of(quality_gate level);

/// Whether a photo is good enough to be taught.
/// errors    too_small, too_dark, too_bright, blurred, turned_away: the first that applies, with
///           the measured and the wanted value. Never with quality_gate::off
result<void> check_quality(const face_quality& face, quality_gate level);

}  // namespace vultus
