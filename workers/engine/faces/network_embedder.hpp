// An embedder of an imported network: chips go into a runner, its one output is scaled to length 1.
// omz_0095, and what users bring (calibration/own_models.hpp).
#pragma once

#include <memory>
#include <string>

#include "workers/engine/engine.hpp"
#include "workers/engine/runner.hpp"

namespace vultus {

/// What is to be known of such an embedder beside its network.
struct network_embedder_rules {
    std::string name;  ///< "NAME/unit", as galleries have it
    std::size_t dimension = 0;
    chip_form form;
};

/// Intel's face-reidentification-retail-0095 (Open Model Zoo): 256 floats.
extern const network_embedder_rules omz_0095_rules;
/// What it was trained with: BGR, 0..255; the rest of the normalization is in the file.
input_format omz_0095_input();

/// The embedder on a network that is loaded. Embeds a grey chip once, so that a network whose
/// output is not this embedder's is refused here. Chips go through in passes of `largest_pass`,
/// half as many, and so on to one: more than eight gain nothing on one thread of a CPU.
/// requires  an embedding dimension; sides up to limits::chip_side_max, passes up to batch_max
/// errors    malformed: more than one output, another number of floats, or one that is not
///           finite; those of runner::run()
result<std::unique_ptr<embedder>> make_network_embedder(std::unique_ptr<runner> network,
                                                        const network_embedder_rules& rules,
                                                        std::size_t largest_pass = 8);

/// The same of a layer list, where the runners are made: a GPU. Chips go through in passes of up to
/// batch_max.
/// errors    also those of runner_maker
result<std::unique_ptr<embedder>> make_network_embedder(network layers,
                                                        const network_embedder_rules& rules,
                                                        const runner_maker& on_gpu);

/// The same of a layer list, by oneDNN on the calling thread.
/// requires  fp32 or bf16
/// errors    also bad_option: this CPU cannot
result<std::unique_ptr<embedder>> make_network_embedder(network layers,
                                                        const network_embedder_rules& rules,
                                                        precision numbers = precision::fp32);

}  // namespace vultus
