// Leases: how many jobs are probably pending, which worker leases how many of them, and how long
// the broker waits after a failed call. Part of the core: pure, owns no worker.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>

#include "broker/events.hpp"
#include "broker/worker_table.hpp"
#include "shared/base/clock.hpp"

namespace vultus::broker {

constexpr std::size_t leases_max = 4;  ///< lease calls in progress at one time
constexpr std::chrono::milliseconds backoff_min{100}, backoff_max{1'000};  ///< after a failed call

/// threads   one owner
class lease_planner {
 public:
    void expect(std::uint64_t jobs);   ///< so many jobs of each kind may be pending
    void submitted(std::size_t jobs);  ///< a SUBMIT named so many new jobs
    void credit_freed(const worker&);  ///< an attempt of this worker ended
    void reset_backoff() noexcept;     ///< Redis can be used again

    /// Starts lease calls while jobs are probably pending and a worker has a free credit.
    void plan(worker_table&, boot_time now, effects& out);

    struct granted {
        worker* to = nullptr;
        protocol::job message;  ///< its jobs are recorded in the worker; none: nothing to send
    };
    /// Ends the call of a reply. Jobs that its worker can no longer take are handed back.
    granted take(const leased& reply, worker_table&, boot_time now, effects& out);

    std::size_t in_progress() const noexcept { return calls_.size(); }
    /// The end of the pause after a failed call; boot_time::max() if there is none.
    boot_time next_timer(boot_time now) const noexcept;

 private:
    struct call {
        std::string worker_id;
        lease_share share;
        std::uint32_t outstanding = 0;
        std::uint64_t submitted = 0;  ///< submitted_ when it was sent
    };
    /// Jobs for one kind of device that are probably pending; calls in progress cover some of them.
    struct demand {
        std::uint64_t jobs = 0;
        bool deep = false;  ///< the last reply was full: more jobs are pending
    };

    bool is_wanted(device_kind) const;
    void update_demand(const call&, const leased_jobs&);
    void failed(const call&, const error&, worker*, boot_time now, effects& out);

    std::map<std::uint64_t, call> calls_;  ///< by ticket
    std::uint64_t tickets_ = 0;
    std::uint64_t submitted_ = 0;   ///< jobs named by all SUBMIT messages
    std::array<demand, 2> demand_;  ///< by device_kind
    bool blocked_ = false;          ///< a busy worker got too few jobs: perhaps a solo job is first
    boot_time pause_until_{0};
    std::chrono::milliseconds backoff_{0};
};

}  // namespace vultus::broker
