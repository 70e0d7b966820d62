// See frame_router.hpp.
#include "broker/frame_router.hpp"

#include <algorithm>
#include <set>

#include "shared/base/limits.hpp"

namespace vultus::broker {

frame_router::frame_router(std::string broker_id, frame_bounds bounds)
    : frames_(std::move(broker_id), bounds) {}

void frame_router::refuse(const std::string& api, const std::string& frame_id, errc why,
                          const std::string& detail, effects& out) {
    protocol::answer reply;
    reply.frame_id = frame_id;
    reply.error = name_of(why);
    reply.detail = detail;
    out.push_back(to_api{api, std::move(reply)});
}

void frame_router::refuse(const std::vector<held_frame>& frames, errc why,
                          const std::string& detail, effects& out) {
    for (const held_frame& one : frames) refuse(one.api, one.api_frame_id, why, detail, out);
}

void frame_router::accept(const std::string& api, const protocol::frame& arrived,
                          const worker_table& workers, boot_time now, effects& out) {
    const std::string& id = arrived.frame_id;
    if (draining_) return refuse(api, id, errc::draining, "Broker is stopping", out);
    if (!workers.any_for_frame()) {
        return refuse(api, id, errc::no_worker, "No worker connected", out);
    }
    const std::string missing =
        workers.missing_for_frame({{arrived.detector, arrived.embedder}, arrived.type});
    if (!missing.empty()) return refuse(api, id, errc::no_worker, missing, out);
    if (arrived.deadline_ms <= 0) {
        return refuse(api, id, errc::deadline_exceeded, "Frame received too late", out);
    }
    if (arrived.image.size() > limits::body_bytes) {
        return refuse(api, id, errc::too_large, "Image is larger than the limit", out);
    }
    const boot_time patience =
        std::min(frame_deadline_max, std::chrono::milliseconds(arrived.deadline_ms));
    const frame_table::added place = frames_.add(api, arrived, now + patience);
    refuse(place.displaced, errc::queue_full, "Superseded by a newer frame", out);
    if (place.is == frame_table::outcome::no_room) {
        refuse(api, id, errc::queue_full, "Too many unstored photos in progress", out);
    }
}

void frame_router::route(worker_table& workers, gallery_notifier& galleries, boot_time now,
                         effects& out) {
    if (frames_.waiting() > 0 && !workers.any_for_frame()) {
        refuse(frames_.remove_waiting(), errc::no_worker, "No worker connected", out);
        return;
    }
    std::set<frame_need> busy;  // the workers that meet them have no room
    while (const std::optional<std::string> id = frames_.next_waiting(busy)) {
        const frame_need need = frames_.need_of(*id);
        worker* one = workers.next_for_frame(frames_.device_for(*id), need);
        if (one == nullptr) {
            const std::string missing = workers.missing_for_frame(need);
            if (missing.empty()) {
                busy.insert(need);
            } else {
                refuse(frames_.remove_waiting_for(need), errc::no_worker, missing, out);
            }
            continue;
        }
        const held_frame& held = frames_.give(*id, one->connection);
        one->frames[*id] = now;
        workers.count_turn(*one);
        protocol::frame message = held.what;
        message.deadline_ms = (held.deadline - now).count();
        galleries.hold(*one, message.collection);
        out.push_back(to_worker{one->connection, std::move(message)});
    }
}

void frame_router::answer(worker& one, const protocol::answer& reply, effects& out) {
    one.frames.erase(reply.frame_id);
    if (reply.error == name_of(errc::draining)) {
        one.draining = true;  // its DRAIN may arrive after this
        frames_.handed_back(reply.frame_id, reply.attempt, one.connection);
        return;
    }
    const auto held = frames_.answered(reply.frame_id, reply.attempt, one.connection);
    if (!held) return;  // too late, or answered by another worker
    protocol::answer forwarded = reply;
    forwarded.frame_id = held->api_frame_id;
    out.push_back(to_api{held->api, std::move(forwarded)});
}

void frame_router::expire(boot_time now, effects& out) {
    refuse(frames_.expired(now), errc::deadline_exceeded, "No worker answered in time", out);
}

void frame_router::not_sent(worker& one, const protocol::frame& what, effects& out) {
    one.frames.erase(what.frame_id);
    if (auto held = frames_.answered(what.frame_id, what.attempt, one.connection)) {
        refuse({*held}, errc::queue_full, "Worker queue full", out);
    }
}

void frame_router::worker_left(const std::string& connection, effects& out) {
    refuse(frames_.take_back(connection), errc::no_worker, "Two workers lost with this photo", out);
}

void frame_router::drain(effects& out) {
    draining_ = true;
    refuse(frames_.remove_waiting(), errc::draining, "Broker is stopping", out);
}

void frame_router::refuse_all(effects& out) {
    refuse(frames_.remove_all(), errc::draining, "Broker is stopping", out);
}

}  // namespace vultus::broker
