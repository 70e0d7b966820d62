// The pipeline's compute stage: chips of several jobs share a pass of the embedding network.
#include <map>
#include <unordered_map>
#include <utility>

#include "shared/base/failpoint.hpp"
#include "shared/base/require.hpp"
#include "workers/pipeline/pipeline.hpp"

namespace vultus {
namespace {

constexpr double live_pass_ms = 25;  ///< a pass that a frame may have to wait for

std::vector<chip> disturbed(const std::vector<chip>& faces, int copies) {
    std::vector<chip> all;
    for (const chip& face : faces) {
        for (chip& copy : jittered(face, copies)) all.push_back(std::move(copy));
    }
    return all;
}

}  // namespace

void pipeline::compute_loop(progress::slot& slot, const embedder_set& networks) {
    batch waiting(settings_.live_weight);
    batch::ticket last = 0;
    std::map<std::string, double> ms_a_chip;  // by embedder, of its last pass
    const auto network_of = [&](const std::string& name) {
        const auto found = networks.named(name);
        VULTUS_REQUIRE(found.has_value(), "an embedder for which faces were aligned");
        return *found;
    };
    std::unordered_map<batch::ticket, work_ptr> open;
    const auto admit = [&](work_ptr item) {
        std::vector<chip> chips = std::exchange(item->chips, {});
        if (chips.empty()) return embedded(item, {}, *network_of(item->embedder));
        if (item->type == job_type::train && item->options.num_jitters > 1) {
            // Copied here, one job at a time: 16 photos with 100 copies each are 108 MB.
            const step moving(slot, limits::progress * 2);
            chips = disturbed(chips, item->options.num_jitters);
        }
        waiting.add(++last, std::move(chips), item->frame() != nullptr, item->embedder);
        open[last] = std::move(item);
    };
    while (true) {
        if (waiting.waiting() == 0) {
            auto first = to_embed_.pop();
            if (!first) return;
            admit(std::move(*first));
        }
        // Late binding: whatever waits now shares the pass; batch_wait is 0 by default.
        while (waiting.waiting() < settings_.batch_max) {
            auto next = to_embed_.pop_for(settings_.batch_wait);
            if (!next) break;
            admit(std::move(*next));
        }
        while (auto next = to_embed_.try_pop_live()) admit(std::move(*next));
        for (auto one = open.begin(); one != open.end();) {
            if (one->second->dropped()) {
                waiting.drop(one->first);
                one = open.erase(one);
            } else {
                ++one;
            }
        }
        const batch::load load = waiting.take(
            [&](const std::string& embedder) { return pass_size(ms_a_chip[embedder]); });
        if (load.chips.empty()) continue;
        embedder* const network = network_of(load.embedder);
        const auto begin = std::chrono::steady_clock::now();
        std::vector<embedding> vectors;
        {
            // Up to 0.12 s a face where dlib has no BLAS (docs/benchmarks.md); three times that.
            const auto faces = static_cast<std::int64_t>(load.chips.size());
            const step moving(slot, limits::progress + std::chrono::milliseconds(400 * faces));
            failpoint("worker.before_compute");
            vectors = network->embed(load.chips);
        }
        const double spent =
            std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - begin)
                .count();
        ++done_.batches;
        done_.faces += load.chips.size();
        ms_a_chip[load.embedder] = spent / static_cast<double>(load.chips.size());
        for (batch::finished& done : waiting.give(load, vectors)) {
            const auto found = open.find(done.job);
            work_ptr item = std::move(found->second);
            open.erase(found);
            item->stage_ms["embed"] = spent;
            embedded(item, std::move(done.embeddings), *network);
        }
    }
}

/// Chips in one pass: batch_max, or beside a live channel as many as take live_pass_ms.
std::size_t pipeline::pass_size(double ms_a_chip) const {
    if (!is_live() || ms_a_chip <= 0) return settings_.batch_max;
    const double most = std::max(1.0, live_pass_ms / ms_a_chip);
    return most < static_cast<double>(settings_.batch_max) ? static_cast<std::size_t>(most)
                                                           : settings_.batch_max;
}

void pipeline::embedded(const work_ptr& item, std::vector<embedding> vectors,
                        const embedder& network) {
    std::vector<found_face*> compared;
    for (found_face& face : item->seen.faces) {
        if (face.known < 0) compared.push_back(&face);
    }
    const std::size_t copies = compared.empty() ? 1 : vectors.size() / compared.size();
    for (std::size_t i = 0; i < compared.size(); ++i) {
        const auto first = vectors.begin() + static_cast<std::ptrdiff_t>(i * copies);
        const std::vector<embedding> own(first, first + static_cast<std::ptrdiff_t>(copies));
        compared[i]->vector = copies == 1 ? own.front() : network.combined(own);
    }
    const bool compares = item->options.quality != quality_gate::off && !item->seen.faces.empty();
    if (item->type == job_type::train && !compares) return commit_train(item);
    after_compute(item);
}

}  // namespace vultus
