// The pipeline for reembed: a job without a photo goes from fetch to a thread of its own, which
// does all of it, as it takes minutes for thousands of faces.
#include "workers/pipeline/pipeline.hpp"
#include "workers/pipeline/reembedder.hpp"

namespace vultus {

void pipeline::reembed_loop(progress::slot& slot, const store_context& context) {
    std::unique_ptr<reembedder> network;  // made by the first job: most workers never have one
    while (auto next = to_reembed_.pop()) {
        const work_ptr item = std::move(*next);
        if (item->dropped()) continue;
        if (!network) {
            const int threads = (settings_.vision_threads + 1) / 2;
            network = std::make_unique<reembedder>(settings_.redis, context, models_.detectors,
                                                   *models_.landmarks, models_.embedders.clone(),
                                                   threads, slot);
        }
        const auto done = [&] {
            const stage_timer timer(*item, "embed");
            return network->run(*item);
        }();
        if (!done) {
            give_up(item, done.error());
            continue;
        }
        galleries_.news(item->collection, done->version);
        session_.push(job_finished{item->job()->id(), done->state, item->stage_ms});
    }
}

}  // namespace vultus
