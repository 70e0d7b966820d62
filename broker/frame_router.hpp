// Routes frames: live pictures and requests that are never stored, from an api to a worker and the
// answer back. Part of the core: pure, on top of frame_table; see there for limits and retries.
#pragma once

#include <chrono>
#include <string>
#include <vector>

#include "broker/events.hpp"
#include "broker/frame_table.hpp"
#include "broker/gallery_notifier.hpp"
#include "broker/worker_table.hpp"
#include "shared/base/clock.hpp"

namespace vultus::broker {

constexpr std::chrono::milliseconds frame_deadline_max{30'000};

/// threads   one owner
class frame_router {
 public:
    frame_router(std::string broker_id, frame_bounds bounds);

    /// A frame from an api: it waits, or the api gets an answer with an error at once.
    void accept(const std::string& api, const protocol::frame&, const worker_table&, boot_time now,
                effects& out);
    /// Sends waiting frames to workers that have their models and room for one; what no worker has
    /// the models for is refused.
    void route(worker_table&, gallery_notifier&, boot_time now, effects& out);
    /// Forwards an answer, or queues a frame again that a draining worker returned.
    void answer(worker&, const protocol::answer&, effects& out);

    void expire(boot_time now, effects& out);  ///< refuses frames past their deadline
    void not_sent(worker&, const protocol::frame&, effects& out);  ///< its queue was full
    void worker_left(const std::string& connection, effects& out);
    void drain(effects& out);       ///< from now on refuses every frame, and those that wait
    void refuse_all(effects& out);  ///< also those at workers

    boot_time next_timer() const noexcept { return frames_.next_deadline(); }
    const frame_table& table() const noexcept { return frames_; }

 private:
    static void refuse(const std::string& api, const std::string& frame_id, errc,
                       const std::string& detail, effects& out);
    static void refuse(const std::vector<held_frame>&, errc, const std::string& detail,
                       effects& out);

    frame_table frames_;
    bool draining_ = false;
};

}  // namespace vultus::broker
