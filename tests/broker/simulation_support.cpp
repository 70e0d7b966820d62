// The world and the brokers. See simulation_support.hpp; the workers are in
// simulated_worker_support.cpp.
#include "tests/broker/simulation_support.hpp"

#include <algorithm>

namespace vultus::broker::testing {

simulation::simulation(std::uint64_t seed, int brokers) : random_(seed) {
    for (int i = 0; i < brokers; ++i) {
        broker_process one;
        core_options options;
        options.broker_id = "b" + std::to_string(i);
        one.it = std::make_unique<core>(options);
        brokers_.push_back(std::move(one));
    }
    for (int i = 0; i < brokers; ++i) tell(i, store_link{true});
    for (int i = 0; i < 3; ++i) add_worker();
}

void simulation::after(milliseconds delay, std::function<void()> what) {
    agenda_.emplace(now_ + delay, std::move(what));
}

void simulation::problem(std::string what) {
    if (problems_.size() < 10) {
        problems_.push_back(std::to_string(now_.count()) + " ms: " + std::move(what));
    }
}

// What happens next: an entry of the agenda, or the timer that a core asked for.
void simulation::advance_to(boot_time end) {
    while (problems_.empty()) {
        boot_time next = agenda_.empty() ? end : agenda_.begin()->first;
        int broker = -1;
        for (int i = 0; i < static_cast<int>(brokers_.size()); ++i) {
            const auto& one = brokers_[static_cast<std::size_t>(i)];
            const boot_time due = std::max({one.it->next_timer(), one.frozen_until, now_});
            if (due < next) {
                next = due;
                broker = i;
            }
        }
        if (next >= end) break;
        now_ = std::max(now_, next);
        if (broker >= 0) {
            const boot_time before = brokers_[static_cast<std::size_t>(broker)].it->next_timer();
            tell(broker, tick{});
            if (brokers_[static_cast<std::size_t>(broker)].it->next_timer() <=
                std::min(before, now_)) {
                now_ += milliseconds(1);  // a timer that stays due must not stop the clock
            }
        } else {
            auto first = agenda_.begin();
            const auto what = std::move(first->second);
            agenda_.erase(first);
            what();
        }
    }
    now_ = std::max(now_, end);
}

std::vector<std::string> simulation::run() {
    const boot_time storm_ends = now_ + std::chrono::seconds(40);
    while (now_ < storm_ends && problems_.empty()) {
        for (int i = draw(0, 8); i > 0; --i) submit_job();
        for (int i = draw(0, 3); i > 0; --i) submit_frame();
        if (chance(60)) fault();
        advance_to(now_ + milliseconds(draw(200, 2'000)));
    }
    faults_ = false;
    if (!store_up_) restart_store();
    const boot_time patience = now_ + std::chrono::seconds(150);
    while (now_ < patience && problems_.empty() && !store_.settled()) {
        advance_to(now_ + std::chrono::seconds(1));
    }
    submit_frame();
    advance_to(now_ + limits::lease + std::chrono::seconds(5));
    judge();
    return problems_;
}

void simulation::judge() {
    for (const auto& [id, job] : store_.jobs()) {
        ++counts_.jobs;
        counts_.dead += job.state == simulated_state::dead;
        counts_.cancelled += job.state == simulated_state::cancelled;
        if (job.state == simulated_state::pending || job.state == simulated_state::running) {
            problem("job " + id + " never ended");
        }
        const bool succeeded = job.state == simulated_state::succeeded;
        if (job.effects != (succeeded ? 1 : 0))
            problem("job " + id + " took effect twice or never");
        if (job.poison && succeeded) problem("job " + id + " killed nobody");
        if (job.state == simulated_state::dead && job.crashes < limits::crashes_max) {
            problem("job " + id + " died of other jobs' faults");
        }
    }
    for (const auto& [id, frame] : frames_) {
        ++counts_.frames;
        const auto& broker = brokers_[static_cast<std::size_t>(frame.broker)];
        if (frame.answers == 0 && broker.life == frame.life)
            problem("frame " + id + " has no answer");
    }
    for (const auto& broker : brokers_) {
        for (const auto& one : workers_) {
            const std::string connection = one->id + "." + std::to_string(one->number);
            const auto known = broker.it->workers().all().find(connection);
            if (known == broker.it->workers().all().end()) {
                problem("worker " + connection + " is not known");
            } else if (!known->second.jobs.empty() || !known->second.frames.empty()) {
                problem("worker " + connection + " has nothing in hand, but the broker counts " +
                        std::to_string(known->second.jobs.size()) + " jobs and " +
                        std::to_string(known->second.frames.size()) + " frames");
            }
        }
        if (broker.it->workers().all().size() != workers_.size()) problem("a worker that is gone");
        if (!broker.it->frames().empty()) problem("a frame stays for ever");
    }
}

void simulation::submit_job() {
    const std::string id = "job-" + std::to_string(++names_);
    store_.accept(id, chance(2), chance(50), wall());
    protocol::submit hint;
    hint.job_ids = {id};
    const int broker = draw(0, static_cast<int>(brokers_.size()) - 1);
    for (int copies = chance(5) ? 2 : chance(80) ? 1 : 0; copies > 0; --copies) {
        after(milliseconds(draw(0, copies > 1 ? 5'000 : 20)), [this, broker, hint] {
            tell(broker, received{side::api, "api.1", hint});
        });
    }
    if (!chance(3)) return;
    after(milliseconds(draw(0, 500)), [this, id] {
        store_.cancel(id);
        for (int i = 0; i < static_cast<int>(brokers_.size()); ++i) {
            tell(i, received{side::api, "api.1", protocol::cancel_request{id}});
        }
    });
}

void simulation::submit_frame() {
    const std::string id = "frame-" + std::to_string(++names_);
    const int broker = draw(0, static_cast<int>(brokers_.size()) - 1);
    protocol::frame what;
    what.frame_id = id;
    what.collection = "default";
    what.deadline_ms = 2'000;
    what.image = "x";
    if (chance(50)) what.live_id = "camera";
    frames_[id] = {broker, brokers_[static_cast<std::size_t>(broker)].life, 0, now_};
    tell(broker, received{side::api, "api.1", what});
}

void simulation::fault() {
    ++counts_.faults;
    auto& worker =
        *workers_[static_cast<std::size_t>(draw(0, static_cast<int>(workers_.size()) - 1))];
    const int index = draw(0, static_cast<int>(brokers_.size()) - 1);
    auto& broker = brokers_[static_cast<std::size_t>(index)];
    auto& way = worker.links[static_cast<std::size_t>(index)];
    const int kind = draw(1, fault_kinds);
    ++counts_.by_fault[kind];
    switch (kind) {
        case 1:
            kill(worker);
            break;
        case 2:
            worker.frozen_until = now_ + milliseconds(draw(1'000, 15'000));
            break;
        case 3:
            restart_broker(index);
            break;
        case 4:
            broker.frozen_until = now_ + milliseconds(draw(500, 8'000));
            break;
        case 5: {
            if (!store_up_) break;
            store_up_ = false;
            const int life = ++store_life_;
            for (int i = 0; i < static_cast<int>(brokers_.size()); ++i) tell(i, store_link{false});
            after(milliseconds(draw(200, 3'000)), [this, life] {
                if (life == store_life_ && !store_up_) restart_store();
            });
            break;
        }
        case 6:
            wall_offset_ += milliseconds(draw(-60'000, 60'000));
            break;
        case 7:
            way.cut_until = now_ + milliseconds(draw(1'000, 5'000));
            break;
        case 8:
            way.slow_until = now_ + milliseconds(draw(1'000, 8'000));
            break;
        case 9:
            leave(worker);
            break;
        case 10: {  // SIGTERM of a broker, and its start
            tell(index, stop{});
            const int life = broker.life;
            after(milliseconds(draw(100, 3'000)), [this, index, life] {
                if (brokers_[static_cast<std::size_t>(index)].life == life) restart_broker(index);
            });
            break;
        }
        case 11:
            come_twice(worker, index);
            break;
        default:
            now_ += milliseconds(draw(1'000, 20'000));
            break;  // the machine slept
    }
}

void simulation::restart_broker(int index) {
    auto& broker = brokers_[static_cast<std::size_t>(index)];
    ++broker.life;
    core_options options;
    options.broker_id = "b" + std::to_string(index) + "-" + std::to_string(broker.life);
    broker.it = std::make_unique<core>(options);
    broker.inbox.clear();
    broker.twins.clear();
    broker.frozen_until = boot_time{0};
    if (store_up_) tell(index, store_link{true});
}

void simulation::restart_store() {
    store_up_ = true;
    ++store_life_;
    store_.restarted(wall());
    for (int i = 0; i < static_cast<int>(brokers_.size()); ++i) tell(i, store_link{true});
}

// ---- brokers ----------------------------------------------------------------------------------

// A frozen broker finds what came meanwhile, in order; its next timer wakes it.
void simulation::tell(int index, event what) {
    auto& broker = brokers_[static_cast<std::size_t>(index)];
    broker.inbox.push_back(std::move(what));
    if (broker.frozen_until > now_) return;
    while (!broker.inbox.empty()) {
        event next = std::move(broker.inbox.front());
        broker.inbox.pop_front();
        const effects all = broker.it->handle(std::move(next), now_);
        check_credits(index);
        for (const effect& one : all) carry(index, one);
    }
}

void simulation::check_credits(int index) {
    for (const auto& [connection, one] :
         brokers_[static_cast<std::size_t>(index)].it->workers().all()) {
        if (one.jobs.size() + one.reserved > one.who.window)
            problem(connection + ": over its window");
        if (one.frames.size() > one.who.frame_window) problem(connection + ": too many frames");
        const auto sent = std::count_if(one.jobs.begin(), one.jobs.end(),
                                        [](const auto& job) { return job.second.n > 0; });
        if (one.has_solo() && sent > 1) problem(connection + ": a solo job in company");
    }
}

// A call on its way, run, and its reply on the way back; either way may break.
void simulation::ask_store(int index, std::function<event()> run, std::function<event()> broken) {
    const int life = brokers_[static_cast<std::size_t>(index)].life, store_life = store_life_;
    const auto reply = [this, index, life](event what) {
        if (brokers_[static_cast<std::size_t>(index)].life == life) tell(index, std::move(what));
    };
    const bool lost = faults_ && chance(2);
    after(milliseconds(draw(0, 10)), [=, this] {
        if (!store_up_ || store_life != store_life_) return reply(broken());
        event outcome = run();
        after(milliseconds(draw(0, 10)), [=, this, outcome = std::move(outcome)] {
            reply(lost || store_life != store_life_ ? broken() : outcome);
        });
    });
}

void simulation::carry(int index, const effect& what) {
    const auto gone = [] { return fail(errc::unknown_outcome, "the connection broke"); };
    if (const auto* message = std::get_if<to_worker>(&what)) {
        send_to_worker(index, *message);
    } else if (const auto* said = std::get_if<to_api>(&what)) {
        const auto* answer = std::get_if<protocol::answer>(&said->what);
        if (answer == nullptr) return;
        if (++frames_.at(answer->frame_id).answers > 1) problem(answer->frame_id + ": two answers");
    } else if (std::holds_alternative<prepare_store>(what)) {
        ask_store(
            index, [this] { return store_prepared{wall()}; },
            [gone] { return store_prepared{gone()}; });
    } else if (std::holds_alternative<check_store>(what)) {
        ask_store(
            index, [] { return store_checked{}; }, [gone] { return store_checked{gone()}; });
    } else if (const auto* call = std::get_if<lease>(&what)) {
        ask_store(
            index,
            [this, c = *call] {
                return leased{c.ticket, store_.lease(c.request, wall())};
            },
            [gone, c = *call] {
                return leased{c.ticket, gone()};
            });
    } else if (const auto* back = std::get_if<hand_back>(&what)) {
        ask_store(
            index,
            [this, b = *back] {
                store_.hand_back(b.attempt, b.worker_id);
                return tick{};
            },
            [] { return tick{}; });
    } else if (const auto* loss = std::get_if<report_lost>(&what)) {
        ask_store(
            index,
            [this, l = *loss] {
                return loss_reported{l.worker_id, l.connection,
                                     store_.worker_lost(l.worker_id, std::stoull(l.connection))};
            },
            [gone, l = *loss] {
                return loss_reported{l.worker_id, l.connection, gone()};
            });
    } else if (const auto* due = std::get_if<run_duty>(&what)) {
        ask_store(
            index,
            [this, d = *due] {
                moved done;
                if (d.which == duty::reap) done = store_.reap(d.expected_now, wall());
                if (d.which == duty::barrier) done = store_.barrier(d.expected_now, wall());
                return duty_done{d.which, done};
            },
            [gone, d = *due] {
                return duty_done{d.which, gone()};
            });
    } else if (const auto* read = std::get_if<read_gallery>(&what)) {
        ask_store(
            index,
            [r = *read] {
                return gallery_read{r.collection, gallery_version{1}};
            },
            [gone, r = *read] {
                return gallery_read{r.collection, gone()};
            });
    }
}

}  // namespace vultus::broker::testing
