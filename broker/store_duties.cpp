// See store_duties.hpp.
#include "broker/store_duties.hpp"

#include <algorithm>

namespace vultus::broker {

boot_time store_duties::next_timer() const noexcept {
    return link_up_ && !prepared_ && !prepare_.in_progress ? prepare_.at : boot_time::max();
}

void store_duties::prepare_due(boot_time now, effects& out) {
    if (!link_up_ || prepared_ || prepare_.in_progress || now < prepare_.at) return;
    prepare_.in_progress = true;
    out.push_back(prepare_store{});
}

void store_duties::sweep(boot_time now, effects& out) {
    if (ready()) run_all(now, out);
    if (!prepared_ || check_.in_progress || now < check_.at) return;
    check_.in_progress = true;
    out.push_back(check_store{});
}

store_duties::timer& store_duties::timer_of(duty which) noexcept {
    return which == duty::reap ? reap_ : which == duty::barrier ? barrier_ : collect_;
}

void store_duties::run(duty which, boot_time now, effects& out) {
    timer& one = timer_of(which);
    if (one.in_progress || now < one.at) return;
    one.in_progress = true;
    one.sent = now;
    out.push_back(run_duty{which, time_certain_ ? expected_now(now) : unix_time{0}});
}

void store_duties::run_all(boot_time now, effects& out) {
    for (const duty which : {duty::reap, duty::barrier, duty::collect}) run(which, now, out);
}

std::uint64_t store_duties::done(const duty_done& reply, boot_time now, effects& out) {
    timer& one = timer_of(reply.which);
    one.in_progress = false;
    if (!reply.outcome) {
        one.at = now + duty_retry;
        return 0;
    }
    const moved& result = *reply.outcome;
    if (result.now.count() > 0) {
        note_time(result.now, one.sent);
        time_certain_ = true;
    }
    switch (reply.which) {
        case duty::reap:
            one.at = now;  // with the next sweep
            if (result.grace) out.push_back(note{log::level::warning, "lease_grace", {}, {}});
            break;
        case duty::barrier:
            one.at = now + std::chrono::seconds(1);
            break;
        case duty::collect:
            one.at = now + (result.count > 0 ? std::chrono::milliseconds(1'000) : collect_idle);
            break;
    }
    if (result.again && ready()) {  // at once, before the next sweep
        one.at = now;
        run_all(now, out);
    }
    return reply.which == duty::reap ? result.count : 0;
}

bool store_duties::link_changed(bool up, boot_time now, effects& out) {
    link_up_ = up;
    prepare_ = timer{now, false};
    if (up) return false;
    if (prepared_) out.push_back(note{log::level::warning, "store_away", {}, {}});
    prepared_ = false;
    return true;
}

bool store_duties::prepared(const store_prepared& reply, boot_time now, effects& out) {
    prepare_ = timer{now + duty_retry, false};
    if (!link_up_) return false;
    if (!reply.outcome) {
        const std::string& why = reply.outcome.error().detail;
        if (why != last_trouble_) {
            out.push_back(note{log::level::error, "store_not_ready", {}, why});
        }
        last_trouble_ = why;
        return false;
    }
    last_trouble_.clear();
    prepared_ = true;
    safe_ = true;
    // A time that is known already stays: reap and barrier compare with it (grace period). What a
    // new broker reads here is the clock of Redis' host, which does not prove that none jumped.
    if (store_time_.count() == 0) note_time(*reply.outcome, now);
    check_.at = now + store_check;
    out.push_back(note{log::level::info, "store_ready", {}, {}});
    return true;
}

void store_duties::checked(const store_checked& reply, boot_time now, effects& out) {
    check_ = timer{now + store_check, false};
    const bool safe = reply.outcome.has_value();
    if (!safe && safe_) {
        out.push_back(note{log::level::error, "store_unsafe", {}, reply.outcome.error().detail});
    }
    if (safe && !safe_) out.push_back(note{log::level::info, "store_safe_again", {}, {}});
    safe_ = safe;
    if (!safe) check_.at = now + duty_retry;
}

unix_time store_duties::expected_now(boot_time now) const noexcept {
    return store_time_.count() == 0 ? unix_time{0} : store_time_ + (now - asked_at_);
}

// Redis read its clock at an unknown moment between call and reply. Counted from the call, the
// delay that a slow disk adds to one call is subtracted from the next, and errors do not add up.
void store_duties::note_time(unix_time store_time, boot_time asked) noexcept {
    store_time_ = store_time;
    asked_at_ = asked;
}

}  // namespace vultus::broker
