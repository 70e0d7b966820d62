// dlib called the way its own documentation does, without our code between: the oracle.
#pragma once

#include <string>
#include <vector>

#include "workers/detector.hpp"
#include "workers/geometry.hpp"
#include "workers/image.hpp"

namespace vultus::testing {

std::vector<detected_face> dlib_hog(const image& picture);
std::vector<detected_face> dlib_cnn(const image& picture, const std::string& model);
/// Landmarks, chip and network in one go.
std::vector<embedding> dlib_embeddings(const image& photo, const std::vector<box>& faces,
                                       const std::string& landmarks, const std::string& model);

}  // namespace vultus::testing
