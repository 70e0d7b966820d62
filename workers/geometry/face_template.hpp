// The picture of a face that an embedder was trained with: its side, and where the five points of a
// face lie in it. Pure.
#pragma once

#include <optional>
#include <string_view>

#include "workers/geometry/geometry.hpp"

namespace vultus {

/// Whose rule puts a face upright.
enum class alignment {
    dlib,    ///< dlib's own, from its five landmarks (vision/aligner.hpp); no template
    omz,     ///< OpenVINO's face-reidentification-retail-0095
    arcface  ///< ArcFace and its family
};

/// "dlib", "omz", "arcface112": the words of a model's manifest.
/// returns   nothing for another word
std::optional<alignment> parse_alignment(std::string_view word);

struct chip_form {
    alignment how = alignment::dlib;
    std::uint32_t side = limits::chip_side;
    bool operator==(const chip_form&) const = default;
};

/// The form with the side that networks of this alignment are trained with: 150, 128, 112.
chip_form usual_form(alignment);

/// Where the eyes, the tip of the nose and the corners of the mouth are to lie, pixels of the chip.
/// requires  not alignment::dlib
/// source    omz: model card of face-reidentification-retail-0095 (parts of the side) · arcface:
///           the reference points of 112x112 that InsightFace publishes
face_points points_in(const chip_form&);

/// Where dlib's five landmarks are to lie. requires  not alignment::dlib
/// source    means over 3,690 photos of LFW (View 1, deep-funneled), on which hog and centerface
///           found the same face: the similarity of centerface's points brings dlib's landmarks
///           in hog's box into the chip. Standard deviations 0.016 to 0.028 of the side
landmarks landmarks_in(const chip_form&);

}  // namespace vultus
