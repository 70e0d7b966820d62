#include "workers/calibration/vision_models.hpp"

#include <utility>

#include "shared/base/log.hpp"
#include "workers/engine/embedding_kind.hpp"
#include "workers/engine/faces/network_detector.hpp"
#include "workers/engine/models.hpp"

namespace vultus {

namespace {

result<networks> load_for(const worker_settings& settings, const model_paths& files,
                          const std::string& device) {
    const std::string gpu = "cuda:";
    if (!device.starts_with(gpu)) {
        return load_networks(files, settings.backend, settings.precision);
    }
    return load_networks_on_gpu(files, {std::stoi(device.substr(gpu.size())), settings.precision,
                                        settings.gpu_memory_mib, settings.detect_side_max});
}

/// `hog`, the given `cnn`, and centerface and yunet of the files that are there and that this CPU
/// can run. Without one of those the worker still serves.
detector_set all_detectors(const model_paths& files, std::unique_ptr<detector> cnn) {
    std::vector<std::unique_ptr<detector>> all;
    all.push_back(make_hog_detector());
    all.push_back(std::move(cnn));
    for (const network_detector_rules* rules : {&centerface_rules, &yunet_rules}) {
        const auto file = files.detectors.find(rules->name);
        if (file == files.detectors.end()) {
            const auto why = files.refused.find(rules->name);
            if (why == files.refused.end()) {
                log::info("detector_missing", {{"detector", rules->name}});
            } else {
                log::warning("detector_missing", {{"detector", rules->name}, {"why", why->second}});
            }
            continue;
        }
        auto made = load_network_detector(file->second, *rules);
        if (made) {
            all.push_back(std::move(*made));
        } else {
            log::warning("detector_missing",
                         {{"detector", rules->name}, {"why", made.error().detail}});
        }
    }
    return detector_set(std::move(all));
}

}  // namespace

result<vision_models> load_vision_models(const worker_settings& settings,
                                         const std::string& device) {
    const auto kind = parse_embedding_kind(settings.embedding);
    if (!kind) return fail(kind.error());
    auto files = find_models(settings.models);
    if (!files) return fail(files.error());
    auto nets = load_for(settings, *files, device);
    if (!nets) return fail(nets.error());
    auto straightener = aligner::load(files->landmarks);
    if (!straightener) return fail(straightener.error());
    return vision_models{all_detectors(*files, std::move(nets->finder)),
                         std::make_unique<const aligner>(std::move(*straightener)),
                         with_kind(std::move(nets->network), *kind),
                         std::move(nets->gpu),
                         {}};
}

}  // namespace vultus
