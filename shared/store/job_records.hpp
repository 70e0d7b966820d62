// What goes into the calls of job_store.hpp and what comes out of their replies: plain values, in
// the order of who uses them: api, broker, worker, operator.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "shared/base/limits.hpp"
#include "shared/model/access_key.hpp"
#include "shared/model/job.hpp"
#include "shared/model/user.hpp"

namespace vultus {

// ---- what the api gives and gets --------------------------------------------------------------

struct new_job {     ///< a recognize, train or calibrate
    std::string id;  ///< new_job_id(); repeating an accept answers the same
    job_type type = job_type::recognize;
    std::string collection;
    job_priority priority = job_priority::interactive;
    std::string options;  ///< JSON text of job_options
    std::string label;    ///< train only
    std::string client = "anonymous";
    std::string address;     ///< from where, for the audit log
    std::string label_hash;  ///< hash_of_label() (secret.hpp) for it; empty: no secret
    std::string traceparent;
    std::chrono::milliseconds deadline = limits::job_deadline;
    std::string idempotency_hash;     ///< SHA-256 hex of client and key, empty: none
    std::string fingerprint;          ///< SHA-256 hex of route, options and decoded parts
    std::vector<std::string> images;  ///< 1 for recognize, 1..16 for train, none for calibrate
};

struct new_change {  ///< a clear, forget, rename, merge or delete_collection
    std::string id;
    job_type type = job_type::clear;
    std::string collection;
    std::string label;     ///< forget, rename, merge: whom
    std::string face_id;   ///< forget: only this face; empty: all of the label
    std::string to_label;  ///< rename, merge: into whom
    std::string client = "anonymous";
    std::string address;                    ///< from where, for the audit log
    std::string label_hash, label_to_hash;  ///< for it too, of the labels
    std::string traceparent;
    std::string idempotency_hash, fingerprint;
};

struct accepted {
    std::string job_id;      ///< of the earlier job if duplicate
    bool duplicate = false;  ///< the same id or idempotency key was accepted before
    bool collected = false;  ///< duplicate of a job that is not kept any more
    job_state state = job_state::pending;
    gallery_version min_version = 0;  ///< accept: the fence of the new job · change: its version
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
    std::uint64_t faces = 0;          ///< train: added · changes: removed or renamed
    std::uint64_t removed_faces = 0;  ///< changes: the same number
    std::string removed, confirmed;   ///< removals: JSON of what went, and which worker knows it
    unix_time read{0};                ///< Redis' clock when it was read (not in listings)
};

struct job_page {
    std::vector<job_record> jobs;
    std::string next;
};  ///< next empty: the end
struct label_count {
    std::string label;
    std::uint64_t faces = 0;
    std::string picture;  ///< a face_id with a picture, if asked for
};
struct gallery_info {
    std::string collection, embedding_model;
    gallery_version version = 0, removed_version = 0;
    std::uint64_t faces = 0, people = 0;
};
struct label_page {
    gallery_info gallery;
    std::vector<label_count> labels;
    std::string next;
};
struct collection_page {
    std::vector<gallery_info> collections;
    std::string next;
};
struct face_record {
    std::string face_id, json;  ///< JSON as the worker wrote it
    bool picture = false;       ///< has one; false if not asked for
};

struct queue_stats {
    std::uint64_t interactive = 0, bulk = 0, running = 0, delayed = 0, dead = 0, publishing = 0;
    std::uint64_t bytes = 0, finished_bytes = 0;
    std::uint64_t finished_total = 0;  ///< ever; its slope is the drain rate
    unix_time now{0}, oldest_pending{0};
    std::map<std::string, std::uint64_t> counters;  ///< P stats
};

struct event {
    std::string id;  ///< stream id "ms-n"
    std::string job_id, from, to, why, worker;
    std::string type, collection;  ///< empty in events of older versions
    std::uint64_t attempt = 0;
};

struct audit_entry {
    std::string id;  ///< stream id "ms-n"
    std::string who, from, what, collection, label_hash, about;
    std::string label_to_hash;  ///< rename, merge
};

struct key_page {
    bool same = false;             ///< nothing changed: keys is empty
    std::string changes;           ///< to ask with the next time
    std::vector<access_key> keys;  ///< oldest first
};
struct bucket {
    std::uint64_t quota = 0, left = 0;  ///< quota 0: no bound
    std::chrono::seconds full_in{0};
};
struct spent {
    std::string over;                   ///< empty: granted; else what is used up
    std::chrono::milliseconds wait{0};  ///< until the same may be asked again
    bucket requests, image_bytes;
};

struct login_try {
    std::chrono::milliseconds wait{0};  ///< not 0: refused, and not counted
    std::string password;               ///< the user's hash; empty: no such user
};
struct session_record {
    std::string user, collections;
    role as = role::viewer;
    unix_time ends{0};  ///< if it is not used any more
};

// ---- what the broker gives and gets -----------------------------------------------------------

struct lease_request {
    std::string worker_id, connection;  ///< connection: the routing id in use
    std::uint32_t most = 0;             ///< free credits
    std::uint32_t outstanding = 0;      ///< a solo job needs 0
    std::chrono::milliseconds lease = limits::lease;
    std::vector<std::string> types;
    std::string prefer = {};  ///< detector: cnn, hog, or empty: any
    std::uint32_t spill = 0;  ///< jobs with the other one, at most
};
struct leased_jobs {
    std::vector<leased_job> jobs;
    std::uint64_t left = 0;  ///< in both lines, of any kind
};
struct moved {  ///< reap, barrier, worker_lost, gc
    std::uint64_t count = 0;
    bool grace = false;  ///< nothing lapses now
    bool again = false;  ///< there is more: call again at once
    unix_time now{0};    ///< reap and barrier
};

// ---- what the worker gives and gets -----------------------------------------------------------

struct registration {
    std::string worker_id, connection, host, device, build;
    std::int64_t pid = 0;
    std::vector<std::string> types;
    std::chrono::milliseconds lasts = limits::registration;
};
struct renewal {
    bool registered = false;                          ///< false: gone, register anew
    std::vector<attempt_id> lost;                     ///< attempts that are another's now
    std::vector<attempt_id> cancelled;                ///< still this worker's, but not wanted
    std::map<std::string, gallery_version> versions;  ///< of the collections this worker holds
    unix_time now{0};
};
struct hello_reply {
    bool registered = false;
    bool serve = false;
    gallery_version current = 0;
};

enum class commit_state {
    succeeded,
    publishing,
    superseded,
    failed,
    delayed,
    dead,
    cancelled,    // it took effect
    duplicate,    ///< this very write had taken effect before
    stale,        ///< the attempt is not this worker's any more; nothing changed
    old_version,  ///< match again with at least `needed`
    model_mismatch,
    label_full,
    gallery_full,  ///< train refused; nothing changed: now call fail
    oom,           ///< Redis has no room; nothing changed: retry later
};
struct committed {
    commit_state state = commit_state::stale;
    gallery_version needed = 0;   ///< old_version
    gallery_version version = 0;  ///< publishing
};
struct new_face {
    std::string face_id;    ///< "<job id>-<n>"
    std::string json;       ///< label, job_id, created_at, box, score
    std::string vector;     ///< 512 bytes, float32 little-endian
    std::string picture{};  ///< JPEG; empty: none is kept
};

struct exported_face {
    std::string face_id, label;
    std::string json;    ///< as face_json() gives it
    std::string vector;  ///< 512 bytes
};
struct restored {
    gallery_version version = 0;
    std::uint64_t added = 0, known = 0;  ///< known: that face was there already
};

struct log_entry {
    std::uint64_t seq = 0;  ///< the last of the call it came with
    enum class kind { add, remove, rename } op = kind::add;
    std::string face_id, label;
    std::string vector;  ///< add only; empty from delta(): ask vectors(), or use read_delta()
};
struct gallery_delta {
    bool snapshot = false;           ///< the log does not reach back: load anew
    gallery_version version = 0;     ///< current
    gallery_version reached = 0;     ///< with these entries: ask from here
    std::vector<log_entry> entries;  ///< whole seqs, in order
    bool more = false;               ///< call again from `reached`
};
enum class gallery_value { vector, picture };  ///< what a face may have sealed
struct gallery_chunk {                         ///< one HSCAN step of a snapshot load
    std::string cursor;                        ///< "0": done
    std::vector<std::pair<std::string, std::string>> fields;
    std::vector<std::size_t> unbound;  ///< of them, by place: not sealed for this collection
    std::vector<std::string> foreign;  ///< sealed for another place, or damaged: not in `fields`
};

struct library_version {
    unsigned major = 0, minor = 0;
};

}  // namespace vultus
