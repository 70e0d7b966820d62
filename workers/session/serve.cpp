#include "workers/session/serve.hpp"

#include <cstdio>
#include <cstdlib>
#include <utility>

#include "shared/base/log.hpp"
#include "shared/store/store_context.hpp"
#include "shared/store/store_setup.hpp"
#include "workers/image/codec_process.hpp"
#include "workers/pipeline/pipeline.hpp"
#include "workers/pipeline/startup.hpp"

namespace vultus {
namespace {

constexpr int exit_refused = 2, exit_broken = 70;

std::string described(const gpu_info& gpu) {
    if (gpu.name.empty()) return {};
    return gpu.name + ", " + std::to_string(gpu.memory_mib) + " MiB, compute " + gpu.compute;
}

/// What this worker has. The one place that reads names out of the models.
model_offer offered(const vision_models& models, const worker_settings& settings) {
    return offer_of(models.detectors.names(), models.embedders.offers(),
                    {settings.embedding, settings.default_detector, settings.default_embedder});
}

void warn_of_missing(const model_offer& has, const worker_settings& settings) {
    const auto warn = [](std::string_view key, const std::string& wished,
                         const std::string& proposed) {
        if (wished == "auto" || wished == proposed) return;
        log::warning("default_model_missing",
                     {{"setting", key}, {"wished", wished}, {"proposed", proposed}});
    };
    warn("worker.default_detector", settings.default_detector, has.proposed.detector);
    warn("worker.default_embedder", settings.default_embedder, has.proposed.embedder);
}

}  // namespace

worker_link_settings session_part(const worker_settings& all, std::string device,
                                  std::string build) {
    worker_link_settings part;
    part.redis = all.common.redis;
    part.brokers = all.common.broker_worker_endpoints;
    part.curve = {all.common.curve.own, all.common.curve.broker_key, {}};
    part.host = host_name();
    part.device = std::move(device);
    part.build = std::move(build);
    part.window = 2 * static_cast<std::uint32_t>(all.batch_max);
    part.drain_timeout = all.drain_timeout;
    return part;
}

int serve(const worker_settings& settings, vision_models models, std::string device,
          std::string build, stop_signal& stop) {
    const auto refuse = [](const error& why) {
        std::fprintf(stderr, "vultus-worker: %s\n", why.detail.c_str());
        return exit_refused;
    };
    auto key = read_encryption_key(settings.common.encryption_key_file, settings.common.data);
    if (!key) return refuse(key.error());
    const store_context context(0, sealing(*std::move(key)));
    if (const auto ready = wait_for_store(settings.common.redis, context, stop); !ready) {
        return refuses_start(ready.error().code) ? refuse(ready.error()) : 0;
    }
    auto decoder = settings.separate_decoder ? tried_decoder() : result<std::string>("");
    if (!decoder) {
        const errc why = decoder.error().code;
        refuse(decoder.error());
        // Not a wrong setting: memory or processes are short now. The supervisor tries again.
        return retryable(why) || why == errc::device_fault ? exit_broken : exit_refused;
    }
    worker_link_settings talk = session_part(settings, std::move(device), std::move(build));
    talk.gpu = described(models.gpu);
    talk.dimension = dlib_dimension;
    talk.models = offered(models, settings);
    warn_of_missing(talk.models, settings);
    const std::size_t room = (talk.window + talk.frame_window) * talk.brokers.size() + 8;

    progress stages;
    mailbox<session_mail> mail(4 * room + 1'024);
    pipeline_settings inside = pipeline_part(settings, !models.gpu.name.empty(), room);
    inside.decoder = *std::move(decoder);
    const auto memory = models.gpu.memory;
    pipeline work(std::move(inside), context, std::move(models), mail, stages);
    talk.load = [&work, memory] {
        protocol::worker_load load = work.load();
        if (!memory) return load;
        const gpu_memory now = memory();
        load.gpu_bytes = now.bytes;
        load.gpu_free_bytes = now.free_bytes;
        return load;
    };
    worker_link conversation(talk, context, work, mail, stages);
    const worker_link_end end = conversation.run(&stop);
    if (end == worker_link_end::stuck)
        std::_Exit(static_cast<int>(end));  // a hung thread never joins
    return static_cast<int>(end);
}

}  // namespace vultus
