// Work that a client submits: accept a job, commit a change, cancel.
#pragma once

#include <chrono>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "shared/base/limits.hpp"
#include "shared/base/shared_bytes.hpp"
#include "shared/model/job.hpp"
#include "shared/store/person_store.hpp"
#include "shared/store/redis_client.hpp"
#include "shared/store/store_context.hpp"

namespace vultus {

struct new_job {     ///< a recognize, train or calibrate
    std::string id;  ///< new_job_id(); a repeated accept gets the same answer
    job_type type = job_type::recognize;
    std::string collection;
    job_priority priority = job_priority::interactive;
    std::string options;  ///< JSON text of job_options
    std::string label;    ///< train: the name; empty: that of person.person_id · verify: the key
    new_person person;    ///< train · verify of a person: only its person_id
    std::string client = "anonymous";
    std::string address;     ///< of the request, for the audit log
    std::string label_hash;  ///< hash_of_label() (secret.hpp), for the audit log; empty: no secret
    std::string hosts;       ///< that photos were fetched from, between commas; for the audit log
    std::string traceparent;
    std::chrono::milliseconds deadline = limits::job_deadline;
    std::string idempotency_hash;      ///< SHA-256 hex of client and key, empty: none
    std::string fingerprint;           ///< SHA-256 hex of route, options, decoded parts, URLs
    std::vector<shared_bytes> images;  ///< 1 for recognize, 1..16 for train, none for calibrate
};

struct new_change {  ///< a clear, forget, rename, merge or delete_collection
    std::string id;
    job_type type = job_type::clear;
    std::string collection;
    std::string label;     ///< forget, rename, merge: the person, as `by` says
    std::string face_id;   ///< forget: only this face; empty: all faces of the label
    std::string to_label;  ///< rename: the new name; merge: the other person, as `to_by` says
    person_by by = person_by::name, to_by = person_by::name;  ///< name, id or key
    bool shared_name = false;  ///< rename: others may have the new name
    std::string client = "anonymous";
    std::string address;                    ///< of the request, for the audit log
    std::string label_hash, label_to_hash;  ///< of the labels, for the audit log
    std::string traceparent;
    std::string idempotency_hash, fingerprint;
};

struct accepted {
    std::string job_id;      ///< of the earlier job if duplicate
    bool duplicate = false;  ///< the same id or idempotency key was accepted before
    bool collected = false;  ///< duplicate of a job that is no longer stored
    job_state state = job_state::pending;
    gallery_version min_version = 0;  ///< accept: the fence of the new job · change: its version
};

/// threads   any; const after construction
class submission_store {
 public:
    explicit submission_store(store_context context) : context_(std::move(context)) {}

    unsigned shard() const noexcept { return context_.shard(); }  ///< part of a new job id

    /// errors    idempotency_conflict, out_of_memory; queue_full, quota: a limit is reached;
    /// several_people, person_exists, not_found, migrating: of the person of a train
    redis_call<accepted> accept(new_job, std::size_t jobs_max, std::size_t bytes_max) const;
    /// The job that was accepted before under the hash of this one, of which only the id, the
    /// client, its address, hash and fingerprint are read; nothing: none. So a repetition does not
    /// fetch its photos again, and is not refused by what changed since. errors
    /// idempotency_conflict
    redis_call<std::optional<accepted>> accepted_before(const new_job&) const;
    /// Writes to the audit log that photos of a question which is not stored were fetched from
    /// these hosts, as accept() does for a job.
    redis_call<void> note_fetch(std::string_view collection, const std::string& client,
                                const std::string& address, const std::string& hosts) const;
    /// errors    those of accept(); not_found, also of an unknown person_id; wrong_state: the new
    /// name exists; label_full
    redis_call<accepted> change(const new_change&) const;
    /// `by`, `address`  for the audit log
    /// returns   "cancelled" or "requested"
    /// errors    already_terminal, not_found, collected
    redis_call<std::string> cancel(std::string_view id, const std::string& by = {},
                                   const std::string& address = {}) const;

 private:
    store_context context_;
};

}  // namespace vultus
