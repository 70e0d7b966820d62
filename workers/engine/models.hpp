// The three model files: where they are and that they are the right ones. Checked by SHA-256 before
// anything reads them; config/fetch.py brings them and config/models.lock says from where.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include "shared/base/result.hpp"

namespace vultus {

struct model_file {
    std::string_view name;
    std::uint64_t bytes;
    std::string_view sha256;  ///< 64 lower case hexadecimal digits
};

/// The detector network, the 5-point landmarks, the embedding network. Same as config/models.lock.
extern const std::array<model_file, 3> models_wanted;

struct model_paths {
    std::string detector;   ///< mmod_human_face_detector.dat
    std::string landmarks;  ///< shape_predictor_5_face_landmarks.dat
    std::string embedder;   ///< dlib_face_recognition_resnet_model_v1.dat
};

/// Reads and checks all three (32 MB, about 0.1 s).
/// errors    not_found: a file is missing or unreadable · truncated_image never; malformed: a file
///           is cut short, too long, or another file. The detail names the file and what to do.
result<model_paths> find_models(const std::string& folder);

/// The same for one file. errors as above
result<void> check_model(const std::string& path, const model_file& wanted);

}  // namespace vultus
