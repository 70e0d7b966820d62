#include "workers/pipeline/attempt_table.hpp"

#include <algorithm>
#include <utility>

namespace vultus {
namespace {

attempt_id id_of(const leased_job& job) {
    return {job.job_id, job.attempt};
}

}  // namespace

attempt_table::place attempt_table::find(const attempt_id& id) {
    return std::find_if(jobs_.begin(), jobs_.end(),
                        [&](const entry& one) { return id_of(one.job) == id; });
}

void attempt_table::remove(place where) {
    if (where->at == phase::asked) --asked_;
    if (where->at == phase::running) --running_;
    jobs_.erase(where);
}

bool attempt_table::add(leased_job job, std::size_t link) {
    const auto same = std::find_if(jobs_.begin(), jobs_.end(),
                                   [&](const entry& one) { return one.job.job_id == job.job_id; });
    if (same != jobs_.end()) {
        if (same->job.attempt >= job.attempt) return false;
        same->dropped->set();
        remove(same);
    }
    jobs_.push_back({std::move(job), link, phase::waiting, std::make_shared<drop_flag>()});
    return true;
}

std::vector<attempt_id> attempt_table::ask(std::size_t most) {
    std::vector<attempt_id> chosen;
    if (solo_running()) return chosen;
    for (entry& one : jobs_) {
        if (one.at != phase::waiting) continue;
        if (chosen.size() == most) break;
        if (one.job.solo && (asked_ > 0 || running_ > 0)) break;
        one.at = phase::asked;
        ++asked_;
        chosen.push_back(id_of(one.job));
        if (one.job.solo) break;
    }
    return chosen;
}

void attempt_table::ask_again() {
    for (entry& one : jobs_) {
        if (one.at == phase::asked) one.at = phase::waiting;
    }
    asked_ = 0;
}

std::vector<job_ticket> attempt_table::start(const std::vector<attempt_id>& lost,
                                             const std::string& worker_id) {
    for (const attempt_id& id : lost) drop(id);
    std::vector<job_ticket> tickets;
    for (entry& one : jobs_) {
        if (one.at != phase::asked) continue;
        one.at = phase::running;
        ++running_;
        tickets.push_back({one.job, worker_id, one.dropped});
    }
    asked_ = 0;
    return tickets;
}

std::optional<std::size_t> attempt_table::drop(const attempt_id& id) {
    const place found = find(id);
    if (found == jobs_.end()) return std::nullopt;
    found->dropped->set();
    return finish(id);
}

std::optional<std::size_t> attempt_table::finish(const attempt_id& id) {
    const place found = find(id);
    if (found == jobs_.end()) return std::nullopt;
    const std::size_t link = found->link;
    remove(found);
    return link;
}

std::vector<attempt_id> attempt_table::drop_all() {
    std::vector<attempt_id> dropped = all();
    for (const entry& one : jobs_) one.dropped->set();
    jobs_.clear();
    asked_ = running_ = 0;
    return dropped;
}

std::vector<attempt_id> attempt_table::take_waiting() {
    std::vector<attempt_id> taken;
    for (const entry& one : jobs_) {
        if (one.at == phase::waiting) taken.push_back(id_of(one.job));
    }
    for (const attempt_id& id : taken) drop(id);
    return taken;
}

std::vector<attempt_id> attempt_table::all() const {
    std::vector<attempt_id> ids;
    ids.reserve(jobs_.size());
    for (const entry& one : jobs_) ids.push_back(id_of(one.job));
    return ids;
}

bool attempt_table::has(const attempt_id& id) const {
    return std::any_of(jobs_.begin(), jobs_.end(),
                       [&](const entry& one) { return id_of(one.job) == id; });
}

bool attempt_table::solo_running() const noexcept {
    return std::any_of(jobs_.begin(), jobs_.end(),
                       [](const entry& one) { return one.job.solo && one.at != phase::waiting; });
}

}  // namespace vultus
