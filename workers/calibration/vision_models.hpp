// Everything that processes pixels, loaded and checked once at start. Each thread of the pipeline
// has its own clone; the aligner is shared.
#pragma once

#include <memory>
#include <string>

#include "shared/base/result.hpp"
#include "shared/config/settings.hpp"
#include "workers/calibration/calibration.hpp"
#include "workers/engine/detector.hpp"
#include "workers/engine/detector_set.hpp"
#include "workers/engine/embedder_set.hpp"
#include "workers/engine/engine.hpp"
#include "workers/vision/aligner.hpp"

namespace vultus {

struct vision_models {
    detector_set detectors;  ///< hog and cnn; centerface and yunet if their files are there
    std::unique_ptr<const aligner> landmarks;
    embedder_set embedders;      ///< dlib's; omz_0095 if its files are there; what users bring
    gpu_info gpu;                ///< without a name: the CPU runs them
    threshold_rules threshold;   ///< of requests without a distance_max of their own
    std::string device = "cpu";  ///< what runs the networks, `cuda:0` for example
};

/// Loads what the settings name (models, backend, precision), for a device that choose_device()
/// selected. What is optional and cannot be used is a line in the log; so is the reason why the CPU
/// runs the networks after all if the setting is `auto` and they cannot be loaded on the GPU.
/// errors    those of find_models; malformed: a model cannot be read; bad_option: a backend or
///           precision that this CPU or GPU cannot run; device_fault. `threshold` is not loaded
result<vision_models> load_vision_models(const worker_settings&, const std::string& device = "cpu");

/// Sets the thresholds. Embedders that have none are no longer offered, and the log says so.
void set_thresholds(vision_models&, threshold_rules);

}  // namespace vultus
