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

#include "shared/base/limits.hpp"
#include "shared/security/sealing.hpp"
#include "shared/store/job_records.hpp"
#include "shared/store/redis_client.hpp"

namespace vultus {

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
    redis_call<void> check_server() const;  ///< Redis 7.0, Valkey 7.2 or newer
    redis_call<void> load_library() const;  ///< only if there is none
    redis_call<void> replace_library() const;
    redis_call<library_version> about() const;  ///< 0.0: no library
    /// errors    wrong_version: data of another layout; bad_option: sealed with another key
    redis_call<void> open(unsigned shards) const;
    redis_call<void> check_settings() const;  ///< wrong ones named in the error
    redis_call<unix_time> time() const;

    // api
    redis_call<accepted> accept(new_job, std::size_t jobs_max, std::size_t bytes_max) const;
    redis_call<accepted> change(const new_change&) const;
    /// "cancelled" or "requested"; else already_terminal. `by`, `address`: for the audit log
    redis_call<std::string> cancel(std::string_view id, const std::string& by = {},
                                   const std::string& address = {}) const;
    redis_call<job_record> job(std::string_view id) const;  ///< not_found or collected
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
    redis_call<std::string> last_event_id() const;    ///< "0-0" if the stream is empty
    redis_call<std::string> oldest_event_id() const;  ///< to notice a gap
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
                                     std::string_view hash, std::chrono::milliseconds overlap,
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
    redis_call<std::vector<audit_entry>> audit(std::size_t count, const std::string& before) const;
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
    redis_call<std::uint64_t> seal(std::string_view collection, std::uint64_t epoch, gallery_value,
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
