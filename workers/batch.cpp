// The order of waiting chips and the count of missing faces; nothing else.
#include "workers/batch.hpp"

#include <algorithm>
#include <utility>

#include "shared/require.hpp"

namespace vultus {

void batch::add(ticket job, std::vector<chip> chips) {
    VULTUS_REQUIRE(!chips.empty(), "a job without faces needs no network");
    const auto [place, is_new] = jobs_.try_emplace(job);
    VULTUS_REQUIRE(is_new, "a ticket is used once");
    place->second.embeddings.resize(chips.size());
    place->second.missing = chips.size();
    for (std::size_t face = 0; face < chips.size(); ++face) {
        waiting_.push_back({{job, face}, std::move(chips[face])});
    }
}

batch::load batch::take(std::size_t most) {
    load taken;
    while (!waiting_.empty() && taken.slots.size() < most) {
        taken.slots.push_back(waiting_.front().where);
        taken.chips.push_back(std::move(waiting_.front().face));
        waiting_.pop_front();
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
    std::erase_if(waiting_, [&](const waiting_chip& one) { return one.where.job == job; });
}

}  // namespace vultus
