// See lease_planner.hpp.
#include "broker/lease_planner.hpp"

#include <algorithm>

#include "shared/base/limits.hpp"

namespace vultus::broker {

// SUBMIT names no detector, so a new job counts for both kinds of device.
void lease_planner::expect(std::uint64_t jobs) {
    for (demand& one : demand_) one.jobs = std::max(one.jobs, jobs);
}

void lease_planner::submitted(std::size_t jobs) {
    submitted_ += jobs;
    for (demand& one : demand_) one.jobs += jobs;
}

void lease_planner::credit_freed(const worker& one) {
    // Only a worker without jobs gets the solo job that is first in the queue.
    if (blocked_ && one.jobs.empty()) expect(1);
}

void lease_planner::reset_backoff() noexcept {
    pause_until_ = boot_time{0};
    backoff_ = std::chrono::milliseconds(0);
}

boot_time lease_planner::next_timer(boot_time now) const noexcept {
    return pause_until_ > now ? pause_until_ : boot_time::max();
}

bool lease_planner::is_wanted(device_kind which) const {
    std::uint64_t covered = 0;
    for (const auto& [ticket, one] : calls_) covered += one.share.of(which);
    const demand& one = demand_[static_cast<std::size_t>(which)];
    return one.deep || one.jobs > covered;
}

void lease_planner::plan(worker_table& workers, boot_time now, effects& out) {
    if (now < pause_until_) return;
    while (calls_.size() < leases_max) {
        const bool cpu_jobs = is_wanted(device_kind::cpu), gpu_jobs = is_wanted(device_kind::gpu);
        if (!cpu_jobs && !gpu_jobs) return;
        worker* one = workers.next_for_lease(now, cpu_jobs, gpu_jobs);
        if (one == nullptr) return;
        const lease_share share = workers.share_of(*one, now);
        one->ticket = ++tickets_;
        one->reserved = share.most;
        workers.count_turn(*one);
        calls_[one->ticket] = {one->who.worker_id, share, one->outstanding(), submitted_};
        lease_request request;
        request.worker_id = one->who.worker_id;
        request.connection = std::to_string(one->connection_number);
        request.most = share.most;
        request.outstanding = one->outstanding();
        request.types = one->who.types;
        request.prefer = share.prefers;
        request.spill = share.spill;
        out.push_back(lease{one->ticket, std::move(request)});
    }
}

// A call without a preference, or with this one, read all jobs of the kind near the front.
void lease_planner::update_demand(const call& sent, const leased_jobs& reply) {
    const bool full = reply.jobs.size() >= sent.share.most;
    const std::uint64_t since = submitted_ - sent.submitted;
    for (const device_kind which : {device_kind::cpu, device_kind::gpu}) {
        demand& one = demand_[static_cast<std::size_t>(which)];
        if (sent.share.prefers.value_or(which) == which) {
            one = {full ? std::max<std::uint64_t>(one.jobs, 1) : since, full};
        } else if (reply.left == 0) {
            one = {since, false};
        }
    }
    // The queue advanced, so jobs for either kind may have become visible to a preferring call.
    if (sent.share.prefers && !reply.jobs.empty() && reply.left > 0) expect(1);
}

void lease_planner::failed(const call& sent, const error& why, worker* one, boot_time now,
                           effects& out) {
    expect(1);
    if (one != nullptr) one->pause_until = now + limits::sweep;
    if (why.code == errc::not_registered || why.code == errc::stale) return;
    backoff_ = std::clamp(backoff_ * 2, backoff_min, backoff_max);
    pause_until_ = now + backoff_;
    out.push_back(note{log::level::warning, "lease_failed", sent.worker_id, why.detail});
}

lease_planner::granted lease_planner::take(const leased& reply, worker_table& workers,
                                           boot_time now, effects& out) {
    granted made;
    const auto found = calls_.find(reply.ticket);
    if (found == calls_.end()) return made;
    const call sent = found->second;
    calls_.erase(found);
    // A reply to a call for an earlier connection is not delivered: together with what the present
    // connection leases, a solo job could get company.
    worker* one = workers.by_id(sent.worker_id);
    if (one != nullptr && one->ticket != reply.ticket) one = nullptr;
    if (one != nullptr) one->ticket = one->reserved = 0;
    if (!reply.outcome) {
        failed(sent, reply.outcome.error(), one, now, out);
        return made;
    }
    backoff_ = std::chrono::milliseconds(0);
    const std::vector<leased_job>& jobs = reply.outcome->jobs;
    update_demand(sent, *reply.outcome);
    const bool solo = !jobs.empty() && jobs.front().solo;
    if (solo) expect(1);  // it is leased alone, whatever is pending behind it
    // Some of what waits needs models that this worker lacks: another one may have them.
    if (reply.outcome->passed > 0 && jobs.size() < sent.share.most && !solo) {
        if (one != nullptr) one->lacks_until = now + limits::sweep;
        expect(reply.outcome->passed);
    }
    blocked_ = jobs.size() < sent.share.most && !solo && sent.outstanding > 0;

    for (const leased_job& job : jobs) {
        const attempt_id attempt{job.job_id, job.attempt};
        if (one == nullptr || one->draining || one->free() == 0) {
            out.push_back(hand_back{attempt, sent.worker_id});
            continue;
        }
        one->jobs[attempt] = sent_job{one->last_n + 1, now, job.solo, job.collection};
        made.message.jobs.push_back(job);
    }
    if (made.message.jobs.empty()) return made;
    made.message.n = ++one->last_n;
    made.to = one;
    return made;
}

}  // namespace vultus::broker
