#include "workers/calibration/vision_models.hpp"

#include <algorithm>
#include <utility>

#include "shared/base/log.hpp"
#include "workers/calibration/own_models.hpp"
#include "workers/engine/embedding_kind.hpp"
#include "workers/engine/faces/network_detector.hpp"
#include "workers/engine/faces/network_embedder.hpp"
#include "workers/engine/importers/importers.hpp"
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

/// The networks, and the device that they are on.
struct placed_networks {
    networks nets;
    std::string device;
};

result<placed_networks> load_somewhere(const worker_settings& settings, const model_paths& files,
                                       const std::string& device) {
    auto nets = load_for(settings, files, device);
    if (nets) return placed_networks{std::move(*nets), device};
    if (settings.device != "auto" || device == "cpu") return fail(nets.error());
    log::warning("device_fallback",
                 {{"device", "cpu"}, {"instead_of", device}, {"why", nets.error().detail}});
    nets = load_for(settings, files, "cpu");
    if (!nets) return fail(nets.error());
    return placed_networks{std::move(*nets), "cpu"};
}

/// Of a file that is there, on the GPU if there is one that can, else on the CPU.
result<std::unique_ptr<detector>> load_detector_of(const std::string& file,
                                                   const network_detector_rules& rules,
                                                   const runner_maker& on_gpu) {
    if (on_gpu) {
        auto made = load_network_detector(file, rules, on_gpu);
        if (made) return made;
        log::warning("detector_on_cpu", {{"detector", rules.name}, {"why", made.error().detail}});
    }
    return load_network_detector(file, rules);
}

/// `hog`, the given `cnn`, and centerface and yunet of the files that are there and that this CPU
/// or the GPU can run. Without one of those the worker still serves.
detector_set all_detectors(const model_paths& files, std::unique_ptr<detector> cnn,
                           const runner_maker& on_gpu) {
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
        auto made = load_detector_of(file->second, *rules, on_gpu);
        if (made) {
            all.push_back(std::move(*made));
        } else {
            log::warning("detector_missing",
                         {{"detector", rules->name}, {"why", made.error().detail}});
        }
    }
    return detector_set(std::move(all));
}

void log_missing(std::string_view embedder, const std::string& why) {
    log::warning("embedder_missing", {{"embedder", embedder}, {"why", why}});
}

/// On the GPU if there is one that can, else on the CPU, in bf16 if that is asked for.
result<std::unique_ptr<embedder>> load_omz_0095(const model_paths& files,
                                                const worker_settings& settings,
                                                const runner_maker& on_gpu) {
    auto layers = load_openvino(files.omz_0095[0], files.omz_0095[1], omz_0095_input());
    if (!layers) return fail(layers.error());
    if (on_gpu) {
        auto made = make_network_embedder(*layers, omz_0095_rules, on_gpu);
        if (made) return made;
        log::warning("embedder_on_cpu",
                     {{"embedder", omz_0095_rules.name}, {"why", made.error().detail}});
    }
    const bool half = settings.precision == "bf16" && !on_gpu;
    return make_network_embedder(std::move(*layers), omz_0095_rules,
                                 half ? precision::bf16 : precision::fp32);
}

/// omz_0095 and what the user brings, of the files that are there and that this CPU or the GPU can
/// run.
std::vector<std::unique_ptr<embedder>> other_embedders(const model_paths& files,
                                                       const worker_settings& settings,
                                                       const runner_maker& on_gpu) {
    std::vector<std::unique_ptr<embedder>> all;
    const auto keep = [&](result<std::unique_ptr<embedder>> made, std::string_view name) {
        if (!made) return log_missing(name, made.error().detail);
        const bool taken = (*made)->name().starts_with("dlib_resnet_v1/") ||
                           std::ranges::any_of(all, [&](const auto& other) {
                               return other->name() == (*made)->name();
                           });
        if (taken) return log_missing(name, "there is another embedder of this name");
        all.push_back(std::move(*made));
    };
    if (const auto why = files.refused.find("omz_0095"); why != files.refused.end()) {
        log_missing(omz_0095_rules.name, why->second);
    } else if (files.omz_0095[0].empty()) {
        log::info("embedder_missing", {{"embedder", omz_0095_rules.name}});
    } else {
        keep(load_omz_0095(files, settings, on_gpu), omz_0095_rules.name);
    }
    for (const std::string& manifest : own_manifests(settings.models)) {
        const auto model = read_own_model(manifest);
        if (!model) {
            log_missing(manifest, model.error().detail);
        } else {
            keep(load_own_model(*model), model->name + "/unit");
        }
    }
    return all;
}

}  // namespace

result<vision_models> load_vision_models(const worker_settings& settings,
                                         const std::string& device) {
    auto files = find_models(settings.models);
    if (!files) return fail(files.error());
    auto placed = load_somewhere(settings, *files, device);
    if (!placed) return fail(placed.error());
    networks* nets = &placed->nets;
    auto straightener = aligner::load(files->landmarks);
    if (!straightener) return fail(straightener.error());
    return vision_models{
        all_detectors(*files, std::move(nets->finder), nets->on_gpu),
        std::make_unique<const aligner>(std::move(*straightener)),
        embedder_set(std::move(nets->network), other_embedders(*files, settings, nets->on_gpu)),
        std::move(nets->gpu),
        threshold_rules(),
        std::move(placed->device)};
}

void set_thresholds(vision_models& models, threshold_rules rules) {
    models.threshold = std::move(rules);
    models.embedders.keep([&](const embedder& one) {
        const bool stays = models.threshold.has(one.name());
        if (!stays) {
            log_missing(one.name(),
                        "no distance is known for it: set worker.distances, or measure a table "
                        "with vultus-lfw --calibrate");
        }
        return stays;
    });
}

}  // namespace vultus
