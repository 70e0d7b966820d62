#include "workers/session/model_offer.hpp"

#include <algorithm>
#include <utility>

#include "shared/base/require.hpp"

namespace vultus {
namespace {

constexpr std::string_view preferred_embedder = "omz_0095/unit";

}  // namespace

model_offer offer_of(std::vector<std::string> detectors, std::vector<offered_embedder> embedders,
                     const model_wishes& wishes) {
    VULTUS_REQUIRE(!detectors.empty() && detectors.size() <= limits::models_of_worker,
                   "a worker has some detectors");
    VULTUS_REQUIRE(!embedders.empty() && embedders.size() <= limits::models_of_worker,
                   "a worker has some embedders");
    const auto finds = [&](std::string_view name) {
        return std::find(detectors.begin(), detectors.end(), name) != detectors.end();
    };
    const auto embeds = [&](std::string_view name) {
        return std::any_of(embedders.begin(), embedders.end(),
                           [&](const offered_embedder& one) { return one.name == name; });
    };
    const std::string dlib = std::string(dlib_embedders) + std::string(wishes.kind);
    std::stable_partition(embedders.begin(), embedders.end(),
                          [&](const offered_embedder& one) { return one.name == dlib; });
    model_offer made;
    made.proposed.detector = finds(wishes.detector) ? std::string(wishes.detector)
                             : finds("centerface")  ? "centerface"
                             : finds("hog")         ? "hog"
                                                    : detectors.front();
    const bool preferred = embeds(preferred_embedder) && (finds("centerface") || finds("yunet"));
    made.proposed.embedder = embeds(wishes.embedder) ? std::string(wishes.embedder)
                             : preferred             ? std::string(preferred_embedder)
                                                     : embedders.front().name;
    made.detectors = std::move(detectors);
    made.embedders = std::move(embedders);
    return made;
}

}  // namespace vultus
