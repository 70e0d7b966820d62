// dlib called the way its own documentation does, without our code between: the oracle.
#pragma once

#include <string>
#include <vector>

#include "workers/engine/detector.hpp"
#include "workers/geometry/geometry.hpp"
#include "workers/image/image.hpp"

namespace vultus::testing {

std::vector<detected_face> dlib_hog(const image& picture);
std::vector<detected_face> dlib_cnn(const image& picture, const std::string& model);
/// Landmarks, chip and network in one go.
std::vector<embedding> dlib_embeddings(const image& photo, const std::vector<box>& faces,
                                       const std::string& landmarks, const std::string& model);

/// A layer's numbers as dlib has them after a pass: [channel][row][column], or nothing where an
/// in-place layer above has overwritten them.
struct dlib_output {
    long channels = 0, rows = 0, columns = 0;
    std::vector<float> numbers;
};

/// One pass over a picture: what went into the first layer, then the output of each layer that is
/// in our list, from the picture up (an affine layer's is that of the convolution before it).
std::vector<dlib_output> dlib_embedding_layers(const chip& face, const std::string& model);
std::vector<dlib_output> dlib_detector_layers(const image& picture, const std::string& model);

}  // namespace vultus::testing
