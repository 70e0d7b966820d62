// The broker's decisions: which worker leases how many jobs, who is lost, where a frame goes, what
// the clock asks for. Pure: handle(event, now) changes the state and returns what to do; no socket,
// no Redis, no clock, no log, no thread. server.cpp carries the effects out.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "broker/events.hpp"
#include "broker/frame_table.hpp"
#include "broker/gallery_versions.hpp"
#include "broker/worker_table.hpp"
#include "shared/base/clock.hpp"
#include "shared/base/limits.hpp"

namespace vultus::broker {

struct core_options {
    std::string broker_id = "broker";  ///< random, new for each start of a process
    std::chrono::milliseconds drain_timeout = limits::drain;
    frame_bounds frames;
};

constexpr std::size_t leases_max = 4;  ///< lease calls under way at once
constexpr std::chrono::milliseconds backoff_min{100}, backoff_max{1'000};  ///< after a failed call
constexpr std::chrono::milliseconds collect_idle{5'000};  ///< between gc calls that found nothing
constexpr std::chrono::milliseconds store_check{10'000};  ///< between two looks at its settings
constexpr std::chrono::milliseconds frame_deadline_max{30'000};

/// threads   one owner
class core {
 public:
    explicit core(core_options options);

    /// Takes one event, then does what is due at `now`. `now` never goes back between calls.
    effects handle(event what, boot_time now);

    /// The latest moment for the next handle(tick).
    boot_time next_timer() const noexcept;

    bool ready() const noexcept { return prepared_ && safe_ && link_up_; }  ///< Redis can be used
    const worker_table& workers() const noexcept { return workers_; }
    const frame_table& frames() const noexcept { return frames_; }
    std::size_t leases_under_way() const noexcept { return leases_.size(); }

 private:
    struct lease_under_way {
        std::string worker_id;
        lease_share share;
        std::uint32_t outstanding = 0;
        std::uint64_t submitted = 0;  ///< submitted_ when it was sent
    };
    /// Jobs for one kind of device that probably wait; leases under way cover some of them.
    struct demand {
        std::uint64_t jobs = 0;
        bool deep = false;  ///< the last lease came back full: more waits
    };
    struct timer {
        boot_time at{0};
        bool under_way = false;
        boot_time sent{0};  ///< the last call
    };

    // core.cpp: the store and the clock
    void on(const tick&) {}
    void on(const undecodable&);
    void on(const store_link&);
    void on(const store_prepared&);
    void on(const store_checked&);
    void on(const duty_done&);
    void on(const gallery_read&);
    void on(const peers_refused& more) { refused_ += more.count; }
    void on(const stop&);
    void due();
    void due_store();
    void run_duties();
    void beat_all();
    void beat(const worker&);
    void read_versions();
    void drain_further();
    unix_time expected_now() const noexcept;
    void heard_time(unix_time now_there, boot_time asked);

    // core_leases.cpp: leases
    void on(const leased&);
    void lease_more();
    bool is_wanted(device_kind) const;
    void learn_demand(const lease_under_way&, const leased_jobs&);
    void expect(std::uint64_t jobs);
    void credit_back(const worker&);

    // core_jobs.cpp: workers
    void on(const received&);
    void on(const send_failed&);
    void on(const loss_reported&);
    void from_worker(const std::string& connection, const protocol::message&);
    void from_api(const std::string& connection, const protocol::message&);
    void ready_worker(const std::string& connection, const protocol::ready&);
    void heartbeat(worker&, const protocol::worker_heartbeat&);
    void done(worker&, const protocol::done&);
    void mark_lost(const std::string& connection, const std::string& why);
    void forget(std::string connection);
    void lose_silent();
    void cancel(const protocol::cancel_request&);
    void hold_gallery(worker&, const std::string& collection);
    void status(const std::string& connection, const protocol::status_request&);
    void drain_worker(const protocol::drain_worker&);

    // core_frames.cpp
    void frame_in(const std::string& connection, const protocol::frame&);
    void answer_in(worker&, const protocol::answer&);
    void send_frames();
    void answer_all(const std::vector<held_frame>&, errc, const std::string& detail);
    void refuse_frame(const std::string& api, const std::string& frame_id, errc,
                      const std::string& detail);

    void out(effect what) { out_.push_back(std::move(what)); }
    void remark(log::level, std::string what, std::string who = {}, std::string detail = {});

    const core_options options_;
    boot_time now_{0};
    effects out_;  ///< of the event in hand

    worker_table workers_;
    frame_table frames_;
    gallery_versions news_;

    std::map<std::uint64_t, lease_under_way> leases_;
    std::uint64_t tickets_ = 0, turns_ = 0, uses_ = 0;
    std::uint64_t refused_ = 0;     ///< peers that were not let in
    std::uint64_t submitted_ = 0;   ///< jobs that SUBMIT ever named
    std::array<demand, 2> demand_;  ///< by device_kind
    bool blocked_ = false;          ///< a busy worker got too few: perhaps a solo job
    boot_time lease_pause_until_{0};
    std::chrono::milliseconds lease_backoff_{0};

    bool link_up_ = false, prepared_ = false, safe_ = true;
    std::string last_trouble_;  ///< said once, not with each try
    timer prepare_, check_, reap_, barrier_, collect_;
    boot_time sweep_at_{0}, beat_at_{0}, versions_at_{0}, news_last_{0};
    unix_time time_there_{0};  ///< Redis' clock, as last heard; 0: never
    boot_time time_heard_{0};  ///< when it was asked for
    bool time_sure_ = false;   ///< a duty said it: the time of the functions

    bool draining_ = false, finished_ = false;
    boot_time drain_until_{0};
};

}  // namespace vultus::broker
