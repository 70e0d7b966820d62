// The clock and the store: timers, readiness, gallery news, drain. See core.hpp; workers are
// in core_jobs.cpp, leases in core_leases.cpp, frames in core_frames.cpp.
#include "broker/core.hpp"

#include <algorithm>

namespace vultus::broker {

core::core(core_options options)
    : options_(std::move(options)), frames_(options_.broker_id, options_.frames) {}

effects core::handle(event what, boot_time now) {
    // A broker that was stopped itself has heard nobody: it judges nobody for it.
    if (now - now_ > limits::heartbeat) {
        for (auto& [connection, one] : workers_.all()) one.last_seen = now;
    }
    now_ = std::max(now, now_);
    out_.clear();
    std::visit([this](const auto& one) { on(one); }, what);
    due();
    return std::move(out_);
}

void core::remark(log::level level, std::string what, std::string who, std::string detail) {
    out(note{level, std::move(what), std::move(who), std::move(detail)});
}

boot_time core::next_timer() const noexcept {
    boot_time at = std::min({sweep_at_, beat_at_, versions_at_, frames_.next_deadline()});
    if (link_up_ && !prepared_ && !prepare_.under_way) at = std::min(at, prepare_.at);
    if (draining_) at = std::min(at, drain_until_);
    if (lease_pause_until_ > now_) at = std::min(at, lease_pause_until_);
    return at;
}

void core::due() {
    lose_silent();
    due_store();
    answer_all(frames_.expired(now_), errc::deadline_exceeded, "No worker answered in time");
    if (now_ >= beat_at_) beat_all();
    send_frames();
    lease_more();
    if (draining_) drain_further();
}

void core::due_store() {
    if (link_up_ && !prepared_ && !prepare_.under_way && now_ >= prepare_.at) {
        prepare_.under_way = true;
        out(prepare_store{});
    }
    if (now_ >= sweep_at_) {
        sweep_at_ = now_ + limits::sweep;
        expect(1);
        if (ready()) run_duties();
        if (prepared_ && !check_.under_way && now_ >= check_.at) {
            check_.under_way = true;
            out(check_store{});
        }
        versions_at_ = std::min(versions_at_, now_);
    }
    if (now_ >= versions_at_) read_versions();
}

void core::run_duties() {
    const auto run = [this](timer& one, duty which) {
        if (one.under_way || now_ < one.at) return;
        one.under_way = true;
        one.sent = now_;
        out(run_duty{which, time_sure_ ? expected_now() : unix_time{0}});
    };
    run(reap_, duty::reap);
    run(barrier_, duty::barrier);
    run(collect_, duty::collect);
}

void core::on(const duty_done& reply) {
    timer& one = reply.which == duty::reap      ? reap_
                 : reply.which == duty::barrier ? barrier_
                                                : collect_;
    one.under_way = false;
    if (!reply.outcome) {
        one.at = now_ + backoff_max;
        return;
    }
    const moved& done = *reply.outcome;
    if (done.now.count() > 0) {
        heard_time(done.now, one.sent);
        time_sure_ = true;
    }
    switch (reply.which) {
        case duty::reap:
            one.at = now_;  // with the next sweep
            if (done.count > 0) expect(done.count);
            if (done.grace) remark(log::level::warning, "lease_grace");
            break;
        case duty::barrier:
            one.at = now_ + std::chrono::seconds(1);
            break;
        case duty::collect:
            one.at = now_ + (done.count > 0 ? std::chrono::milliseconds(1'000) : collect_idle);
            break;
    }
    if (done.again && ready()) {  // not only with the next sweep
        one.at = now_;
        run_duties();
    }
}

void core::on(const store_link& link) {
    link_up_ = link.up;
    prepare_ = timer{now_, false};
    if (!link.up) {
        if (prepared_) remark(log::level::warning, "store_away");
        prepared_ = false;
        news_.forget_reads();
    }
}

void core::on(const store_prepared& reply) {
    prepare_ = timer{now_ + backoff_max, false};
    if (!link_up_) return;
    if (!reply.outcome) {
        const std::string& why = reply.outcome.error().detail;
        if (why != last_trouble_) remark(log::level::error, "store_not_ready", {}, why);
        last_trouble_ = why;
        return;
    }
    last_trouble_.clear();
    prepared_ = true;
    safe_ = true;
    // The clock that was known before stays: reap and barrier compare with it (grace). What a new
    // broker reads here is the clock of Redis' host, which says nothing against a jump.
    if (time_there_.count() == 0) heard_time(*reply.outcome, now_);
    check_.at = now_ + store_check;
    lease_pause_until_ = boot_time{0};
    lease_backoff_ = std::chrono::milliseconds(0);
    expect(1);
    remark(log::level::info, "store_ready");
}

void core::on(const store_checked& reply) {
    check_ = timer{now_ + store_check, false};
    const bool safe = reply.outcome.has_value();
    if (!safe && safe_) {
        remark(log::level::error, "store_unsafe", {}, reply.outcome.error().detail);
    }
    if (safe && !safe_) remark(log::level::info, "store_safe_again");
    safe_ = safe;
    if (!safe) check_.at = now_ + backoff_max;
}

unix_time core::expected_now() const noexcept {
    return time_there_.count() == 0 ? unix_time{0} : time_there_ + (now_ - time_heard_);
}

// Of the time between question and answer nobody knows when Redis looked at its clock. Counted from
// the question, what a slow disk adds to one call it takes from the next, and nothing adds up.
void core::heard_time(unix_time now_there, boot_time asked) {
    time_there_ = now_there;
    time_heard_ = asked;
}

void core::beat_all() {
    beat_at_ = now_ + limits::heartbeat;
    for (const auto& [connection, one] : workers_.all()) beat(one);
}

void core::beat(const worker& one) {
    protocol::broker_heartbeat news;
    news.interval_ms = static_cast<std::uint32_t>(limits::heartbeat.count());
    news.now_ms = expected_now().count();
    for (const auto& [collection, told] : one.galleries) {
        const auto version = news_.version_of(collection);
        if (version) news.galleries[collection] = *version;
    }
    out(to_worker{one.connection, std::move(news)});
    if (one.asked_to_drain && !one.draining) {
        out(to_worker{one.connection, protocol::drain{"operator"}});
    }
}

void core::read_versions() {
    versions_at_ = boot_time::max();
    news_last_ = now_;
    if (!ready()) return;
    for (const std::string& collection : news_.next_reads()) out(read_gallery{collection});
}

void core::on(const gallery_read& reply) {
    if (news_.read_done(reply.collection) && ready()) out(read_gallery{reply.collection});
    if (!reply.version) return;
    news_.learned(reply.collection, *reply.version);
    for (auto& [connection, one] : workers_.all()) {
        const auto told = one.galleries.find(reply.collection);
        if (told == one.galleries.end() || told->second.version == *reply.version) continue;
        told->second.version = *reply.version;
        out(to_worker{connection, protocol::reload{reply.collection, *reply.version}});
    }
}

void core::on(const undecodable& stranger) {
    const protocol::bye away{"version"};
    if (stranger.from == side::worker) {
        out(to_worker{stranger.connection, away});
    } else {
        out(to_api{stranger.connection, away});
    }
}

void core::on(const stop&) {
    if (draining_) return;
    draining_ = true;
    drain_until_ = now_ + options_.drain_timeout;
    remark(log::level::info, "draining");
    answer_all(frames_.remove_waiting(), errc::draining, "Broker is stopping");
}

void core::drain_further() {
    if (finished_) return;
    const bool late = now_ >= drain_until_;
    if (!late && (!leases_.empty() || !frames_.empty())) return;
    answer_all(frames_.remove_all(), errc::draining, "Broker is stopping");
    for (const auto& [connection, one] : workers_.all()) {
        out(to_worker{connection, protocol::bye{"draining"}});
    }
    finished_ = true;
    remark(log::level::info, "drained");
    out(finished{});
}

}  // namespace vultus::broker
