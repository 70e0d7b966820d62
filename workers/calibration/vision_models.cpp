#include "workers/calibration/vision_models.hpp"

#include <utility>

#include "workers/engine/embedding_kind.hpp"
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
    return vision_models{make_hog_detector(),
                         std::move(nets->finder),
                         std::make_unique<const aligner>(std::move(*straightener)),
                         with_kind(std::move(nets->network), *kind),
                         std::move(nets->gpu),
                         {}};
}

}  // namespace vultus
