// Messages of workers and apis: who is connected and what each worker has outstanding. See
// core.hpp.
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
        join(connection, *hello);
        return;
    }
    worker* known = workers_.by_connection(connection);
    if (known == nullptr) {
        // This broker was restarted or gave the worker up: it must open new sockets and send READY.
        if (!std::holds_alternative<protocol::bye>(what)) {
            out(to_worker{connection, protocol::bye{"unknown"}});
        }
        return;
    }
    known->last_seen = now_;
    if (const auto* beat = std::get_if<protocol::worker_heartbeat>(&what)) {
        heartbeat(*known, *beat);
    } else if (const auto* finished = std::get_if<protocol::done>(&what)) {
        done(*known, *finished);
    } else if (const auto* reply = std::get_if<protocol::answer>(&what)) {
        frames_.answer(*known, *reply, out_);
    } else if (std::holds_alternative<protocol::drain>(what)) {
        if (!known->draining) remark(log::level::info, "worker_draining", known->who.worker_id);
        known->draining = true;
    } else if (std::holds_alternative<protocol::bye>(what)) {
        remark(log::level::info, "worker_left", known->who.worker_id);
        remove(connection);
    }
}

void core::join(const std::string& connection, const protocol::ready& hello) {
    if (worker* known = workers_.by_connection(connection)) {
        known->last_seen = now_;  // a repeated READY
        return;
    }
    const std::string& id = hello.worker_id;
    const std::uint64_t number = connection_number_of(connection);
    const bool well_named = !id.empty() && id.size() <= limits::worker_id_bytes &&
                            connection.compare(0, id.size() + 1, id + ".") == 0 && number > 0;
    if (!well_named) {
        out(to_worker{connection, protocol::bye{"malformed"}});
        return;
    }
    if (worker* before = workers_.by_id(id)) {
        if (number <= before->connection_number) return;  // a late message of an older connection
        remove(before->connection);
    }
    if (workers_.all().size() >= limits::workers) {
        out(to_worker{connection, protocol::bye{"full"}});
        return;
    }
    worker& placed = workers_.add(worker_of(hello, connection, number, now_));
    for (const auto& [collection, version] : hello.galleries) {
        galleries_.hold(placed, collection, version);
    }
    remark(log::level::info, "worker_ready", id, "window " + std::to_string(placed.who.window));
    beat(placed);  // so that it gets the interval at once
    galleries_.read_soon(now_);
    leases_.expect(1);
}

void core::heartbeat(worker& one, const protocol::worker_heartbeat& message) {
    one.load = message.load;
    if (!one.reconcile(message, now_).empty()) leases_.credit_freed(one);
}

void core::done(worker& one, const protocol::done& what) {
    const auto found = one.jobs.find({what.job_id, what.attempt});
    if (found == one.jobs.end()) return;
    const std::string collection = std::move(found->second.collection);
    one.jobs.erase(found);
    leases_.credit_freed(one);
    if (what.state == name_of(job_state::publishing)) {
        galleries_.changed(collection, ready(), out_);
    }
}

void core::lose_silent() {
    for (const std::string& connection : workers_.silent(now_)) mark_lost(connection, "silent");
}

void core::mark_lost(const std::string& connection, const std::string& why) {
    const worker* one = workers_.by_connection(connection);
    if (one == nullptr) return;
    remark(log::level::warning, "worker_lost", one->who.worker_id, why);
    out(report_lost{one->who.worker_id, std::to_string(one->connection_number)});
    remove(connection);
}

// By value: the caller's string may be a member of the worker that is removed here.
void core::remove(std::string connection) {
    const worker* one = workers_.by_connection(connection);
    if (one == nullptr) return;
    galleries_.release(*one);
    workers_.remove(connection);
    frames_.worker_left(connection, out_);
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
    } else if (const auto* frame = std::get_if<protocol::frame>(&failure.what)) {
        frames_.not_sent(*one, *frame, out_);
    }
}

void core::on(const loss_reported& reply) {
    if (!reply.outcome || reply.outcome->count == 0) return;  // the rest is reaped
    leases_.expect(reply.outcome->count);
    if (reply.outcome->again) out(report_lost{reply.worker_id, reply.connection});
}

void core::from_api(const std::string& connection, const protocol::message& what) {
    if (const auto* hint = std::get_if<protocol::submit>(&what)) {
        leases_.submitted(hint->job_ids.size());
        workers_.jobs_arrived();
        galleries_.submitted(now_, ready(), out_);
    } else if (const auto* frame = std::get_if<protocol::frame>(&what)) {
        frames_.accept(connection, *frame, workers_, now_, out_);
    } else if (const auto* request = std::get_if<protocol::status_request>(&what)) {
        status(connection, *request);
    } else if (const auto* leave = std::get_if<protocol::drain_worker>(&what)) {
        drain_worker(*leave);
    } else if (const auto* unwanted = std::get_if<protocol::cancel_request>(&what)) {
        cancel(*unwanted);
    }
}

void core::cancel(const protocol::cancel_request& request) {
    for (const auto& [connection, one] : workers_.all()) {
        for (auto job = one.jobs.lower_bound({request.job_id, 0});
             job != one.jobs.end() && job->first.job_id == request.job_id; ++job) {
            out(to_worker{connection, protocol::cancel{request.job_id, job->first.attempt}});
        }
    }
}

void core::drain_worker(const protocol::drain_worker& request) {
    worker* one = workers_.by_id(request.worker_id);
    if (one == nullptr) return;
    one->asked_to_drain = true;  // repeated with each heartbeat until the worker sends DRAIN
    out(to_worker{one->connection, protocol::drain{"operator"}});
}

void core::status(const std::string& connection, const protocol::status_request& request) {
    protocol::status_reply reply;
    reply.request_id = request.request_id;
    reply.broker_id = options_.broker_id;
    for (const auto& [routing_id, one] : workers_.all()) {
        reply.workers.push_back(one.status(now_));
    }
    reply.frames_waiting = frames_.table().waiting();
    reply.frame_bytes = frames_.table().bytes();
    reply.refused_peers = refused_;
    reply.turn_cpu_us = static_cast<std::uint64_t>(longest_turn_.cpu.count());
    reply.turn_wall_us = static_cast<std::uint64_t>(longest_turn_.wall.count());
    out(to_api{connection, std::move(reply)});
}

}  // namespace vultus::broker
