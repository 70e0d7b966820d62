// Whether the models of a folder run, and how fast: `vultus-worker --check-models`. vultusctl calls
// it, so that it links no network library and a broken model file ends another process than its
// own. A line a model, `key=value` separated by tabs.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "shared/base/result.hpp"
#include "workers/calibration/own_models.hpp"

namespace vultus {

enum class model_state {
    runs,
    missing,  ///< no file; only a required one is a fault
    refused   ///< the file is there and cannot be used
};

struct model_verdict {
    std::string name;  ///< centerface, landmarks, "omz_0095/unit", "sface/unit"
    std::string kind;  ///< detector | landmarks | embedder
    std::string file;  ///< its path; empty: part of the program
    model_state state = model_state::runs;
    std::string why;        ///< if it does not run: one sentence
    bool required = false;  ///< no worker starts without it
    std::string licence, training;
    std::size_t layers = 0;              ///< 0: not a layer list
    std::string input;                   ///< "112x112 RGB", in words
    std::size_t dimension = 0;           ///< floats of a face; 0: no embedder
    std::optional<double> milliseconds;  ///< if timed: a face, or a picture of 640x480
};

/// The models that are known here (config/models) and those of the manifests in the folder, in the
/// order of their names. Reads, imports and runs each once, on the CPU in float32.
/// timed     also measures each on one thread: half a second a model
/// threads   blocks for seconds
std::vector<model_verdict> check_models(const std::string& folder, bool timed);

/// The same of one manifest of a user (own_models.hpp). A manifest without `dimension` gets that of
/// the network.
model_verdict check_own_model(const std::string& manifest, bool timed);

/// The line of it, without a newline; tabs and control characters become blanks.
std::string line_of(const model_verdict&);

/// `--check-models FOLDER [--timed]`, `--check-model MANIFEST [--timed]`: prints the lines.
/// returns   the exit code: 0, or 1 if a model is refused or a required one missing, 2 of wrong
///           words; nothing if these are other arguments
std::optional<int> model_check_command(int argc, char** argv);

}  // namespace vultus
