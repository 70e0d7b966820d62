// The state of all jobs and galleries, in our words: each function builds one call of the Redis
// library `vultus1` (or one plain read) and knows how to read its reply. Pure: no connection, no
// clock, no thread; send the call with redis_client or redis_blocking. REDIS.md has the keys and
// the rules.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "shared/access_key.hpp"
#include "shared/job.hpp"
#include "shared/limits.hpp"
#include "shared/redis_client.hpp"
#include "shared/sealing.hpp"
#include "shared/user.hpp"

namespace vultus {

// ---- what the api gives and gets --------------------------------------------------------------

struct new_job {                       ///< a recognize, train or calibrate
    std::string id;                    ///< new_job_id(); repeating an accept answers the same
    job_type type = job_type::recognize;
    std::string collection;
    job_priority priority = job_priority::interactive;
    std::string options;               ///< JSON text of job_options
    std::string label;                 ///< train only
    std::string client = "anonymous";
    std::string address;               ///< from where, for the audit log
    std::string label_hash;            ///< hash_of_label() (secret.hpp) for it; empty: no secret
    std::string traceparent;
    std::chrono::milliseconds deadline = limits::job_deadline;
    std::string idempotency_hash;      ///< SHA-256 hex of client and key, empty: none
    std::string fingerprint;           ///< SHA-256 hex of route, options and decoded parts
    std::vector<std::string> images;   ///< 1 for recognize, 1..16 for train, none for calibrate
};

struct new_change {                    ///< a clear, forget, rename, merge or delete_collection
    std::string id;
    job_type type = job_type::clear;
    std::string collection;
    std::string label;                 ///< forget, rename, merge: whom
    std::string face_id;               ///< forget: only this face; empty: all of the label
    std::string to_label;              ///< rename, merge: into whom
    std::string client = "anonymous";
    std::string address;               ///< from where, for the audit log
    std::string label_hash, label_to_hash;  ///< for it too, of the labels
    std::string traceparent;
    std::string idempotency_hash, fingerprint;
};

struct accepted {
    std::string job_id;                ///< of the earlier job if duplicate
    bool duplicate = false;            ///< the same id or idempotency key was accepted before
    bool collected = false;            ///< duplicate of a job that is not kept any more
    job_state state = job_state::pending;
    gallery_version min_version = 0;   ///< accept: the fence of the new job · change: its version
};

/// Every field of a job's hash that people and the api read. Absent texts are empty, numbers 0.
struct job_record {
    std::string id;
    job_type type = job_type::recognize;
    job_state state = job_state::pending;
    std::string collection, label, label_to, options, result, error, worker, client, traceparent;
    std::uint64_t attempt = 0, failures = 0, crashes = 0, images = 0;
    bool solo = false, cancel_requested = false, superseded = false, annotated = false;
    gallery_version min_version = 0, version = 0;
    unix_time created{0}, started{0}, finished{0}, deadline{0};
    std::uint64_t faces = 0;           ///< train: added · changes: removed or renamed
    std::uint64_t removed_faces = 0;   ///< changes: the same number
    std::string removed, confirmed;    ///< removals: JSON of what went, and which worker knows it
    unix_time read{0};                 ///< Redis' clock when it was read (not in listings)
};

struct job_page { std::vector<job_record> jobs; std::string next; };      ///< next empty: the end
struct label_count {
    std::string label;
    std::uint64_t faces = 0;
    std::string picture;                                 ///< a face_id with a picture, if asked for
};
struct gallery_info {
    std::string collection, embedding_model;
    gallery_version version = 0, removed_version = 0;
    std::uint64_t faces = 0, people = 0;
};
struct label_page { gallery_info gallery; std::vector<label_count> labels; std::string next; };
struct collection_page { std::vector<gallery_info> collections; std::string next; };
struct face_record {
    std::string face_id, json;                           ///< JSON as the worker wrote it
    bool picture = false;                                ///< has one; false if not asked for
};

struct queue_stats {
    std::uint64_t interactive = 0, bulk = 0, running = 0, delayed = 0, dead = 0, publishing = 0;
    std::uint64_t bytes = 0, finished_bytes = 0;
    std::uint64_t finished_total = 0;                    ///< ever; its slope is the drain rate
    unix_time now{0}, oldest_pending{0};
    std::map<std::string, std::uint64_t> counters;       ///< P stats
};

struct event {
    std::string id;                                      ///< stream id "ms-n"
    std::string job_id, from, to, why, worker;
    std::string type, collection;                        ///< empty in events of older versions
    std::uint64_t attempt = 0;
};

struct audit_entry {
    std::string id;                                      ///< stream id "ms-n"
    std::string who, from, what, collection, label_hash, about;
    std::string label_to_hash;                           ///< rename, merge
};

struct key_page {
    bool same = false;                                   ///< nothing changed: keys is empty
    std::string changes;                                 ///< to ask with the next time
    std::vector<access_key> keys;                        ///< oldest first
};
struct bucket {
    std::uint64_t quota = 0, left = 0;                   ///< quota 0: no bound
    std::chrono::seconds full_in{0};
};
struct spent {
    std::string over;                                    ///< empty: granted; else what is used up
    std::chrono::milliseconds wait{0};                   ///< until the same may be asked again
    bucket requests, image_bytes;
};

struct login_try {
    std::chrono::milliseconds wait{0};                   ///< not 0: refused, and not counted
    std::string password;                                ///< the user's hash; empty: no such user
};
struct session_record {
    std::string user, collections;
    role as = role::viewer;
    unix_time ends{0};                                   ///< if it is not used any more
};

// ---- what the broker gives and gets -----------------------------------------------------------

struct lease_request {
    std::string worker_id, connection;                   ///< connection: the routing id in use
    std::uint32_t most = 0;                              ///< free credits
    std::uint32_t outstanding = 0;                       ///< a solo job needs 0
    std::chrono::milliseconds lease = limits::lease;
    std::vector<std::string> types;
    std::string prefer = {};                             ///< detector: cnn, hog, or empty: any
    std::uint32_t spill = 0;                             ///< jobs with the other one, at most
};
struct leased_jobs {
    std::vector<leased_job> jobs;
    std::uint64_t left = 0;                              ///< in both lines, of any kind
};
struct moved {                                           ///< reap, barrier, worker_lost, gc
    std::uint64_t count = 0;
    bool grace = false;                                  ///< nothing lapses now
    bool again = false;                                  ///< there is more: call again at once
    unix_time now{0};                                    ///< reap and barrier
};

// ---- what the worker gives and gets -----------------------------------------------------------

struct registration {
    std::string worker_id, connection, host, device, build;
    std::int64_t pid = 0;
    std::vector<std::string> types;
    std::chrono::milliseconds lasts = limits::registration;
};
struct renewal {
    bool registered = false;                             ///< false: gone, register anew
    std::vector<attempt_id> lost;                        ///< attempts that are another's now
    std::vector<attempt_id> cancelled;                   ///< still this worker's, but not wanted
    std::map<std::string, gallery_version> versions;     ///< of the collections this worker holds
    unix_time now{0};
};
struct hello_reply { bool registered = false; bool serve = false; gallery_version current = 0; };

enum class commit_state {
    succeeded, publishing, superseded, failed, delayed, dead, cancelled,  // it took effect
    duplicate,      ///< this very write had taken effect before
    stale,          ///< the attempt is not this worker's any more; nothing changed
    old_version,    ///< match again with at least `needed`
    model_mismatch, label_full, gallery_full,  ///< train refused; nothing changed: now call fail
    oom,            ///< Redis has no room; nothing changed: retry later
};
struct committed {
    commit_state state = commit_state::stale;
    gallery_version needed = 0;                          ///< old_version
    gallery_version version = 0;                         ///< publishing
};
struct new_face {
    std::string face_id;                                 ///< "<job id>-<n>"
    std::string json;                                    ///< label, job_id, created_at, box, score
    std::string vector;                                  ///< 512 bytes, float32 little-endian
    std::string picture{};                               ///< JPEG; empty: none is kept
};

struct exported_face {
    std::string face_id, label;
    std::string json;                                    ///< as face_json() gives it
    std::string vector;                                  ///< 512 bytes
};
struct restored {
    gallery_version version = 0;
    std::uint64_t added = 0, known = 0;                  ///< known: that face was there already
};

struct log_entry {
    std::uint64_t seq = 0;                               ///< the last of the call it came with
    enum class kind { add, remove, rename } op = kind::add;
    std::string face_id, label;
    std::string vector;  ///< add only; empty from delta(): ask vectors(), or use read_delta()
};
struct gallery_delta {
    bool snapshot = false;                               ///< the log does not reach back: load anew
    gallery_version version = 0;                         ///< current
    gallery_version reached = 0;                         ///< with these entries: ask from here
    std::vector<log_entry> entries;                      ///< whole seqs, in order
    bool more = false;                                   ///< call again from `reached`
};
enum class gallery_value { vector, picture };            ///< what a face may have sealed
struct gallery_chunk {                                   ///< one HSCAN step of a snapshot load
    std::string cursor;                                  ///< "0": done
    std::vector<std::pair<std::string, std::string>> fields;
    std::vector<std::size_t> unbound;    ///< of them, by place: not sealed for this collection
    std::vector<std::string> foreign;    ///< sealed for another place, or damaged: not in `fields`
};

struct library_version { unsigned major = 0, minor = 0; };

/// threads   any; const after construction
class job_store {
   public:
    /// `seals`   what it gives and takes as photo, picture or vector is plain; Redis has it sealed
    explicit job_store(unsigned shard = 0, sealing seals = {});
    const std::string& prefix() const noexcept { return prefix_; }  ///< "vultus:{0}:"
    unsigned shard() const noexcept { return shard_; }
    /// By which a photo that was taught before is known again (sealing::digest).
    std::string photo_digest(std::string_view bytes) const { return seals_.digest(bytes); }

