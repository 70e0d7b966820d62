// Workers: who is there and what each has in hand. See core.hpp; core_leases.cpp has how jobs come.
#include <algorithm>

#include "broker/core.hpp"

namespace vultus::broker {

void core::on(const received& arrived) {
    if (arrived.from == side::worker) {
        from_worker(arrived.connection, arrived.what);
    } else {
        from_api(arrived.connection, arrived.what);
    }
}

void core::from_worker(const std::string& connection, const protocol::message& what) {
    if (const auto* hello = std::get_if<protocol::ready>(&what)) {
        ready_worker(connection, *hello);
        return;
    }
    worker* known = workers_.by_connection(connection);
    if (known == nullptr) {
        // After a restart of this broker, or given up before: it opens a new socket and READYs.
        if (!std::holds_alternative<protocol::bye>(what)) {
            out(to_worker{connection, protocol::bye{"unknown"}});
        }
        return;
    }
    known->last_seen = now_;
    if (const auto* news = std::get_if<protocol::worker_heartbeat>(&what)) {
        heartbeat(*known, *news);
    } else if (const auto* finished = std::get_if<protocol::done>(&what)) {
        done(*known, *finished);
    } else if (const auto* reply = std::get_if<protocol::answer>(&what)) {
        answer_in(*known, *reply);
    } else if (std::holds_alternative<protocol::drain>(what)) {
        if (!known->draining) remark(log::level::info, "worker_draining", known->who.worker_id);
        known->draining = true;
    } else if (std::holds_alternative<protocol::bye>(what)) {
        remark(log::level::info, "worker_left", known->who.worker_id);
        forget(connection);
    }
}

void core::ready_worker(const std::string& connection, const protocol::ready& hello) {
    if (worker* known = workers_.by_connection(connection)) {
        known->last_seen = now_;  // repeated on the way
        return;
    }
    const std::string& id = hello.worker_id;
    const std::uint64_t number = connection_number_of(connection);
    const bool named_well = !id.empty() && id.size() <= limits::worker_id_bytes &&
                            connection.compare(0, id.size() + 1, id + ".") == 0 && number > 0;
    if (!named_well) {
        out(to_worker{connection, protocol::bye{"malformed"}});
        return;
    }
    if (worker* before = workers_.by_id(id)) {
        if (number <= before->connection_number) return;  // an old message, late
        forget(before->connection);
    }
    if (workers_.all().size() >= limits::workers) {
        out(to_worker{connection, protocol::bye{"full"}});
        return;
    }
    worker fresh;
    fresh.who = hello;
    fresh.who.window = std::min(hello.window, window_max);
    fresh.who.frame_window = std::min(hello.frame_window, window_max);
    fresh.connection = connection;
    fresh.connection_number = number;
    fresh.last_seen = now_;
    for (const attempt_id& attempt : hello.running) {
        if (fresh.jobs.size() >= fresh.who.window) break;  // what is beyond has no credit to give
        fresh.jobs[attempt] = sent_job{0, now_, false, {}};
    }
    worker& placed = workers_.add(std::move(fresh));
    for (const auto& [collection, version] : hello.galleries) {
        hold_gallery(placed, collection);
        const auto told = placed.galleries.find(collection);
        if (told != placed.galleries.end()) told->second.version = version;
    }
    remark(log::level::info, "worker_ready", id, "window " + std::to_string(placed.who.window));
    beat(placed);  // it learns the interval at once
    versions_at_ = std::min(versions_at_, now_);
    expect(1);
}

void core::heartbeat(worker& one, const protocol::worker_heartbeat& news) {
    one.load = news.load;
    if (!one.reconcile(news, now_).empty()) credit_back(one);
}

void core::done(worker& one, const protocol::done& what) {
    const auto found = one.jobs.find({what.job_id, what.attempt});
    if (found == one.jobs.end()) return;
    const std::string collection = std::move(found->second.collection);
    one.jobs.erase(found);
    credit_back(one);
    if (what.state == name_of(job_state::publishing) && ready() && news_.changed(collection)) {
        out(read_gallery{collection});
    }
}

void core::lose_silent() {
    std::vector<std::string> silent;
    for (const auto& [connection, one] : workers_.all()) {
        if (now_ - one.last_seen > limits::heartbeat * limits::heartbeats_missed) {
            silent.push_back(connection);
        }
    }
    for (const std::string& connection : silent) mark_lost(connection, "silent");
}

void core::mark_lost(const std::string& connection, const std::string& why) {
    const worker* one = workers_.by_connection(connection);
    if (one == nullptr) return;
    remark(log::level::warning, "worker_lost", one->who.worker_id, why);
    out(report_lost{one->who.worker_id, std::to_string(one->connection_number)});
    forget(connection);
}

// By value: the caller's name may be the one in the worker that is removed here.
void core::forget(std::string connection) {
    const worker* one = workers_.by_connection(connection);
    if (one == nullptr) return;
    for (const auto& [collection, told] : one->galleries) news_.dropped(collection);
    workers_.remove(connection);
    answer_all(frames_.take_back(connection), errc::no_worker, "Two workers lost with this photo");
}

void core::on(const send_failed& failure) {
    if (failure.unreachable) {
        mark_lost(failure.connection, "unreachable");
        return;
    }
    worker* one = workers_.by_connection(failure.connection);
    if (one == nullptr) return;
    if (const auto* sent = std::get_if<protocol::job>(&failure.what)) {
        one->pause_until = now_ + limits::sweep;
        for (const leased_job& job : sent->jobs) {
            if (one->jobs.erase({job.job_id, job.attempt}) == 0) continue;
            out(hand_back{{job.job_id, job.attempt}, one->who.worker_id});
        }
    } else if (const auto* live = std::get_if<protocol::frame>(&failure.what)) {
        one->frames.erase(live->frame_id);
        if (auto held = frames_.answered(live->frame_id, live->attempt, one->connection)) {
            answer_all({*held}, errc::queue_full, "Worker queue full");
        }
    }
}

void core::on(const loss_reported& reply) {
    if (!reply.outcome || reply.outcome->count == 0) return;  // what is left is reaped
    expect(reply.outcome->count);
    if (reply.outcome->again) out(report_lost{reply.worker_id, reply.connection});
}

void core::hold_gallery(worker& one, const std::string& collection) {
    const auto [place, fresh] = one.galleries.try_emplace(collection);
    place->second.used = ++uses_;
    if (!fresh) return;
    place->second.version = news_.version_of(collection);
    news_.held(collection);
    if (one.galleries.size() <= galleries_told_max) return;
    const auto oldest = std::min_element(
        one.galleries.begin(), one.galleries.end(),
        [](const auto& a, const auto& b) { return a.second.used < b.second.used; });
    news_.dropped(oldest->first);
    one.galleries.erase(oldest);
}

void core::from_api(const std::string& connection, const protocol::message& what) {
    if (const auto* hint = std::get_if<protocol::submit>(&what)) {
        submitted_ += hint->job_ids.size();
        for (demand& one : demand_) one.jobs += hint->job_ids.size();
        versions_at_ = std::min(versions_at_, std::max(now_, news_last_ + version_read_pause));
        if (now_ >= versions_at_) read_versions();
    } else if (const auto* live = std::get_if<protocol::frame>(&what)) {
        frame_in(connection, *live);
    } else if (const auto* ask = std::get_if<protocol::status_request>(&what)) {
        status(connection, *ask);
    } else if (const auto* leave = std::get_if<protocol::drain_worker>(&what)) {
        drain_worker(*leave);
    } else if (const auto* wish = std::get_if<protocol::cancel_request>(&what)) {
        cancel(*wish);
    }
}

void core::cancel(const protocol::cancel_request& wish) {
    for (const auto& [connection, one] : workers_.all()) {
        for (auto job = one.jobs.lower_bound({wish.job_id, 0});
             job != one.jobs.end() && job->first.job_id == wish.job_id; ++job) {
            out(to_worker{connection, protocol::cancel{wish.job_id, job->first.attempt}});
        }
    }
}

void core::drain_worker(const protocol::drain_worker& leave) {
    worker* one = workers_.by_id(leave.worker_id);
    if (one == nullptr) return;
    one->asked_to_drain = true;  // said again with each heartbeat until it answers DRAIN
    out(to_worker{one->connection, protocol::drain{"operator"}});
}

void core::status(const std::string& connection, const protocol::status_request& ask) {
    protocol::status_reply reply;
    reply.request_id = ask.request_id;
    reply.broker_id = options_.broker_id;
    for (const auto& [routing_id, one] : workers_.all()) {
        protocol::worker_status line;
        line.worker_id = one.who.worker_id;
        line.host = one.who.host;
        line.device = one.who.device;
        line.build = one.who.build;
        line.state = one.draining || one.asked_to_drain ? "draining" : "ready";
        line.pid = one.who.pid;
        line.window = one.who.window;
        line.outstanding = static_cast<std::uint32_t>(one.jobs.size());
        line.frames = static_cast<std::uint32_t>(one.frames.size());
        line.last_seen_ms = (now_ - one.last_seen).count();
        for (const auto& [collection, told] : one.galleries) {
            line.galleries[collection] = told.version.value_or(0);
        }
        line.gpu = one.who.gpu;
        line.load = one.load;
        reply.workers.push_back(std::move(line));
    }
    reply.frames_waiting = frames_.waiting();
    reply.frame_bytes = frames_.bytes();
    reply.refused_peers = refused_;
    out(to_api{connection, std::move(reply)});
}

}  // namespace vultus::broker
