#include "workers/engine/cuda/plans.hpp"

#include <algorithm>
#include <cstring>
#include <map>
#include <type_traits>

namespace vultus::cuda {
namespace {

bool same(const convolution& a, const convolution& b) {
    static_assert(std::has_unique_object_representations_v<convolution>, "numbers alone");
    return std::memcmp(&a, &b, sizeof a) == 0;
}

}  // namespace

shared_plan plan_choice::kept(const convolution& what, std::size_t workspace_max) {
    std::erase_if(known_, [](const auto& one) { return one.second.expired(); });
    for (const auto& [shape, found] : known_) {
        if (!same(shape, what)) continue;
        auto one = found.lock();
        if (one->info.workspace_bytes <= workspace_max) return one;
    }
    return nullptr;
}

result<shared_plan> plan_choice::next(const convolution& what, int& rank,
                                      std::size_t workspace_max) {
    const table& calls = device_->calls();
    for (;; ++rank) {
        convolution_plan* way = nullptr;
        plan_info info{};
        const int status = calls.make_plan(device_->line(), what, rank, &way, &info);
        if (status == ways_ended) return shared_plan();
        if (status == way_refused) continue;
        if (const auto made = device_->tried(status, "plan a convolution"); !made) {
            return fail(made.error());
        }
        auto one = std::make_shared<const chosen_plan>(calls, way, info);
        if (info.workspace_bytes > workspace_max) continue;
        ++rank;
        return shared_plan(std::move(one));
    }
}

result<shared_plan> plan_choice::plan_for(const convolution& what, std::size_t workspace_max) {
    if (auto one = kept(what, workspace_max)) return one;
    int rank = 0;
    auto one = next(what, rank, workspace_max);
    if (!one) return one;
    if (*one == nullptr) {
        return fail(errc::device_fault, "plan a convolution: cuDNN has no way within " +
                                            std::to_string(workspace_max) + " bytes");
    }
    known_.emplace_back(what, *one);
    return one;
}

result<shared_plan> plan_choice::fastest_for(const convolution& what, convolution_memory where,
                                             const memory& workspace) {
    if (auto one = kept(what, workspace.size())) return one;
    shared_plan best;
    float best_ms = 0;
    for (int rank = 0, timed = 0; timed < ways_timed; ++timed) {
        auto one = next(what, rank, workspace.size());
        if (!one) return one;
        if (*one == nullptr) break;
        where.workspace = workspace.data();
        where.workspace_bytes = (*one)->info.workspace_bytes;
        float ms = 0;
        const int status =
            device_->calls().time_plan(device_->line(), (*one)->way, where, rounds_timed, &ms);
        if (const auto run = device_->tried(status, "time a convolution"); !run) {
            return fail(run.error());
        }
        if (best == nullptr || ms < best_ms) {
            best = std::move(*one);
            best_ms = ms;
        }
    }
    if (best == nullptr) return plan_for(what, workspace.size());
    known_.emplace_back(what, best);
    return best;
}

std::string engines_of(const std::vector<shared_plan>& plans) {
    std::map<std::string, int> times;
    for (const shared_plan& one : plans) {
        if (one == nullptr) continue;
        const std::string engine = one->info.engine;
        ++times[engine.substr(0, engine.find(' '))];
    }
    std::string text;
    for (const auto& [engine, count] : times) {
        text += (text.empty() ? "" : ", ") + engine + " x " + std::to_string(count);
    }
    return text;
}

}  // namespace vultus::cuda