    // Start: the library is there in our major version, the settings are the durable ones.
    // store_setup.hpp makes these calls in their order.
    redis_call<void> check_server() const;               ///< Redis 7.0, Valkey 7.2 or newer
    redis_call<void> load_library() const;               ///< only if there is none
    redis_call<void> replace_library() const;
    redis_call<library_version> about() const;           ///< 0.0: no library
    /// errors    wrong_version: data of another layout; bad_option: sealed with another key
    redis_call<void> open(unsigned shards) const;
    redis_call<void> check_settings() const;             ///< wrong ones named in the error
    redis_call<unix_time> time() const;

    // api
    redis_call<accepted> accept(new_job, std::size_t jobs_max, std::size_t bytes_max) const;
    redis_call<accepted> change(const new_change&) const;
    /// "cancelled" or "requested"; else already_terminal. `by`, `address`: for the audit log
    redis_call<std::string> cancel(std::string_view id, const std::string& by = {},
                                   const std::string& address = {}) const;
    redis_call<job_record> job(std::string_view id) const;      ///< not_found or collected
    redis_call<std::string> annotated(std::string_view id) const;
    redis_call<job_page> jobs(std::optional<job_state>, std::optional<job_type>, std::size_t count,
                              const std::string& page) const;
    redis_call<label_page> labels(std::string_view collection, std::size_t count,
                                  const std::string& page, bool pictures = false) const;
    redis_call<std::vector<face_record>> faces(std::string_view collection, std::string_view label,
                                               bool pictures = false) const;
    /// The JPEG of one face. errors not_found: no such face of this label, or it has none
    redis_call<std::string> picture(std::string_view collection, std::string_view label,
                                    std::string_view face_id) const;
    redis_call<collection_page> collections(std::size_t count, const std::string& page) const;
    redis_call<gallery_info> gallery(std::string_view collection) const;  ///< unknown: version 0
    redis_call<queue_stats> stats() const;
    /// `block` 0: does not wait
    redis_call<std::vector<event>> events_after(const std::string& last_id, std::size_t count,
                                                std::chrono::milliseconds block) const;
    redis_call<std::string> last_event_id() const;       ///< "0-0" if the stream is empty
    redis_call<std::string> oldest_event_id() const;     ///< to notice a gap
    /// All keys, if they changed after `known`; empty: in any case.
    redis_call<key_page> keys(std::string_view known) const;
    /// Takes one request and its photos from the quota. errors unauthorized: there is no such key
    redis_call<spent> spend(std::string_view key_id, std::size_t image_bytes) const;
    /// Counts a try as wrong until login() says otherwise. `name` empty: one that no user has.
    /// `counted_as`  whom tries from that address are counted for
    redis_call<login_try> try_login(std::string_view name, std::string_view counted_as) const;
    /// Begins a session of that hash. errors unauthorized: the password was changed meanwhile
    redis_call<void> login(std::string_view name, std::string_view password,
                           std::string_view session_hash, std::string_view counted_as,
                           std::string_view address) const;
    /// `uses`    it is a request of a person, which makes the session last longer
    /// errors    unauthorized: there is no such session any more
    redis_call<session_record> session(std::string_view hash, bool uses) const;
    redis_call<void> end_session(std::string_view hash) const;  ///< good too if it is gone
    redis_call<std::vector<user_record>> users() const;         ///< oldest first

