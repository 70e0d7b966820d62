// See simulated_store_support.hpp.
#include "tests/broker/simulated_store_support.hpp"

#include <algorithm>

namespace vultus::broker::testing {

void simulated_store::accept(const std::string& id, bool poison, bool for_gpu, unix_time now) {
    if (jobs_.contains(id)) return;
    jobs_[id].poison = poison;
    jobs_[id].for_gpu = for_gpu;
    jobs_[id].came = now;
    line_.push_back(id);
}

void simulated_store::cancel(const std::string& id) {
    simulated_job& job = jobs_.at(id);
    if (job.state == simulated_state::running) job.cancel = true;
    if (job.state != simulated_state::pending) return;
    std::erase(line_, id);
    job.state = simulated_state::cancelled;
}

std::string simulated_store::next_for(const lease_request& wanted, std::uint32_t& spill) {
    if (line_.empty()) return {};
    const auto& front = jobs_.at(line_.front());
    const auto own = [&](const std::string& id) {
        const simulated_job& job = jobs_.at(id);
        return !wanted.prefer || job.solo || job.for_gpu == (*wanted.prefer == device_kind::gpu);
    };
    auto found = std::find_if(line_.begin(), line_.end(), own);
    if (found != line_.begin()) {
        const bool overtakes = found != line_.end() && !jobs_.at(*found).solo &&
                               jobs_.at(*found).came - front.came <= std::chrono::seconds(2);
        if (!overtakes) {
            if (spill == 0) return {};
            --spill;
            found = line_.begin();
        }
    }
    return *found;
}

result<leased_jobs> simulated_store::lease(const lease_request& wanted, unix_time now) {
    const auto worker = workers_.find(wanted.worker_id);
    if (worker == workers_.end()) return fail(errc::not_registered, "not registered");
    const std::uint64_t connection = std::stoull(wanted.connection);
    if (worker->second.connection > connection) return fail(errc::stale, "a newer connection");
    worker->second.connection = connection;
    std::vector<leased_job> granted;
    std::uint32_t spill = wanted.spill;
    while (granted.size() < wanted.most) {
        const std::string id = next_for(wanted, spill);
        if (id.empty()) break;
        simulated_job& job = jobs_.at(id);
        if (job.solo && (wanted.outstanding > 0 || !granted.empty())) break;
        std::erase(line_, id);
        job.state = simulated_state::running;
        job.worker = wanted.worker_id;
        job.started = false;
        job.lease_until = now + wanted.lease;
        leased_job one;
        one.job_id = id;
        one.attempt = ++job.attempt;
        one.collection = "default";
        one.solo = job.solo;
        granted.push_back(one);
        if (job.solo) break;
    }
    return leased_jobs{granted, line_.size()};
}

void simulated_store::mark_lost(const std::string& id, bool counted) {
    simulated_job& job = jobs_.at(id);
    if (counted && job.solo && job.started) ++job.crashes;
    if (job.cancel) {
        job.state = simulated_state::cancelled;
    } else if (job.crashes >= limits::crashes_max) {
        job.state = simulated_state::dead;
    } else {
        job.state = simulated_state::pending;
        job.solo = job.solo || counted;
        line_.push_front(id);
    }
}

std::uint64_t simulated_store::lose_all_of(const std::string& worker_id) {
    std::uint64_t count = 0;
    for (auto& [id, job] : jobs_) {
        if (job.state != simulated_state::running || job.worker != worker_id) continue;
        mark_lost(id, true);
        ++count;
    }
    return count;
}

result<moved> simulated_store::worker_lost(const std::string& worker_id, std::uint64_t connection) {
    const auto known = workers_.find(worker_id);
    if (known != workers_.end() && known->second.connection > connection) {
        return fail(errc::stale, "a newer connection");
    }
    workers_.erase(worker_id);
    return moved{lose_all_of(worker_id), false, false, {}};
}

bool simulated_store::in_grace(unix_time expected_now, unix_time now) {
    const auto off = expected_now > now ? expected_now - now : now - expected_now;
    if (expected_now.count() > 0 && off > limits::clock_error) grace_until_ = now + limits::lease;
    return grace_until_ > now;
}

moved simulated_store::reap(unix_time expected_now, unix_time now) {
    if (in_grace(expected_now, now)) return moved{0, true, false, now};
    moved done{0, false, false, now};
    for (auto& [id, job] : jobs_) {
        const bool ahead = job.lease_until > now + 2 * limits::lease;
        if (job.state != simulated_state::running || (job.lease_until > now && !ahead)) continue;
        mark_lost(id, job.lease_until > grace_until_);
        ++done.count;
    }
    return done;
}

moved simulated_store::barrier(unix_time expected_now, unix_time now) {
    if (in_grace(expected_now, now)) return moved{0, true, false, now};
    std::erase_if(workers_, [&](const auto& one) {
        return one.second.lapses <= now || one.second.lapses > now + 2 * limits::lease;
    });
    return moved{0, false, false, now};
}

void simulated_store::hand_back(const attempt_id& attempt, const std::string& worker_id) {
    if (owned(attempt, worker_id) != nullptr) mark_lost(attempt.job_id, false);
}

simulated_job* simulated_store::owned(const attempt_id& attempt, const std::string& worker_id) {
    simulated_job& job = jobs_.at(attempt.job_id);
    const bool ours = job.state == simulated_state::running && job.worker == worker_id &&
                      job.attempt == attempt.attempt;
    return ours ? &job : nullptr;
}

void simulated_store::enlist(const std::string& worker_id, std::uint64_t connection,
                             unix_time now) {
    workers_[worker_id] = {connection, now + limits::registration};
}

bool simulated_store::renew(const std::string& worker_id, std::uint64_t connection,
                            std::set<attempt_id>& running, unix_time now) {
    const auto known = workers_.find(worker_id);
    if (known == workers_.end() || known->second.lapses <= now) return false;
    known->second.lapses = now + limits::registration;
    known->second.connection = std::max(known->second.connection, connection);
    std::erase_if(running, [&](const attempt_id& one) { return owned(one, worker_id) == nullptr; });
    for (const attempt_id& one : running) {
        jobs_.at(one.job_id).lease_until = now + limits::lease;
    }
    return true;
}

bool simulated_store::start(const attempt_id& attempt, const std::string& worker_id) {
    simulated_job* job = owned(attempt, worker_id);
    if (job != nullptr) job->started = true;
    return job != nullptr;
}

bool simulated_store::complete(const attempt_id& attempt, const std::string& worker_id) {
    simulated_job* job = owned(attempt, worker_id);
    if (job == nullptr) return false;
    job->state = job->cancel ? simulated_state::cancelled : simulated_state::succeeded;
    if (!job->cancel) ++job->effects;
    return true;
}

void simulated_store::bye(const std::string& worker_id) {
    workers_.erase(worker_id);
    for (auto& [id, job] : jobs_) {
        if (job.state == simulated_state::running && job.worker == worker_id) mark_lost(id, false);
    }
}

void simulated_store::restarted(unix_time now) {
    grace_until_ = now + limits::lease;
    for (auto& [id, job] : jobs_) {
        if (job.state == simulated_state::running) job.lease_until = grace_until_;
    }
    for (auto& [id, one] : workers_) one.lapses = grace_until_;
}

bool simulated_store::settled() const {
    return std::all_of(jobs_.begin(), jobs_.end(), [](const auto& job) {
        return job.second.state != simulated_state::pending &&
               job.second.state != simulated_state::running;
    });
}

}  // namespace vultus::broker::testing
