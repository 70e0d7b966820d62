// What a worker tells of its models when it registers, and what it proposes as the defaults of a
// service that has none. Pure.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "shared/model/model_names.hpp"

namespace vultus {

struct model_offer {
    std::vector<std::string> detectors;
    /// The dlib kind that the settings name comes before the others: a service with data from an
    /// older version takes the first one of dlib's.
    std::vector<offered_embedder> embedders;
    model_choice proposed;
};

/// What the settings say of the proposal.
struct model_wishes {
    std::string_view kind = "mirror_unit";  ///< worker.embedding
    std::string_view detector = "auto";     ///< worker.default_detector
    std::string_view embedder = "auto";     ///< worker.default_embedder
};

/// "auto": centerface if it is there, else hog; omz_0095/unit if it and centerface or yunet are
/// there, else dlib's of that kind. A wished model that is not there is as "auto".
/// requires  neither is empty, at most limits::models_of_worker each
model_offer offer_of(std::vector<std::string> detectors, std::vector<offered_embedder> embedders,
                     const model_wishes& wishes);

}  // namespace vultus
