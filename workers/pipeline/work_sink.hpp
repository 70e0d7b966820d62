// The interface between the session and the work, and the messages back. The session handles no
// pictures: the pipeline and the null worker of the queue bench implement the same interface.
#pragma once

#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "shared/base/clock.hpp"
#include "shared/model/job.hpp"
#include "shared/net/protocol.hpp"
#include "shared/store/worker_store.hpp"

namespace vultus {

/// Set by the session when work is no longer needed (cancelled, lost, fenced), and read by each
/// stage before it acts. One writer, many readers; never cleared.
class drop_flag {
 public:
    void set() noexcept { value_.store(true, std::memory_order_relaxed); }
    bool is_set() const noexcept { return value_.load(std::memory_order_relaxed); }

 private:
    std::atomic<bool> value_{false};
};

/// A job whose attempt this worker owns: `started` confirmed it.
struct job_ticket {
    leased_job job;
    std::string worker_id;  ///< under which it was leased: half of its fencing token
    std::shared_ptr<drop_flag> dropped;
    attempt_id id() const { return {job.job_id, job.attempt}; }
};

/// A frame, and the connection for its answer.
struct frame_ticket {
    protocol::frame frame;
    std::size_t link = 0;          ///< index of the broker
    std::uint64_t connection = 0;  ///< number of the socket; the answer is sent on no other
    boot_time give_up{0};          ///< nobody needs the answer after this
    std::shared_ptr<drop_flag> dropped;
};

/// Implemented by the work. No call may block: the session thread renews leases.
/// threads   called by the session thread only
class work_sink {
 public:
    virtual ~work_sink() = default;

    /// False if there is no room (the session hands the job back).
    virtual bool take(job_ticket job) = 0;
    virtual bool take(frame_ticket frame) = 0;

    /// Registered under this id: galleries may be announced and served. `defaults` are the
    /// service's, for frames that name no models.
    virtual void registered(const std::string& worker_id, const model_choice& defaults) = 0;

    /// No longer registered: no gallery may be used until registered() is called again.
    virtual void fenced() = 0;

    /// The collection is at this version now. A hint.
    virtual void news(const std::string& collection, gallery_version version) = 0;
};

/// The name for DONE and the log: the enumerator itself.
std::string_view name_of(commit_state) noexcept;

// ---- messages to the session
// ---------------------------------------------------------------------

struct job_finished {  ///< committed, refused as stale, or given up
    attempt_id id;
    commit_state state = commit_state::stale;
    std::map<std::string, double> stage_ms;
};
struct frame_answered {
    protocol::answer answer;
    std::size_t link = 0;
    std::uint64_t connection = 0;
};
struct gallery_held {  ///< nothing: no longer held
    std::string collection;
    std::optional<gallery_version> version;
};
struct registration_gone {  ///< a hello was answered with `gone`
    std::string worker_id;
};
struct drain_asked {  ///< the same as a first SIGTERM
    std::string reason;
};
using session_mail =
    std::variant<job_finished, frame_answered, gallery_held, registration_gone, drain_asked>;

}  // namespace vultus
