// Turns a detected face into the picture that the embedding network was trained on: five landmarks,
// then a crop in which eyes and nose stand where they always stand. Works on the full photo, not on
// the detector's resized one, so that no detail is lost. dlib, in dlib_hog_landmarks.cpp.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "shared/base/result.hpp"
#include "workers/geometry/geometry.hpp"
#include "workers/image/image.hpp"

namespace vultus {

struct aligned_face {
    landmarks points;
    chip face;
};

/// threads   const functions from any number of threads at once
class aligner {
 public:
    /// errors    malformed if the file is not a predictor of five points
    static result<aligner> load(const std::string& file);
    aligner(aligner&&) noexcept;
    aligner& operator=(aligner&&) noexcept;
    ~aligner();

    /// requires  a photo with pixels, a box as detect() gave it for that photo
    /// source    padding 0.25: what dlib_face_recognition_resnet_model_v1 was trained with
    aligned_face align(const image& photo, const box& where) const;
    /// The first half of it. requires  as align()
    landmarks points_of(const image& photo, const box& where) const;

 private:
    struct predictor;
    explicit aligner(std::unique_ptr<const predictor>);
    std::unique_ptr<const predictor> predictor_;
};

/// Slightly moved, turned and scaled copies of a chip; the mean of their embeddings is steadier
/// than one. The same copies for the same chip and count. requires  1 <= count <= 100 returns
/// `count` chips; for 1 the chip itself
std::vector<chip> jittered(const chip&, int count);

}  // namespace vultus
