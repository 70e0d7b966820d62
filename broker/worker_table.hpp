// The connected workers of a broker, what each has outstanding, and which is next to get work. Pure
// bookkeeping: part of the core, no message is sent here.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "shared/base/clock.hpp"
#include "shared/model/job.hpp"
#include "shared/model/model_names.hpp"
#include "shared/net/protocol.hpp"

namespace vultus::broker {

constexpr std::uint32_t window_max = 4'096;  ///< larger claims of a READY are cut to this

constexpr double spill_share = 0.5;  ///< of the window, see next_for_frame()

/// When a worker takes jobs that suit the other kind of device (preferred_device()): if each worker
/// of that kind that could lease uses more than `busy` of its window, and until this worker has
/// `most` of its own window outstanding. The two rules differ because the costs do: work for CPUs
/// costs a worker with a GPU as much as any other; work for GPUs takes a CPU ten times as long or
/// more, so a GPU finishes half a window earlier than a CPU finishes one job.
struct spill_rule {
    double busy, most;
};
constexpr spill_rule cpu_work_on_gpu{0.0, 0.25}, gpu_work_on_cpu{0.5, 0.0625};

struct sent_job {
    std::uint64_t n = 0;  ///< of the JOB message; 0: listed in the worker's READY
    boot_time sent{0};
    bool solo = false;
    std::string collection;
};

struct announced_gallery {
    std::optional<gallery_version> version;  ///< the last one that either side sent
    std::uint64_t used = 0;                  ///< increases; the smallest is dropped first
};

/// A connected worker. Credits: jobs.size() + reserved never exceeds window.
struct worker {
    protocol::ready who;
    protocol::worker_load load;  ///< by its last HEARTBEAT
    std::string connection;
    std::uint64_t connection_number = 0;  ///< the part after the last dot
    boot_time last_seen{0};
    std::uint64_t last_n = 0;  ///< of the last JOB sent on this connection
    std::map<attempt_id, sent_job> jobs;
    std::map<std::string, boot_time> frames;             ///< outstanding frames -> when sent
    std::map<std::string, announced_gallery> galleries;  ///< collections it may hold
    std::uint64_t ticket = 0;                            ///< of its lease call in progress, 0: none
    std::uint32_t reserved = 0;                          ///< credits which that call may use
    std::uint64_t last_turn = 0;
    boot_time pause_until{0};
    boot_time lacks_until{0};     ///< the waiting jobs need models that it lacks
    bool draining = false;        ///< it sent DRAIN
    bool asked_to_drain = false;  ///< an operator asked it to drain

    std::uint32_t free() const noexcept;         ///< credits left
    std::uint32_t outstanding() const noexcept;  ///< jobs that it has
    bool has_solo() const noexcept;
    bool takes_work() const noexcept;  ///< neither leaving nor alone with a solo job
    bool runs(std::string_view type) const noexcept;
    /// Whether it has both; an empty name is any model. One that lists none is of an older version.
    bool has(const model_choice&) const noexcept;
    /// The same, and the type.
    bool meets(const frame_need&) const noexcept;
    bool takes_frames() const noexcept;  ///< now or once it has room
    bool has_gpu() const noexcept { return !who.gpu.empty(); }
    device_kind kind() const noexcept { return has_gpu() ? device_kind::gpu : device_kind::cpu; }

    /// Compares what the worker reports with what was sent, and removes what it does not have.
    /// returns   the attempts that ended: JOB was received (n <= last_n) and they are not reported,
    ///           or they were sent a lease ago and never reported
    std::vector<attempt_id> reconcile(const protocol::worker_heartbeat&, boot_time now);

    protocol::worker_status status(boot_time now) const;
};

/// What one call may lease for a worker.
struct lease_share {
    std::uint32_t most = 0;
    std::optional<device_kind> prefers;  ///< nothing: all workers are of one kind
    std::uint32_t spill = 0;             ///< of most, jobs for the other kind

    std::uint32_t of(device_kind which) const noexcept {
        return prefers.value_or(which) == which ? most : spill;
    }
};

/// The number after the last dot of a routing id, 0 if there is none.
std::uint64_t connection_number_of(std::string_view routing_id) noexcept;

/// A worker that sent READY. Its windows are limited to window_max, its jobs to its window.
worker worker_of(const protocol::ready&, const std::string& connection,
                 std::uint64_t connection_number, boot_time now);

/// threads   one owner
class worker_table {
 public:
    worker* by_connection(const std::string& connection);
    worker* by_id(const std::string& worker_id);
    worker& add(worker);  ///< requires id and connection to be new
    void remove(const std::string& connection);
    void count_turn(worker& one) noexcept { one.last_turn = ++turns_; }  ///< it gets work
    /// Connections from which nothing arrived for limits::heartbeats_missed intervals.
    std::vector<std::string> silent(boot_time now) const;

    /// The worker that may lease now and takes jobs of a wanted kind, with the smallest share of
    /// its window in use; among equals the one with a GPU, then the one that waited longest. Null:
    /// none.
    worker* next_for_lease(boot_time now, bool cpu_jobs, bool gpu_jobs);
    /// requires  that one may lease: it has a free credit
    lease_share share_of(const worker&, boot_time now) const;
    /// The same for a frame: a worker with what it needs, of the kind that suits it, unless workers
    /// of that kind use more of their windows than the other kind, by spill_share.
    worker* next_for_frame(device_kind suits, const frame_need& need);
    /// True if some worker could take a frame, now or once it has room.
    bool any_for_frame() const noexcept;
    /// Why no worker that takes frames meets the need: one line, which names the model that none
    /// has (the embedder if some have each of the two and none has both) or the type. Empty: one
    /// does. requires  any_for_frame()
    std::string missing_for_frame(const frame_need& need) const;
    /// New jobs arrived: each worker may have models for them.
    void jobs_arrived() noexcept;
    /// True if some workers have a GPU and some have none.
    bool mixed() const noexcept;

    std::map<std::string, worker>& all() noexcept { return workers_; }  ///< by connection
    const std::map<std::string, worker>& all() const noexcept { return workers_; }

 private:
    std::size_t leasable(boot_time now) const noexcept;  ///< how many could lease now
    std::uint32_t spill(const worker&, boot_time now) const noexcept;

    std::uint64_t turns_ = 0;
    std::map<std::string, worker> workers_;
    std::map<std::string, std::string> connection_of_;  ///< worker_id -> connection
};

}  // namespace vultus::broker
