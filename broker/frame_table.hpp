// Live frames and requests that are never stored, from arrival until the answer or the deadline.
// Part of the core: pure bookkeeping with limits; frame_router sends.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "shared/base/clock.hpp"
#include "shared/base/limits.hpp"
#include "shared/model/model_names.hpp"
#include "shared/net/protocol.hpp"

namespace vultus::broker {

constexpr std::size_t frames_max = 4'096;        ///< in one broker, whatever their size
constexpr std::uint64_t frame_attempts_max = 2;  ///< sent again once if the worker is lost

struct held_frame {
    std::string api;           ///< connection that gets the answer
    std::string api_frame_id;  ///< as the api sent it
    std::string worker;        ///< connection that has the frame; empty: it waits
    boot_time deadline{0};
    protocol::frame what;  ///< frame_id is the broker's own, unique among all brokers
};

struct frame_bounds {
    std::size_t count = frames_max;
    std::size_t bytes = limits::frame_bytes_broker;
    std::size_t bytes_of_api = limits::frame_bytes_api;
};

/// threads   one owner
class frame_table {
 public:
    enum class outcome { waits, repeated, no_room };
    struct added {
        outcome is = outcome::waits;
        std::vector<held_frame> displaced;  ///< older live frames: refuse them
    };

    explicit frame_table(std::string broker_id, frame_bounds bounds = {});

    /// Queues a frame. A waiting frame of the same live channel is displaced by it; for a live
    /// frame without room also the oldest waiting live frames.
    added add(const std::string& api, protocol::frame what, boot_time deadline);

    /// The id of the first waiting frame whose need is not among these, if there is one.
    std::optional<std::string> next_waiting(const std::set<frame_need>& without = {}) const;
    /// What its worker must have. requires it is in the table
    frame_need need_of(const std::string& frame_id) const;
    /// The kind of device that suits the detector of that frame. requires it is in the table
    device_kind device_for(const std::string& frame_id) const;
    /// Removes it from the queue for that worker and counts the attempt. requires it waits
    const held_frame& give(const std::string& frame_id, const std::string& worker);
    /// The worker is gone: its frames go to the front of the queue; a frame that was sent twice is
    /// removed and returned.
    std::vector<held_frame> take_back(const std::string& worker);
    /// This worker returns this attempt unprocessed: to the front of the queue. False: it is not
    /// its.
    bool handed_back(const std::string& frame_id, std::uint64_t attempt, const std::string& worker);
    /// Removes the frame if this worker has this attempt of it.
    std::optional<held_frame> answered(const std::string& frame_id, std::uint64_t attempt,
                                       const std::string& worker);
    std::optional<held_frame> remove(const std::string& frame_id);
    std::vector<held_frame> expired(boot_time now);  ///< removed, deadline <= now
    std::vector<held_frame> remove_waiting();
    std::vector<held_frame> remove_waiting_for(const frame_need& need);
    std::vector<held_frame> remove_all();

    boot_time next_deadline() const noexcept;  ///< boot_time::max() if none
    bool empty() const noexcept { return frames_.empty(); }
    std::size_t waiting() const noexcept { return waiting_.size(); }
    std::size_t bytes() const noexcept { return bytes_; }
    const std::map<std::string, held_frame>& all() const noexcept { return frames_; }

 private:
    bool fits(const std::string& api, std::size_t bytes) const;
    /// The frame if this worker has this attempt of it, else null.
    held_frame* held_by(const std::string& frame_id, std::uint64_t attempt,
                        const std::string& worker);

    const std::string broker_id_;
    const frame_bounds bounds_;
    std::uint64_t counter_ = 0;
    std::map<std::string, held_frame> frames_;
    std::deque<std::string> waiting_;
    std::map<std::pair<std::string, std::string>, std::string> by_api_;  ///< api, its id -> ours
    std::set<std::pair<boot_time, std::string>> deadlines_;
    std::map<std::string, std::size_t> bytes_of_api_;
    std::size_t bytes_ = 0;
};

}  // namespace vultus::broker
