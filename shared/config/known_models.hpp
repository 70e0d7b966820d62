// What is known of the models: licence, training data, size. From config/models/*.toml, compiled
// in, and of what has no file.
#pragma once

#include <string_view>
#include <vector>

namespace vultus {

struct known_model {
    std::string_view name;  ///< of an embedder the part before '/'
    std::string_view kind;  ///< detector | embedder | landmarks
    std::string_view licence, training;
    unsigned dimension = 0;  ///< floats of a face; 0: no embedder
    bool required = false;   ///< no worker starts without it
};

/// In the order of their names.
const std::vector<known_model>& known_models();

/// The entry of a detector or of an embedder such as "dlib_resnet_v1/unit"; null: not known here.
const known_model* known_model_of(std::string_view name);

}  // namespace vultus
