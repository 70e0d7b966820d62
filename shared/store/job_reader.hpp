// Reads jobs and the state of the queue.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "shared/model/job.hpp"
#include "shared/store/redis_client.hpp"
#include "shared/store/store_context.hpp"

namespace vultus {

/// The fields of a job's hash that people and the api read. Absent texts are empty, numbers 0.
struct job_record {
    std::string id;
    job_type type = job_type::recognize;
    job_state state = job_state::pending;
    std::string person_id;  ///< train, after its commit, and changes: of the person, if known
    /// label, label_to: keys (person_key.hpp)
    std::string collection, label, label_to, options, result, error, worker, client, traceparent;
    std::uint64_t attempt = 0, failures = 0, crashes = 0, images = 0;
    bool solo = false, cancel_requested = false, superseded = false, annotated = false;
    gallery_version min_version = 0, version = 0;
    unix_time created{0}, started{0}, finished{0}, deadline{0};
    std::uint64_t faces = 0;          ///< train: added · changes: removed or renamed
    std::uint64_t removed_faces = 0;  ///< changes: the same number
    /// The models of its newest attempt, empty before the first. `detector` is also set where the
    /// client chose one.
    std::string detector, embedder;
    std::string waits_for;                                ///< delayed: the model that no worker has
    std::uint64_t faces_staged = 0, faces_staged_of = 0;  ///< reembed: how far it is
    std::string removed, confirmed;     ///< JSON texts (REDIS.md, "Fields of a job")
    std::optional<bool> keep_pictures;  ///< the choice of its collection; only of fetch()
    unix_time read{0};                  ///< time of the functions at the read; 0 in listings
};

/// A finished job and its collection at one moment.
struct job_outcome {
    /// state, type, collection, labels, person_id, faces, version, superseded, result
    job_record job;
    bool found = false;
    bool result_fits = true;  ///< false: `result` is left out, as it is over 256 KiB
    gallery_version gallery = 0, removed_version = 0;
};

struct job_page {
    std::vector<job_record> jobs;
    std::string next;  ///< empty: the end
};

struct queue_stats {
    std::uint64_t interactive = 0, bulk = 0, running = 0, delayed = 0, dead = 0, publishing = 0;
    std::uint64_t bytes = 0, finished_bytes = 0;
    std::uint64_t finished_total = 0;  ///< lifetime counter; its slope is the drain rate
    unix_time now{0}, oldest_pending{0};
    std::uint64_t waiting_for_model = 0;               ///< of delayed: no worker has one
    std::map<std::string, std::uint64_t> waiting_for;  ///< the same by the model
    std::map<std::string, std::uint64_t> counters;     ///< all numbers of the function `stats`
};

/// threads   any; const after construction
class job_reader {
 public:
    explicit job_reader(store_context context) : context_(std::move(context)) {}

    /// errors    not_found, collected
    redis_call<job_record> job(std::string_view id) const;
    /// In the order of the ids, all of one moment. requires 1 to limits::jobs_per_message ids
    redis_call<std::vector<job_outcome>> outcomes(const std::vector<std::string>& ids) const;
    /// The JPEG with boxes and names. errors not_found: none was requested or stored
    redis_call<std::string> annotated(std::string_view id) const;
    /// Newest first; nothing: any state, any type. A page may be short although `next` is not
    /// empty.
    redis_call<job_page> jobs(std::optional<job_state>, std::optional<job_type>, std::size_t count,
                              const std::string& page) const;
    redis_call<queue_stats> stats() const;

 private:
    store_context context_;
};

}  // namespace vultus
