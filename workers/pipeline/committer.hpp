// Writes results to Redis: one thread with its own connection and many commits in flight, so that
// they share Redis' fsync. A result that could not be written is held and retried with back-off, at
// most commit_tries times; then the attempt fails with the reason. Used by the pipeline and by the
// null worker of the queue bench.
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
    /// For a result of another gallery or too old a version: match again with at least this
    /// version. `person`: of a verify, the key if it is another one by now.
    std::function<void(gallery_version needed, const std::string& person)> match_again;
    int overtaken = 0;  ///< how often that happened
    /// For a train, which created this version.
    std::function<void(gallery_version made)> changed;
    std::map<std::string, double> stage_ms;
    int tries = 0, refused = 0;
    boot_time begun{0};  ///< the first try
    bool is_failure = false;
    /// Where the collection has another model, the job is handed back and not failed.
    bool back_for_model = false;
    std::optional<gallery_version> needed;  ///< held until it is matched again
    std::string person;                     ///< for match_again
    std::uint64_t failures = 0;             ///< of the job so far; sets the back-off
};

/// How long a result is held while Redis is down, unless the session drops its attempt.
inline constexpr std::chrono::milliseconds commit_patience{60'000};
/// How often a result that Redis refuses is written.
inline constexpr int commit_tries = 8;
/// How often a result that a change overtook is matched again.
inline constexpr int overtaken_max = 20;

/// The delay of a job that failed transiently: exponential in its failures, full jitter.
/// returns   1 ms .. 60 s; 0 for a permanent error, as worker_store::fail_job wants it
std::chrono::milliseconds retry_delay(errc why, std::uint64_t failures);

/// threads   submit: any, blocks while `capacity` requests wait; the callbacks run on the
///           committer's own thread and must not block
class committer {
 public:
    committer(redis_address address, worker_store store, mailbox<session_mail>& session,
              std::size_t capacity);
    ~committer();  ///< writes what it can in a second, drops the rest
    committer(const committer&) = delete;
    committer& operator=(const committer&) = delete;

    void submit(commit_request request) { inbox_.push(std::move(request)); }

    /// A request that ends the attempt as failed, or delays the job if the error is transient.
    /// `files`: as worker_store::fail_job.
    commit_request failure(job_ticket ticket, const error& why, std::uint64_t failures,
                           const std::string& files = {}) const;

    /// A request that reports the attempt as lost, as if this worker had ended: the job runs again,
    /// alone.
    commit_request hand_back(job_ticket ticket) const;
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
    void overtaken(commit_request request, const committed& said);
    void give_up(commit_request request, const error& why);
    void hold(commit_request request);
    void finish(commit_request& request, commit_state state);

    worker_store store_;
    mailbox<session_mail>& session_;
    mailbox<commit_request> inbox_;
    redis_client redis_;
    std::vector<held> held_;
    std::size_t on_their_way_ = 0;
    std::thread thread_;  ///< last: it starts after the other members
};

}  // namespace vultus
