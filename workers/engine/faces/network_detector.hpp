// `centerface` and `yunet`: a network that tells faces and points (decoders.hpp), the search that
// brings a photo to it in pieces (search.hpp), and the way back to the photo's pixels.
#pragma once

#include <memory>
#include <string>

#include "workers/engine/detector.hpp"
#include "workers/engine/faces/decoders.hpp"
#include "workers/engine/runner.hpp"

namespace vultus {

/// What is to be known of such a detector beside its network.
struct network_detector_rules {
    std::string_view name;  ///< of static storage
    sightings_of decode = nullptr;
    predictor_fit fit;
};

/// Each with its outputs decoded by its function in decoders.hpp.
/// source    fit of centerface: medians over 3,685 photos of LFW where `hog` found the face, too;
///           of yunet: that of centerface by the medians of both boxes in 250 of them
extern const network_detector_rules centerface_rules, yunet_rules;

/// The detector on a network that is loaded. Looks once at a black picture, so that a network whose
/// outputs are not this detector's is refused here.
/// errors    malformed: those outputs; those of runner::run()
result<std::unique_ptr<detector>> make_network_detector(std::unique_ptr<runner> network,
                                                        const network_detector_rules& rules);

/// `centerface` or `yunet` of an ONNX file: by oneDNN on the calling thread, or where the runners
/// are made.
/// errors    not_found, malformed: the file; bad_option: the CPU or GPU cannot
result<std::unique_ptr<detector>> load_network_detector(
    const std::string& file, const network_detector_rules& rules,
    const runner_maker& runners = cpu_runners());

}  // namespace vultus
