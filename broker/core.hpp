// The broker's decisions: which worker leases how many jobs, who is lost, where a frame goes, what
// the clock asks for. Pure: handle(event, now) changes the state and returns what to do; no socket,
// no Redis, no clock, no log, no thread. server.cpp carries the effects out. The core passes each
// event to the parts that keep the state: worker_table, lease_planner, frame_router,
// gallery_notifier and store_duties.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

#include "broker/events.hpp"
#include "broker/frame_router.hpp"
#include "broker/gallery_notifier.hpp"
#include "broker/lease_planner.hpp"
#include "broker/store_duties.hpp"
#include "broker/worker_table.hpp"
#include "shared/base/clock.hpp"
#include "shared/base/limits.hpp"

namespace vultus::broker {

struct core_options {
    std::string broker_id = "broker";  ///< random, new for each start of a process
    std::chrono::milliseconds drain_timeout = limits::drain;
    frame_bounds frames;
};

/// threads   one owner
class core {
 public:
    explicit core(core_options options);

    /// Handles one event, then does what is due at `now`. `now` never decreases between calls.
    effects handle(event what, boot_time now);

    /// The latest moment for the next handle(tick).
    boot_time next_timer() const noexcept;

    bool ready() const noexcept { return store_.ready(); }  ///< Redis can be used
    const worker_table& workers() const noexcept { return workers_; }
    const frame_table& frames() const noexcept { return frames_.table(); }
    std::size_t leases_in_progress() const noexcept { return leases_.in_progress(); }

 private:
    // core.cpp: the clock, Redis, the drain
    void on(const tick&) {}
    void on(const undecodable&);
    void on(const store_link&);
    void on(const store_prepared&);
    void on(const store_checked&);
    void on(const duty_done&);
    void on(const gallery_read&);
    void on(const peers_refused& more) { refused_ += more.count; }
    void on(const turn_measured& longest) { longest_turn_ = longest; }
    void on(const leased&);
    void on(const stop&);
    void run_due();
    void sweep();
    void beat_all();
    void beat(const worker&);
    void continue_drain();

    // core_messages.cpp: what workers and apis send
    void on(const received&);
    void on(const send_failed&);
    void on(const loss_reported&);
    void from_worker(const std::string& connection, const protocol::message&);
    void from_api(const std::string& connection, const protocol::message&);
    void join(const std::string& connection, const protocol::ready&);
    void heartbeat(worker&, const protocol::worker_heartbeat&);
    void done(worker&, const protocol::done&);
    void mark_lost(const std::string& connection, const std::string& why);
    void remove(std::string connection);
    void lose_silent();
    void cancel(const protocol::cancel_request&);
    void drain_worker(const protocol::drain_worker&);
    void status(const std::string& connection, const protocol::status_request&);

    void out(effect what) { out_.push_back(std::move(what)); }
    void remark(log::level, std::string what, std::string who = {}, std::string detail = {});

    const core_options options_;
    boot_time now_{0};
    effects out_;  ///< of the current event

    worker_table workers_;
    frame_router frames_;
    gallery_notifier galleries_;
    lease_planner leases_;
    store_duties store_;

    boot_time sweep_at_{0}, beat_at_{0};
    std::uint64_t refused_ = 0;  ///< connections that the ZAP handler refused
    turn_measured longest_turn_;
    bool draining_ = false, finished_ = false;
    boot_time drain_until_{0};
};

}  // namespace vultus::broker
