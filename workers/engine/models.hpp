// The model files: where they are and that they are the right ones. Checked by SHA-256 before
// anything reads them; config/fetch.py brings them and config/models/*.toml say from where. Three
// are required, those of `centerface`, `yunet` and `omz_0095` may be missing.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>

#include "shared/base/result.hpp"

namespace vultus {

struct model_file {
    std::string_view name;
    std::uint64_t bytes;
    std::string_view sha256;  ///< 64 lower case hexadecimal digits
    /// What config/fetch.py is to fetch when it is missing.
    std::string_view fetched_as = "models";
};

/// The `cnn` detector, the 5-point landmarks, the embedding network. Same as config/models/*.toml.
extern const std::array<model_file, 3> models_wanted;

/// The file of a detector that is there or not.
struct detector_file {
    std::string_view detector;
    model_file file;
};
extern const std::array<detector_file, 2> detector_files;

/// The embedder omz_0095, which is there or not: its graph and its weights.
extern const std::array<model_file, 2> omz_0095_files;

struct model_paths {
    std::string detector;   ///< mmod_human_face_detector.dat
    std::string landmarks;  ///< shape_predictor_5_face_landmarks.dat
    std::string embedder;   ///< dlib_face_recognition_resnet_model_v1.dat
    /// Of detector_files those that are there, by their detector.
    std::map<std::string, std::string, std::less<>> detectors = {};
    /// Those of omz_0095_files; empty: not there.
    std::array<std::string, 2> omz_0095 = {};
    /// Why a file of these that is there cannot be used, by its detector; of omz_0095 by its name.
    std::map<std::string, std::string, std::less<>> refused = {};
};

/// Reads and checks all (40 MB, about 0.1 s).
/// errors    of the three required files. not_found: missing or unreadable · malformed: cut short,
///           too long, or another file. The detail names the file and what to do.
result<model_paths> find_models(const std::string& folder);

/// The same for one file. errors as above
result<void> check_model(const std::string& path, const model_file& wanted);

}  // namespace vultus
