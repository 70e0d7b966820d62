// Leases: how many jobs probably wait, who asks Redis for them, what it answers. See core.hpp.
#include <algorithm>

#include "broker/core.hpp"

namespace vultus::broker {

// SUBMIT names no detector, so a new job counts for both kinds.
void core::expect(std::uint64_t jobs) {
    for (demand& one : demand_) one.jobs = std::max(one.jobs, jobs);
}

void core::credit_back(const worker& one) {
    // A solo job at the head of the line is given only to a worker without jobs: try when one is.
    if (blocked_ && one.jobs.empty()) expect(1);
}

bool core::is_wanted(device_kind which) const {
    std::uint64_t covered = 0;
    for (const auto& [ticket, one] : leases_) covered += one.share.of(which);
    const demand& one = demand_[static_cast<std::size_t>(which)];
    return one.deep || one.jobs > covered;
}

void core::lease_more() {
    if (!ready() || draining_ || now_ < lease_pause_until_) return;
    while (leases_.size() < leases_max) {
        const bool cpu_jobs = is_wanted(device_kind::cpu), gpu_jobs = is_wanted(device_kind::gpu);
        if (!cpu_jobs && !gpu_jobs) return;
        worker* one = workers_.next_for_lease(now_, cpu_jobs, gpu_jobs);
        if (one == nullptr) return;
        const lease_share share = workers_.share_of(*one, now_);
        one->ticket = ++tickets_;
        one->reserved = share.most;
        one->last_turn = ++turns_;
        leases_[one->ticket] = {one->who.worker_id, share, one->outstanding(), submitted_};
        lease_request request;
        request.worker_id = one->who.worker_id;
        request.connection = std::to_string(one->connection_number);
        request.most = share.most;
        request.outstanding = one->outstanding();
        request.types = one->who.types;
        request.prefer = share.prefers;
        request.spill = share.spill;
        out(lease{one->ticket, std::move(request)});
    }
}

// A call without a preference, or with this one, saw all of the kind near the front of the lines.
void core::learn_demand(const lease_under_way& call, const leased_jobs& reply) {
    const bool full = reply.jobs.size() >= call.share.most;
    const std::uint64_t since = submitted_ - call.submitted;
    for (const device_kind which : {device_kind::cpu, device_kind::gpu}) {
        demand& one = demand_[static_cast<std::size_t>(which)];
        if (call.share.prefers.value_or(which) == which) {
            one = {full ? std::max<std::uint64_t>(one.jobs, 1) : since, full};
        } else if (reply.left == 0) {
            one = {since, false};
        }
    }
    // The line moved, so that others come into view for both kinds of workers.
    if (call.share.prefers && !reply.jobs.empty() && reply.left > 0) expect(1);
}

void core::on(const leased& reply) {
    const auto found = leases_.find(reply.ticket);
    if (found == leases_.end()) return;
    const lease_under_way call = found->second;
    leases_.erase(found);
    // A reply to a call for an earlier connection finds nobody: beside what the present one leases
    // it could put a solo job in company.
    worker* one = workers_.by_id(call.worker_id);
    if (one != nullptr && one->ticket != reply.ticket) one = nullptr;
    if (one != nullptr) one->ticket = one->reserved = 0;

    if (!reply.outcome) {
        const errc why = reply.outcome.error().code;
        expect(1);
        if (one != nullptr) one->pause_until = now_ + limits::sweep;
        if (why != errc::not_registered && why != errc::stale) {
            lease_backoff_ = std::clamp(lease_backoff_ * 2, backoff_min, backoff_max);
            lease_pause_until_ = now_ + lease_backoff_;
            remark(log::level::warning, "lease_failed", call.worker_id,
                   reply.outcome.error().detail);
        }
        return;
    }
    lease_backoff_ = std::chrono::milliseconds(0);
    const std::vector<leased_job>& jobs = reply.outcome->jobs;
    learn_demand(call, *reply.outcome);
    const bool solo = !jobs.empty() && jobs.front().solo;
    if (solo) expect(1);  // it came alone whatever waits behind it
    blocked_ = jobs.size() < call.share.most && !solo && call.outstanding > 0;

    protocol::job message;
    for (const leased_job& job : jobs) {
        const attempt_id attempt{job.job_id, job.attempt};
        if (one == nullptr || one->draining || one->free() == 0) {
            out(hand_back{attempt, call.worker_id});
            continue;
        }
        one->jobs[attempt] = sent_job{one->last_n + 1, now_, job.solo, job.collection};
        message.jobs.push_back(job);
    }
    if (message.jobs.empty()) return;
    message.n = ++one->last_n;
    for (const leased_job& job : message.jobs) hold_gallery(*one, job.collection);
    out(to_worker{one->connection, std::move(message)});
}

}  // namespace vultus::broker
