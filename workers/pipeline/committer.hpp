// Writes results into Redis: one thread and one connection of its own, many commits on their way at
// once, so that they share Redis' fsync. Holds a result that could not be written and tries again,
// later each time. Whatever Redis answers, there is an end to that: then the attempt fails with the
// reason. Used by the pipeline and by the null worker of the queue bench.
#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "shared/store/redis_client.hpp"
#include "shared/store/worker_store.hpp"
#include "workers/pipeline/mailbox.hpp"
#include "workers/pipeline/work_sink.hpp"

namespace vultus {

struct commit_request {
    job_ticket ticket;
    std::function<redis_call<committed>()> call;  ///< built again for each try
    /// A result that was computed with another gallery or too old a one: match again with at least
    /// this version.
    std::function<void(gallery_version needed)> match_again;
    int overtaken = 0;  ///< how often that was so before
    /// A train that made this version.
    std::function<void(gallery_version made)> changed;
    std::map<std::string, double> stage_ms;
    int tries = 0, refused = 0;
    boot_time begun{0};  ///< the first try
    bool is_failure = false;
    std::optional<gallery_version> needed;  ///< held until it is matched again
    std::uint64_t failures = 0;             ///< of the job so far; sets the back-off
};

/// Redis is away: so long a result is held, unless the session drops the attempt before.
inline constexpr std::chrono::milliseconds commit_patience{60'000};
/// Redis refuses it: so often it is written.
inline constexpr int commit_tries = 8;
/// A change overtakes it: so often it is matched again.
inline constexpr int overtaken_max = 20;

/// How long a job that failed for a passing reason waits: exponential in its failures, full jitter.
/// returns   1 ms .. 60 s; 0 for a permanent error, as worker_store::fail_job wants it
std::chrono::milliseconds retry_delay(errc why, std::uint64_t failures);

/// threads   submit: any, waits while `capacity` requests are in line; the callbacks run on the
///           committer's own thread and must not wait
class committer {
 public:
    committer(redis_address address, worker_store store, mailbox<session_mail>& session,
              std::size_t capacity);
    ~committer();  ///< writes what it can in a second, drops the rest
    committer(const committer&) = delete;
    committer& operator=(const committer&) = delete;

    void submit(commit_request request) { inbox_.push(std::move(request)); }

    /// A request that ends the attempt as failed: at once, or later if the reason may pass.
    commit_request failure(job_ticket ticket, const error& why, std::uint64_t failures) const;

    /// One that gives the attempt up as if this worker had ended under it: the job runs again,
    /// alone.
    commit_request loss(job_ticket ticket) const;

 private:
    struct held {
        boot_time due;
        commit_request request;
    };

    void run();
    void write(commit_request request);
    void answered(commit_request request, result<committed> said);
    void try_again(commit_request request, const error& why);
    void overtaken(commit_request request, gallery_version needed);
    void give_up(commit_request request, const error& why);
    void hold(commit_request request);
    void finish(commit_request& request, commit_state state);

    worker_store store_;
    mailbox<session_mail>& session_;
    mailbox<commit_request> inbox_;
    redis_client redis_;
    std::vector<held> held_;
    std::size_t on_their_way_ = 0;
    std::thread thread_;  ///< last: it starts when the rest is there
};

}  // namespace vultus
