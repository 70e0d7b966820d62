// Checks the model files. What is wrong is told by size first, because a file cut short is the
// usual case and a better message than a hash.
#include "workers/engine/models.hpp"

#include <filesystem>
#include <fstream>
#include <string>
#include <utility>

#include "shared/base/ids.hpp"

namespace vultus {

const std::array<model_file, 3> models_wanted{{
    {"mmod_human_face_detector.dat", 729'940,
     "4cb19393e2fbaf2b1609a9319ad5386618c886a6234ec1b971f3e87c85d87fe6"},
    {"shape_predictor_5_face_landmarks.dat", 9'150'489,
     "c4b1e9804792707d3a405c2c16a80a20269e6675021f64a41d30fffafbc41888"},
    {"dlib_face_recognition_resnet_model_v1.dat", 22'466'066,
     "55533b28a95800a551ba546ba62fe69625c7e95a7061c338adffead08719da30"},
}};

const std::array<detector_file, 2> detector_files{{
    {"centerface",
     {"centerface.onnx", 7'304'518,
      "09189deaaf8646c5c51a68447e3c744ea1e211798155d4728c20507b9f5aefbc", "centerface"}},
    {"yunet",
     {"yunet_s_640_640.onnx", 232'589,
      "8f2383e4dd3cfbb4553ea8718107fc0423210dc964f9f4280604804ed2552fa4", "yunet"}},
}};

const std::array<model_file, 2> omz_0095_files{{
    {"face-reidentification-retail-0095.xml", 350'427,
     "ce53d2c9c08c0bd1c1660fb8a5b6d0e3e4ec19eb92f1036d2d83a85e83082dce", "omz_0095"},
    {"face-reidentification-retail-0095.bin", 2'213'628,
     "241229ca3d206321868d46ce74a3c0b06c49cea58db7dc70b2e842ff287545d1", "omz_0095"},
}};

namespace {

/// A sentence that ends in what helps.
std::string about(const model_file& wanted, const std::string& what) {
    return std::string(wanted.name) + " " + what + ": run config/fetch.py " +
           std::string(wanted.fetched_as);
}

}  // namespace

result<void> check_model(const std::string& path, const model_file& wanted) {
    std::ifstream stream(path, std::ios::binary);
    std::string bytes(wanted.bytes + 1, '\0');
    if (!stream || !stream.read(bytes.data(), 1)) {
        return fail(errc::not_found, about(wanted, "is missing, empty or unreadable"));
    }
    stream.read(bytes.data() + 1, static_cast<std::streamsize>(wanted.bytes));
    bytes.resize(static_cast<std::size_t>(stream.gcount()) + 1);
    if (bytes.size() < wanted.bytes) {
        return fail(errc::malformed,
                    about(wanted, "is truncated: " + std::to_string(bytes.size()) + " of " +
                                      std::to_string(wanted.bytes) + " bytes"));
    }
    if (bytes.size() > wanted.bytes) return fail(errc::malformed, about(wanted, "is too long"));
    if (sha256_hex(bytes) != wanted.sha256) {
        return fail(errc::malformed, about(wanted, "has a different SHA-256"));
    }
    return {};
}

namespace {

/// Both files or none: half of them is as good as a broken one.
void look_for_omz_0095(const std::string& folder, model_paths& into) {
    std::array<std::string, omz_0095_files.size()> paths;
    std::size_t there = 0;
    for (std::size_t i = 0; i < paths.size(); ++i) {
        paths[i] = folder + "/" + std::string(omz_0095_files[i].name);
        std::error_code bad;
        if (std::filesystem::exists(paths[i], bad)) ++there;
    }
    if (there == 0) return;
    for (std::size_t i = 0; i < paths.size(); ++i) {
        if (auto checked = check_model(paths[i], omz_0095_files[i]); !checked) {
            into.refused.emplace("omz_0095", checked.error().detail);
            return;
        }
    }
    into.omz_0095 = std::move(paths);
}

}  // namespace

result<model_paths> find_models(const std::string& folder) {
    std::array<std::string, models_wanted.size()> paths;
    for (std::size_t i = 0; i < paths.size(); ++i) {
        paths[i] = folder + "/" + std::string(models_wanted[i].name);
        const auto checked = check_model(paths[i], models_wanted[i]);
        if (!checked) return fail(checked.error());
    }
    model_paths found{paths[0], paths[1], paths[2]};
    for (const detector_file& one : detector_files) {
        const std::string path = folder + "/" + std::string(one.file.name);
        if (std::error_code bad; !std::filesystem::exists(path, bad)) continue;
        if (auto checked = check_model(path, one.file); checked) {
            found.detectors.emplace(one.detector, path);
        } else {
            found.refused.emplace(one.detector, checked.error().detail);
        }
    }
    look_for_omz_0095(folder, found);
    return found;
}

}  // namespace vultus