    // broker
    redis_call<leased_jobs> lease(const lease_request&) const;
    redis_call<moved> reap(unix_time expected_now, std::chrono::milliseconds lease) const;
    redis_call<moved> barrier(unix_time expected_now) const;
    redis_call<moved> worker_lost(std::string_view worker_id, std::string_view connection) const;
    redis_call<moved> gc(std::chrono::milliseconds retention, std::size_t jobs_max,
                         std::size_t bytes_max) const;

    // worker
    redis_call<unix_time> register_worker(const registration&) const;
    redis_call<hello_reply> hello(std::string_view worker_id, std::string_view collection,
                                  std::optional<gallery_version>) const;  // nothing: gone
    redis_call<renewal> renew(std::string_view worker_id, const std::vector<attempt_id>&,
                              std::chrono::milliseconds lasts, std::chrono::milliseconds lease,
                              std::string_view connection = {}) const;
    redis_call<std::vector<attempt_id>> started(std::string_view worker_id,
                                                const std::vector<attempt_id>&) const;  // lost ones
    redis_call<void> bye(std::string_view worker_id) const;
    redis_call<std::vector<std::string>> images(std::string_view id, std::size_t count) const;
    redis_call<committed> complete_recognize(const attempt_id&, std::string_view worker_id,
                                             gallery_version, std::string result,
                                             std::string annotated) const;
    /// `collection`  the job's, to which the faces are sealed; needed where there is a key
    redis_call<committed> complete_train(const attempt_id&, std::string_view worker_id,
                                         std::string result, std::string_view embedding_model,
                                         std::vector<new_face>,
                                         std::string_view collection = {}) const;
    redis_call<committed> fail_job(const attempt_id&, std::string_view worker_id, const error&,
                                   std::chrono::milliseconds retry_after) const;  ///< 0: permanent
    /// The worker lost what it had for the attempt (its decoder), as if it had ended itself.
    redis_call<committed> lose_job(const attempt_id&, std::string_view worker_id) const;
    redis_call<committed> hand_back(const attempt_id&, std::string_view worker_id) const;
    redis_call<gallery_delta> delta(std::string_view collection, gallery_version from) const;
    /// Empty: removed since, or sealed for another place.
    redis_call<std::vector<std::string>> vectors(std::string_view collection, std::uint64_t epoch,
                                                 const std::vector<std::string>& face_ids) const;
    /// face_id -> 512 bytes, or JPEG
    redis_call<gallery_chunk> scan(std::string_view collection, std::uint64_t epoch, gallery_value,
                                   const std::string& cursor) const;
    redis_call<std::vector<std::string>> face_json(std::string_view collection, std::uint64_t epoch,
                                                   const std::vector<std::string>& face_ids) const;

