// What a worker calls: its registration and holdings, its leases, photos, and the writes that end
// an attempt.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "shared/base/limits.hpp"
#include "shared/base/shared_bytes.hpp"
#include "shared/model/job.hpp"
#include "shared/model/model_names.hpp"
#include "shared/store/job_reader.hpp"
#include "shared/store/redis_client.hpp"
#include "shared/store/store_context.hpp"

namespace vultus {

struct registration {
    std::string worker_id, connection, host, device, build;
    std::int64_t pid = 0;
    std::vector<std::string> types;
    std::chrono::milliseconds lasts = limits::registration;
    std::size_t dimension = limits::embedding_dimension_default;  ///< of its dlib network
    std::vector<std::string> detectors = {};  ///< at most limits::models_of_worker
    /// At most limits::models_of_worker; none: as a worker of an older version, without lists.
    std::vector<offered_embedder> embedders = {};
    model_choice proposed = {};  ///< defaults of a service that has none; of the two lists
};
struct registered_worker {
    unix_time now{0};
    model_choice defaults = {};  ///< of the service; empty: an older function library
    bool decided_them = false;   ///< by this registration
};
struct renewal {
    bool registered = false;                          ///< false: register again
    std::vector<attempt_id> lost;                     ///< no longer this worker's: discard
    std::vector<attempt_id> cancelled;                ///< this worker's, but a client cancelled it
    std::map<std::string, gallery_version> versions;  ///< of the collections this worker holds
    unix_time now{0};
};
struct hello_reply {
    bool registered = false;
    bool serve = false;
    gallery_version current = 0;
};

struct fetched_job {
    job_record job;
    std::vector<shared_bytes> photos;  ///< none of a calibrate
};

enum class commit_state {
    succeeded,
    publishing,
    superseded,
    failed,
    delayed,
    dead,
    cancelled,    // up to here: it took effect
    duplicate,    ///< this same write took effect before
    stale,        ///< the attempt is not this worker's any more; nothing changed
    old_version,  ///< match again with at least `needed`
    model_mismatch,
    malformed,  ///< vectors that no model makes
    label_full,
    gallery_full,  ///< train refused; nothing changed: now call fail_job()
    oom,           ///< Redis memory limit reached; nothing changed: retry later
};
struct committed {
    commit_state state = commit_state::stale;
    gallery_version needed = 0;   ///< old_version
    std::string person = {};      ///< old_version of a verify: the person's key by now, if another
    gallery_version version = 0;  ///< publishing
};
struct new_face {
    std::string face_id;    ///< "<job id>-<n>"
    std::string json;       ///< label, job_id, created_at, box, score
    std::string vector;     ///< 4 bytes a float, float32 little-endian
    std::string picture{};  ///< JPEG; empty: none is kept
};

/// threads   any; const after construction
class worker_store {
 public:
    explicit worker_store(store_context context) : context_(std::move(context)) {}

    /// Identifies a photo that was taught before (sealing::digest).
    std::string photo_digest(std::string_view bytes) const {
        return context_.seals().digest(bytes);
    }

    redis_call<registered_worker> register_worker(const registration&) const;  ///< errors quota
    /// No version: the worker gives the collection up.
    redis_call<hello_reply> hello(std::string_view worker_id, std::string_view collection,
                                  std::optional<gallery_version>) const;
    redis_call<renewal> renew(std::string_view worker_id, const std::vector<attempt_id>&,
                              std::chrono::milliseconds lasts, std::chrono::milliseconds lease,
                              std::string_view connection = {}) const;
    /// returns   those of the attempts that are lost. errors not_registered
    redis_call<std::vector<attempt_id>> started(std::string_view worker_id,
                                                const std::vector<attempt_id>&) const;
    redis_call<void> bye(std::string_view worker_id) const;

    /// The job and its photos, for the attempt that runs it.
    /// errors    stale: it no longer runs, or as another attempt; not_found, collected: no such
    ///           job; no_image: a photo is no longer stored
    redis_call<fetched_job> fetch(const attempt_id&, std::string_view worker_id) const;

    redis_call<committed> complete_recognize(const attempt_id&, std::string_view worker_id,
                                             gallery_version, std::string result,
                                             std::string annotated) const;
    /// `collection`  the job's; required if values are encrypted, as they are bound to it
    redis_call<committed> complete_train(const attempt_id&, std::string_view worker_id,
                                         std::string result, std::string_view embedding_model,
                                         std::vector<new_face>,
                                         std::string_view collection = {}) const;
    /// `retry_after`  0: permanent
    /// `files`        JSON list: of a train, the verdict on each photo
    redis_call<committed> fail_job(const attempt_id&, std::string_view worker_id, const error&,
                                   std::chrono::milliseconds retry_after,
                                   const std::string& files = {}) const;
    /// The worker lost its decoder on this attempt: counts as if the worker had exited.
    redis_call<committed> lose_job(const attempt_id&, std::string_view worker_id) const;
    /// Returns the job to the front of the queue; nothing is counted.
    redis_call<committed> hand_back(const attempt_id&, std::string_view worker_id) const;

 private:
    store_context context_;
};

}  // namespace vultus
