// The pipeline for calibrate: a job without a photo goes from fetch to match, which gives it the
// gallery, and then to a thread of its own, because the comparison takes a second or two.
#include "workers/pipeline/pipeline.hpp"

namespace vultus {
namespace {

// One second on a current core (gallery_calibration.hpp); ten times that for slow and busy ones.
constexpr std::chrono::milliseconds allowance = limits::progress + std::chrono::seconds(15);

}  // namespace

void pipeline::calibrate_loop(progress::slot& slot) {
    while (auto next = to_calibrate_.pop()) {
        work_ptr item = std::move(*next);
        const auto faces = std::exchange(item->faces, nullptr);
        if (item->dropped()) continue;
        const step moving(slot, allowance);
        const auto found = [&] {
            const stage_timer timer(*item, "match");
            const std::string& detector = detectors_.at(detector_default_);
            return calibrate(*faces, models_.threshold.of(detector, faces->embedding_model));
        }();
        if (found) {
            item->seen.version = found->version;
            commit_result(item, json_of(*found, item->options.person_ids), "");
        } else {
            give_up(item, found.error());
        }
    }
}

}  // namespace vultus
