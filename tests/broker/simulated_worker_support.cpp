// The workers of the simulation and the sockets between them and the brokers. See
// simulation_support.hpp.
#include <algorithm>

#include "tests/broker/simulation_support.hpp"

namespace vultus::broker::testing {
namespace {

using std::chrono::milliseconds;

constexpr std::size_t at_once = 2;  ///< jobs a worker has in its stages

}  // namespace

void simulation::add_worker() {
    auto fresh = std::make_unique<worker_process>();
    fresh->id = "w" + std::to_string(++names_);
    fresh->links.resize(brokers_.size());
    fresh->gpu = chance(40);
    worker_process* one = fresh.get();
    workers_.push_back(std::move(fresh));
    step(*one);
}

void simulation::kill(worker_process& one) {
    one.alive = false;
    drop_all(one);
    const auto gone = std::find_if(workers_.begin(), workers_.end(),
                                   [&](const auto& other) { return other.get() == &one; });
    auto corpse = std::shared_ptr<worker_process>(std::move(*gone));
    workers_.erase(gone);
    add_worker();
    // What is on the agenda may still look at it.
    after(std::chrono::minutes(10), [corpse] {});
}

// SIGTERM: it hands back what it has, says so, and ends.
void simulation::leave(worker_process& one) {
    if (store_up_ && one.registered) store_.bye(one.id);
    for (int i = 0; i < static_cast<int>(one.links.size()); ++i) {
        send_to_broker(one, i, protocol::bye{"stopping"});
    }
    kill(one);
}

// Another process says READY under its name, with a later connection, and then nothing: ZeroMQ
// makes whoever comes second under that routing id mute. When it has gone, a heartbeat finds
// nobody.
void simulation::come_twice(worker_process& one, int index) {
    auto& broker = brokers_[static_cast<std::size_t>(index)];
    const std::string connection =
        one.id + "." + std::to_string(one.number + static_cast<std::uint64_t>(draw(1, 3)));
    const milliseconds stay(draw(100, 6'000));
    broker.twins[connection] = now_ + stay;
    protocol::ready hello;
    hello.worker_id = one.id;
    hello.types = {"recognize", "train"};
    hello.window = window_;
    hello.frame_window = frame_window_;
    tell(index, received{side::worker, connection, hello});
    const int life = broker.life;
    after(stay, [this, index, life, connection] {
        if (brokers_[static_cast<std::size_t>(index)].life != life) return;
        tell(index, send_failed{connection, true, protocol::broker_heartbeat{}});
    });
}

void simulation::drop_all(worker_process& one) {
    ++one.life;
    one.held.clear();
    one.waiting.clear();
    one.solo.clear();
    one.frames.clear();
    one.active = 0;
    one.alone = false;
}

// Ten times a second, for as long as it lives.
void simulation::step(worker_process& one) {
    if (!one.alive) return;
    worker_process* self = &one;
    if (one.frozen_until > now_) {
        after(one.frozen_until - now_, [this, self] { step(*self); });
        return;
    }
    after(milliseconds(100), [this, self] { step(*self); });
    bool gone = one.registered && now_ >= one.fence_at;
    if (!gone && one.registered && store_up_ && now_ >= one.renew_at) {
        std::set<attempt_id> running = one.held;
        gone = !store_.renew(one.id, one.number, running, wall());
        std::erase_if(one.waiting, [&](const auto& job) { return !running.contains(job.first); });
        for (const auto& [attempt, from] : one.waiting) running.insert(attempt);
        one.renew_at = now_ + limits::renew;
        one.fence_at = now_ + limits::self_fence;
    }
    if (gone) {  // the fence: everything is dropped, it comes back under a new name
        if (store_up_) store_.bye(one.id);
        drop_all(one);
        one.registered = false;
        one.id = "w" + std::to_string(++names_);
        one.number = 0;
        for (link& l : one.links) l.open = false;
    }
    if (!one.registered) {
        if (!store_up_) return;
        store_.enlist(one.id, 0, wall());
        one.registered = true;
        one.renew_at = now_ + limits::renew;
        one.fence_at = now_ + limits::self_fence;
        one.reopened = boot_time{0};
    }
    tend_links(one);
    begin_jobs(one);
}

void simulation::tend_links(worker_process& one) {
    const auto silent = [&](const link& l) {
        return !l.open || now_ - l.heard > limits::heartbeat * limits::heartbeats_missed;
    };
    if (std::any_of(one.links.begin(), one.links.end(), silent) &&
        now_ >= one.reopened + limits::heartbeat) {
        ++one.number;
        one.reopened = now_;
        one.frames.clear();
        const std::string connection = one.id + "." + std::to_string(one.number);
        for (std::size_t i = 0; i < one.links.size(); ++i) {
            link& l = one.links[i];
            const boot_time cut = l.cut_until;
            l = link{};
            l.open = true;
            l.heard = now_;
            l.cut_until = cut;
            const auto twin = brokers_[i].twins.find(connection);
            l.mute = twin != brokers_[i].twins.end() && now_ <= twin->second;
        }
    }
    for (int i = 0; i < static_cast<int>(one.links.size()); ++i) {
        link& l = one.links[static_cast<std::size_t>(i)];
        if (!l.open) continue;
        if (!l.introduced) {
            l.introduced = true;
            l.next_beat = now_ + limits::heartbeat;
            protocol::ready hello;
            hello.worker_id = one.id;
            hello.types = {"recognize", "train"};
            hello.window = window_;
            hello.frame_window = frame_window_;
            if (one.gpu) hello.gpu = "gpu";
            hello.running.assign(one.held.begin(), one.held.end());
            send_to_broker(one, i, hello);
        } else if (now_ >= l.next_beat) {
            l.next_beat = now_ + limits::heartbeat;
            protocol::worker_heartbeat beat;
            beat.last_n = l.last_n;
            beat.running.assign(one.held.begin(), one.held.end());
            beat.frames.assign(one.frames.begin(), one.frames.end());
            send_to_broker(one, i, beat);
        }
    }
}

void simulation::send_to_broker(worker_process& one, int index, protocol::message what) {
    link& l = one.links[static_cast<std::size_t>(index)];
    if (!l.open || l.mute || now_ < l.cut_until || (faults_ && chance(2))) return;
    const std::string connection = one.id + "." + std::to_string(one.number);
    const int life = brokers_[static_cast<std::size_t>(index)].life;
    for (int copies = faults_ && chance(2) ? 2 : 1; copies > 0; --copies) {
        const int late = faults_ && chance(2) ? 5'000 : 20;  // also after what was sent later
        after(milliseconds(draw(0, late)) + slowness(l), [this, index, life, connection, what] {
            if (brokers_[static_cast<std::size_t>(index)].life != life) return;
            tell(index, received{side::worker, connection, what});
        });
    }
}

void simulation::send_to_worker(int index, const to_worker& what) {
    const auto found = std::find_if(workers_.begin(), workers_.end(), [&](const auto& one) {
        return one->id + "." + std::to_string(one->number) == what.connection;
    });
    const int broker_life = brokers_[static_cast<std::size_t>(index)].life;
    const auto failed = [this, index, what, broker_life](bool unreachable) {
        after(milliseconds(0), [=, this] {
            if (brokers_[static_cast<std::size_t>(index)].life != broker_life) return;
            tell(index, send_failed{what.connection, unreachable, what.what});
        });
    };
    // A peer that is gone is known to be, or what is sent to it vanishes.
    const auto& twins = brokers_[static_cast<std::size_t>(index)].twins;
    const auto twin = twins.find(what.connection);
    if (twin != twins.end() && now_ <= twin->second) return;  // it reads nothing
    if (found == workers_.end()) return chance(70) ? failed(true) : void();
    worker_process* self = found->get();
    link& l = self->links[static_cast<std::size_t>(index)];
    if (faults_ && chance(1)) return failed(false);
    if (l.mute || now_ < l.cut_until || (faults_ && chance(2))) return;
    const std::uint64_t number = self->number;
    const int life = self->life;
    const bool repeated = faults_ && chance(2);
    for (int copies = repeated ? 2 : 1; copies > 0; --copies) {
        // In order, as ZeroMQ keeps it; but for a second copy, which may come long after.
        const bool again = copies == 1 && repeated;
        boot_time at = now_ + milliseconds(draw(0, again ? 5'000 : 20)) + slowness(l);
        if (!again) at = l.last_delivery = std::max(l.last_delivery, at);
        at = std::max(at, self->frozen_until);
        after(at - now_, [=, this] {
            if (!self->alive || self->number != number || self->life != life) return;
            hear(*self, index, what.what);
        });
    }
}

void simulation::hear(worker_process& one, int index, const protocol::message& what) {
    link& l = one.links[static_cast<std::size_t>(index)];
    if (!l.open) return;
    l.heard = now_;
    if (const auto* jobs = std::get_if<protocol::job>(&what)) {
        if (jobs->n <= l.last_n) return;
        l.last_n = jobs->n;
        for (const leased_job& job : jobs->jobs) {
            const attempt_id attempt{job.job_id, job.attempt};
            if (!one.held.insert(attempt).second) continue;
            one.waiting[attempt] = index;
            if (job.solo) one.solo.insert(attempt);
        }
        if (one.held.size() > window_ * brokers_.size())
            problem(one.id + ": more jobs than credits");
        begin_jobs(one);
    } else if (const auto* frame = std::get_if<protocol::frame>(&what)) {
        one.frames.insert(frame->frame_id);
        protocol::answer reply;
        reply.frame_id = frame->frame_id;
        reply.attempt = frame->attempt;
        after(milliseconds(draw(10, 200)),
              [=, this, self = &one] { end_frame(*self, index, reply); });
    } else if (std::holds_alternative<protocol::bye>(what)) {
        l.open = false;
    }
}

void simulation::end_frame(worker_process& one, int index, const protocol::answer& reply) {
    if (one.frozen_until > now_) {
        after(one.frozen_until - now_, [=, this, self = &one] { end_frame(*self, index, reply); });
    } else if (one.frames.erase(reply.frame_id) > 0) {
        send_to_broker(one, index, reply);
    }
}

void simulation::begin_jobs(worker_process& one) {
    while (!one.waiting.empty() && !one.alone && one.active < at_once) {
        // Jobs in company first, then what must be alone when nothing else runs.
        auto next = std::find_if(one.waiting.begin(), one.waiting.end(),
                                 [&](const auto& job) { return !one.solo.contains(job.first); });
        if (next == one.waiting.end()) {
            if (one.active > 0) return;
            next = one.waiting.begin();
        }
        const auto [attempt, index] = *next;
        one.waiting.erase(next);
        begin(one, attempt, index);
        if (!one.alive) return;
    }
}

void simulation::begin(worker_process& one, const attempt_id& attempt, int index) {
    worker_process* self = &one;
    const int life = one.life;
    ++one.active;
    one.alone = one.solo.contains(attempt);
    if (!store_up_) {  // `started` must be there first
        after(milliseconds(100), [=, this] {
            if (!self->alive || self->life != life) return;
            --self->active;
            self->alone = false;
            self->waiting[attempt] = index;
        });
        return;
    }
    if (!store_.start(attempt, one.id)) return end_job(one, life, attempt, index);
    if (store_.jobs().at(attempt.job_id).poison) {
        after(milliseconds(30), [=, this] {
            if (self->alive && self->life == life) kill(*self);
        });
        return;
    }
    after(milliseconds(draw(20, 400)), [=, this] { end_job(*self, life, attempt, index); });
}

void simulation::end_job(worker_process& one, int life, const attempt_id& attempt, int index) {
    worker_process* self = &one;
    if (!one.alive || one.life != life) return;
    if (one.frozen_until > now_ || !store_up_) {
        const milliseconds pause = std::max(one.frozen_until - now_, milliseconds(100));
        after(pause, [=, this] { end_job(*self, life, attempt, index); });
        return;
    }
    const bool ours = store_.complete(attempt, one.id);
    one.held.erase(attempt);
    one.solo.erase(attempt);
    --one.active;
    one.alone = false;
    if (ours)
        send_to_broker(one, index,
                       protocol::done{attempt.job_id, attempt.attempt, "succeeded", {}});
    begin_jobs(one);
}

}  // namespace vultus::broker::testing
