// The order of waiting chips and the count of missing faces; nothing else.
#include "workers/pipeline/batch.hpp"

#include <algorithm>
#include <utility>

#include "shared/base/require.hpp"

namespace vultus {

batch::batch(std::size_t live_weight) : live_weight_(live_weight) {
    VULTUS_REQUIRE(live_weight > 0, "live frames have a turn");
}

void batch::add(ticket job, std::vector<chip> chips, bool live, std::string embedder) {
    VULTUS_REQUIRE(!chips.empty(), "a job without faces needs no network");
    const auto [place, is_new] = jobs_.try_emplace(job);
    VULTUS_REQUIRE(is_new, "a ticket is used once");
    place->second.embedder = std::move(embedder);
    place->second.embeddings.resize(chips.size());
    place->second.missing = chips.size();
    for (std::size_t face = 0; face < chips.size(); ++face) {
        (live ? live_ : waiting_).push_back({{job, face}, std::move(chips[face])});
    }
}

batch::load batch::take(const std::function<std::size_t(const std::string&)>& most) {
    const bool jobs = live_.empty() || (!waiting_.empty() && in_row_ >= live_weight_);
    std::deque<waiting_chip>& lane = jobs ? waiting_ : live_;
    in_row_ = jobs ? 0 : in_row_ + 1;
    load taken;
    if (lane.empty()) return taken;
    taken.embedder = jobs_.at(lane.front().where.job).embedder;
    const std::size_t room = most(taken.embedder);
    std::vector<waiting_chip> passed;  // for another embedder: they keep their place
    while (!lane.empty() && taken.slots.size() < room) {
        waiting_chip one = std::move(lane.front());
        lane.pop_front();
        if (jobs_.at(one.where.job).embedder != taken.embedder) {
            passed.push_back(std::move(one));
            continue;
        }
        taken.slots.push_back(one.where);
        taken.chips.push_back(std::move(one.face));
    }
    while (!passed.empty()) {
        lane.push_front(std::move(passed.back()));
        passed.pop_back();
    }
    return taken;
}

std::vector<batch::finished> batch::give(const load& done, std::span<const embedding> embeddings) {
    VULTUS_REQUIRE(done.slots.size() == embeddings.size(), "one embedding per slot");
    std::vector<finished> complete;
    for (std::size_t i = 0; i < embeddings.size(); ++i) {
        const auto open = jobs_.find(done.slots[i].job);
        if (open == jobs_.end()) continue;  // dropped meanwhile
        open->second.embeddings[done.slots[i].face] = embeddings[i];
        VULTUS_REQUIRE(open->second.missing > 0, "a face comes back once");
        if (--open->second.missing > 0) continue;
        complete.push_back({open->first, std::move(open->second.embeddings)});
        jobs_.erase(open);
    }
    return complete;
}

void batch::drop(ticket job) {
    jobs_.erase(job);
    const auto of_job = [&](const waiting_chip& one) { return one.where.job == job; };
    std::erase_if(live_, of_job);
    std::erase_if(waiting_, of_job);
}

}  // namespace vultus