    // operator
    /// errors    wrong_state: the id is taken; queue_full: limits::access_keys are there
    redis_call<void> create_key(const access_key&, std::string_view by = {}) const;
    /// not_found
    redis_call<void> revoke_key(std::string_view id, std::string_view by = {}) const;
    /// The new key gets what the old one has. Gives the end of the old one.
    /// errors    not_found, and those of create_key()
    redis_call<unix_time> rotate_key(std::string_view old_id, std::string_view id,
                                     std::string_view hash,
                                     std::chrono::milliseconds overlap,
                                     std::string_view by = {}) const;
    /// `password` is a hash_of_password().
    /// errors    wrong_state: there is one of that name; queue_full: limits::users are there
    redis_call<void> add_user(const user_record&, std::string_view password,
                              std::string_view by = {}) const;
    /// Ends the user's sessions too, and a wait after wrong passwords. errors not_found
    redis_call<void> change_password(std::string_view name, std::string_view password,
                                     std::string_view by = {}) const;
    redis_call<void> remove_user(std::string_view name, std::string_view by = {}) const;
    /// Newest first, before the entry `before`; empty: from the newest on.
    redis_call<std::vector<audit_entry>> audit(std::size_t count,
                                               const std::string& before) const;
    /// Adds faces as they were exported, all or none; 1 to limits::page_size of them.
    /// errors    model_mismatch, label_full, gallery_full (also: no room for another collection)
    redis_call<restored> restore(std::string_view collection, std::string_view embedding_model,
                                 std::vector<exported_face> faces, std::string_view by = {},
                                 const std::map<std::string, std::string>& label_hashes = {}) const;
    /// Drops the log of a gallery, which names who was removed. errors not_found: no such gallery
    redis_call<void> erase_log(std::string_view collection, std::string_view by) const;
    /// Writes down that the faces leave for a file. errors not_found: there are none
    redis_call<void> begin_export(std::string_view collection, std::string_view by) const;
    /// What scan() gave is sealed where it lies. returns how many of them were still there
    redis_call<std::uint64_t> seal(
        std::string_view collection, std::uint64_t epoch, gallery_value,
        std::vector<std::pair<std::string, std::string>> values) const;
    redis_call<std::string> kick(std::string_view id, std::string_view by = {}) const;
    redis_call<std::string> bury(std::string_view id, std::string_view by = {}) const;
    redis_call<std::string> remove(std::string_view id, std::string_view by = {}) const;
    redis_call<std::pair<std::string, std::vector<std::string>>> fsck(const std::string& cursor,
                                                                      std::size_t count,
                                                                      bool sums = false) const;

   private:
    std::string key(std::string_view rest) const;
    std::string epoch_key(std::string_view collection, std::uint64_t epoch,
                          std::string_view what) const;
    redis_call<std::vector<std::string>> hash_values(std::string hash,
                                                     const std::vector<std::string>& names) const;
    unsigned shard_;
    std::string prefix_;
    sealing seals_;
};

}  // namespace vultus
