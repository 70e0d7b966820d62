// The table of frames. See frame_table.hpp.
#include "broker/frame_table.hpp"

#include <algorithm>

#include "shared/base/require.hpp"

namespace vultus::broker {

frame_table::frame_table(std::string broker_id, frame_bounds bounds)
    : broker_id_(std::move(broker_id)), bounds_(bounds) {}

bool frame_table::fits(const std::string& api, std::size_t bytes) const {
    const auto used = bytes_of_api_.find(api);
    const std::size_t of_api = used == bytes_of_api_.end() ? 0 : used->second;
    return frames_.size() < bounds_.count && bytes_ + bytes <= bounds_.bytes &&
           of_api + bytes <= bounds_.bytes_of_api;
}

frame_table::added frame_table::add(const std::string& api, protocol::frame what,
                                    boot_time deadline) {
    added reply;
    if (by_api_.count({api, what.frame_id}) > 0) {
        reply.is = outcome::repeated;
        return reply;
    }
    const std::size_t size = what.image.size();
    if (!what.live_id.empty()) {
        // First displaces the older frame of this channel, then, oldest first, those of any
        // channel.
        const std::deque<std::string> queued = waiting_;
        for (const std::string& id : queued) {
            const held_frame& other = frames_.at(id);
            if (other.api == api && other.what.live_id == what.live_id) {
                reply.displaced.push_back(*remove(id));
            }
        }
        for (const std::string& id : queued) {
            if (fits(api, size)) break;
            const auto found = frames_.find(id);
            if (found == frames_.end() || found->second.what.live_id.empty()) continue;
            reply.displaced.push_back(*remove(id));
        }
    }
    if (!fits(api, size)) {
        reply.is = outcome::no_room;
        return reply;
    }
    held_frame entry{api, what.frame_id, {}, deadline, std::move(what)};
    entry.what.frame_id = broker_id_ + "-" + std::to_string(++counter_);
    entry.what.attempt = 0;
    const std::string id = entry.what.frame_id;
    by_api_[{api, entry.api_frame_id}] = id;
    deadlines_.emplace(deadline, id);
    bytes_ += size;
    if (size > 0) bytes_of_api_[api] += size;
    frames_.emplace(id, std::move(entry));
    waiting_.push_back(id);
    return reply;
}

std::optional<std::string> frame_table::next_waiting(const std::set<frame_need>& without) const {
    for (const std::string& id : waiting_) {
        if (without.empty() || !without.contains(need_of(id))) return id;
    }
    return std::nullopt;
}

frame_need frame_table::need_of(const std::string& frame_id) const {
    const protocol::frame& what = frames_.at(frame_id).what;
    return {{what.detector, what.embedder}, what.type};
}

device_kind frame_table::device_for(const std::string& frame_id) const {
    return preferred_device(frames_.at(frame_id).what.detector);
}

const held_frame& frame_table::give(const std::string& frame_id, const std::string& worker) {
    const auto place = std::find(waiting_.begin(), waiting_.end(), frame_id);
    VULTUS_REQUIRE(place != waiting_.end(), "frame is not waiting");
    waiting_.erase(place);
    held_frame& entry = frames_.at(frame_id);
    entry.worker = worker;
    ++entry.what.attempt;
    return entry;
}

std::vector<held_frame> frame_table::take_back(const std::string& worker) {
    std::vector<std::string> ids;
    for (const auto& [id, entry] : frames_) {
        if (entry.worker == worker) ids.push_back(id);
    }
    std::vector<held_frame> over;
    for (const std::string& id : ids) {
        held_frame& entry = frames_.at(id);
        entry.worker.clear();
        if (entry.what.attempt >= frame_attempts_max) {
            over.push_back(*remove(id));
        } else {
            waiting_.push_front(id);
        }
    }
    return over;
}

held_frame* frame_table::held_by(const std::string& frame_id, std::uint64_t attempt,
                                 const std::string& worker) {
    const auto found = frames_.find(frame_id);
    if (found == frames_.end()) return nullptr;
    held_frame& entry = found->second;
    return entry.worker == worker && entry.what.attempt == attempt ? &entry : nullptr;
}

bool frame_table::handed_back(const std::string& frame_id, std::uint64_t attempt,
                              const std::string& worker) {
    held_frame* const entry = held_by(frame_id, attempt, worker);
    if (entry == nullptr) return false;
    entry->worker.clear();
    waiting_.push_front(frame_id);
    return true;
}

std::optional<held_frame> frame_table::answered(const std::string& frame_id, std::uint64_t attempt,
                                                const std::string& worker) {
    if (held_by(frame_id, attempt, worker) == nullptr) return std::nullopt;
    return remove(frame_id);
}

std::optional<held_frame> frame_table::remove(const std::string& frame_id) {
    const auto found = frames_.find(frame_id);
    if (found == frames_.end()) return std::nullopt;
    held_frame entry = std::move(found->second);
    frames_.erase(found);
    if (entry.worker.empty()) std::erase(waiting_, frame_id);
    by_api_.erase({entry.api, entry.api_frame_id});
    deadlines_.erase({entry.deadline, frame_id});
    const std::size_t size = entry.what.image.size();
    bytes_ -= size;
    if (size > 0 && (bytes_of_api_[entry.api] -= size) == 0) bytes_of_api_.erase(entry.api);
    return entry;
}

std::vector<held_frame> frame_table::expired(boot_time now) {
    std::vector<held_frame> over;
    while (!deadlines_.empty() && deadlines_.begin()->first <= now) {
        const std::string id = deadlines_.begin()->second;
        over.push_back(*remove(id));
    }
    return over;
}

std::vector<held_frame> frame_table::remove_waiting() {
    std::vector<held_frame> over;
    while (!waiting_.empty()) {
        const std::string id = waiting_.front();
        over.push_back(*remove(id));
    }
    return over;
}

std::vector<held_frame> frame_table::remove_waiting_for(const frame_need& need) {
    std::vector<held_frame> over;
    const std::deque<std::string> queued = waiting_;
    for (const std::string& id : queued) {
        if (need_of(id) == need) over.push_back(*remove(id));
    }
    return over;
}

std::vector<held_frame> frame_table::remove_all() {
    std::vector<held_frame> over;
    while (!frames_.empty()) {
        const std::string id = frames_.begin()->first;
        over.push_back(*remove(id));
    }
    return over;
}

boot_time frame_table::next_deadline() const noexcept {
    return deadlines_.empty() ? boot_time::max() : deadlines_.begin()->first;
}

}  // namespace vultus::broker
