// From the model files to layer lists. dlib reads the file; each affine layer is folded into the
// convolution before it (weights * gamma, bias * gamma + beta). Done once, at start; the lists are
// then shared read-only by all lanes.
#pragma once

#include <string>

#include "shared/base/result.hpp"
#include "workers/engine/layers.hpp"

namespace vultus {

/// The face detector: its network and what to do with its output.
struct detector_layers {
    network net;              ///< one output channel: how sure it is of a face, by place
    long padding = 0;         ///< pixels between the pictures of the pyramid's canvas
    long outer_padding = 0;   ///< pixels around them
    double window_width = 0;  ///< pixels of a face at the scale where it is found
    double window_height = 0;
    double overlap_max = 0;  ///< of two boxes, over the box around both; above: the surer stays
    double covered_max = 0;  ///< of two boxes, over one of them
};

/// dlib_face_recognition_resnet_model_v1.dat, for a picture of limits::chip_side squared.
/// errors    malformed: not that network, not dlib_dimension floats at its end, or a
///           number in it that is not finite
result<network> load_embedding_layers(const std::string& file);

/// mmod_human_face_detector.dat.
/// errors    malformed: as above, or it has several windows or moves its boxes, which are not
///           computed here
result<detector_layers> load_detector_layers(const std::string& file);

}  // namespace vultus
