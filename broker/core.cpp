// The clock, Redis and the drain. See core.hpp; messages are handled in core_messages.cpp.
#include "broker/core.hpp"

#include <algorithm>

namespace vultus::broker {

core::core(core_options options)
    : options_(std::move(options)), frames_(options_.broker_id, options_.frames) {}

effects core::handle(event what, boot_time now) {
    // If this process was stopped, it received nothing meanwhile: no worker counts as silent.
    if (now - now_ > limits::heartbeat) {
        for (auto& [connection, one] : workers_.all()) one.last_seen = now;
    }
    now_ = std::max(now, now_);
    out_.clear();
    std::visit([this](const auto& one) { on(one); }, what);
    run_due();
    return std::move(out_);
}

void core::remark(log::level level, std::string what, std::string who, std::string detail) {
    out(note{level, std::move(what), std::move(who), std::move(detail)});
}

boot_time core::next_timer() const noexcept {
    boot_time at = std::min({sweep_at_, beat_at_, galleries_.next_timer(), frames_.next_timer(),
                             store_.next_timer(), leases_.next_timer(now_)});
    if (draining_) at = std::min(at, drain_until_);
    return at;
}

void core::run_due() {
    lose_silent();
    store_.prepare_due(now_, out_);
    if (now_ >= sweep_at_) sweep();
    galleries_.read_due(now_, ready(), out_);
    frames_.expire(now_, out_);
    if (now_ >= beat_at_) beat_all();
    frames_.route(workers_, galleries_, now_, out_);
    if (ready() && !draining_) leases_.plan(workers_, now_, out_);
    if (draining_) continue_drain();
}

void core::sweep() {
    sweep_at_ = now_ + limits::sweep;
    leases_.expect(1);
    store_.sweep(now_, out_);
    galleries_.read_soon(now_);
}

void core::on(const duty_done& reply) {
    leases_.expect(store_.done(reply, now_, out_));
}

void core::on(const store_link& link) {
    if (store_.link_changed(link.up, now_, out_)) galleries_.store_lost();
}

void core::on(const store_prepared& reply) {
    if (!store_.prepared(reply, now_, out_)) return;
    leases_.reset_backoff();
    leases_.expect(1);
}

void core::on(const store_checked& reply) {
    store_.checked(reply, now_, out_);
}

void core::on(const gallery_read& reply) {
    galleries_.read(reply, workers_, ready(), out_);
}

void core::on(const leased& reply) {
    lease_planner::granted made = leases_.take(reply, workers_, now_, out_);
    if (made.to == nullptr) return;
    for (const leased_job& job : made.message.jobs) galleries_.hold(*made.to, job.collection);
    out(to_worker{made.to->connection, std::move(made.message)});
}

void core::beat_all() {
    beat_at_ = now_ + limits::heartbeat;
    for (const auto& [connection, one] : workers_.all()) beat(one);
}

void core::beat(const worker& one) {
    protocol::broker_heartbeat message;
    message.interval_ms = static_cast<std::uint32_t>(limits::heartbeat.count());
    message.now_ms = store_.expected_now(now_).count();
    message.galleries = galleries_.versions_of(one);
    out(to_worker{one.connection, std::move(message)});
    if (one.asked_to_drain && !one.draining) {
        out(to_worker{one.connection, protocol::drain{"operator"}});
    }
}

void core::on(const undecodable& stranger) {
    const protocol::bye reply{"version"};
    if (stranger.from == side::worker) {
        out(to_worker{stranger.connection, reply});
    } else {
        out(to_api{stranger.connection, reply});
    }
}

void core::on(const stop&) {
    if (draining_) return;
    draining_ = true;
    drain_until_ = now_ + options_.drain_timeout;
    remark(log::level::info, "draining");
    frames_.drain(out_);
}

void core::continue_drain() {
    if (finished_) return;
    const bool late = now_ >= drain_until_;
    if (!late && (leases_.in_progress() > 0 || !frames_.table().empty())) return;
    frames_.refuse_all(out_);
    for (const auto& [connection, one] : workers_.all()) {
        out(to_worker{connection, protocol::bye{"draining"}});
    }
    finished_ = true;
    remark(log::level::info, "drained");
    out(finished{});
}

}  // namespace vultus::broker
