// Frames: live pictures and requests that are never stored. See core.hpp and frame_table.hpp.
#include <algorithm>

#include "broker/core.hpp"

namespace vultus::broker {

void core::refuse_frame(const std::string& api, const std::string& frame_id, errc why,
                        const std::string& detail) {
    protocol::answer reply;
    reply.frame_id = frame_id;
    reply.error = name_of(why);
    reply.detail = detail;
    out(to_api{api, std::move(reply)});
}

void core::answer_all(const std::vector<held_frame>& over, errc why, const std::string& detail) {
    for (const held_frame& one : over) refuse_frame(one.api, one.api_frame_id, why, detail);
}

void core::frame_in(const std::string& connection, const protocol::frame& arrived) {
    const std::string& id = arrived.frame_id;
    if (draining_) return refuse_frame(connection, id, errc::draining, "Broker is stopping");
    if (!workers_.any_for_frame()) {
        return refuse_frame(connection, id, errc::no_worker, "No worker connected");
    }
    if (arrived.deadline_ms <= 0) {
        return refuse_frame(connection, id, errc::deadline_exceeded, "Frame received too late");
    }
    if (arrived.image.size() > limits::body_bytes) {
        return refuse_frame(connection, id, errc::too_large, "Image is larger than the limit");
    }
    const boot_time patience =
        std::min(frame_deadline_max, std::chrono::milliseconds(arrived.deadline_ms));
    const frame_table::added place = frames_.add(connection, arrived, now_ + patience);
    answer_all(place.displaced, errc::queue_full, "Superseded by a newer frame");
    if (place.is == frame_table::outcome::no_room) {
        refuse_frame(connection, id, errc::queue_full, "Too many unstored photos in progress");
    }
}

void core::send_frames() {
    if (frames_.waiting() > 0 && !workers_.any_for_frame()) {
        answer_all(frames_.remove_waiting(), errc::no_worker, "No worker connected");
        return;
    }
    while (const std::optional<std::string> id = frames_.next_waiting()) {
        worker* one = workers_.next_for_frame(frames_.device_for(*id));
        if (one == nullptr) return;
        const held_frame& held = frames_.give(*id, one->connection);
        one->frames[*id] = now_;
        one->last_turn = ++turns_;
        protocol::frame message = held.what;
        message.deadline_ms = (held.deadline - now_).count();
        hold_gallery(*one, message.collection);
        out(to_worker{one->connection, std::move(message)});
    }
}

void core::answer_in(worker& one, const protocol::answer& reply) {
    one.frames.erase(reply.frame_id);
    if (reply.error == name_of(errc::draining)) {
        one.draining = true;  // its DRAIN may be behind this
        frames_.handed_back(reply.frame_id, reply.attempt, one.connection);
        return;
    }
    const auto held = frames_.answered(reply.frame_id, reply.attempt, one.connection);
    if (!held) return;  // too late, or answered by another
    protocol::answer onward = reply;
    onward.frame_id = held->api_frame_id;
    out(to_api{held->api, std::move(onward)});
}

}  // namespace vultus::broker
