// How long a collection keeps people who are not seen, and whose time is over (REDIS.md,
// "Retention").
#pragma once

#include <chrono>
#include <string>
#include <string_view>
#include <vector>

#include "shared/model/gallery_version.hpp"
#include "shared/model/model_names.hpp"
#include "shared/store/redis_client.hpp"
#include "shared/store/store_context.hpp"

namespace vultus {

constexpr int retention_days_max = 36'500;  ///< 100 years

struct retention_rule {
    std::chrono::milliseconds lasts{0};  ///< 0: people are kept
    unix_time since{0};                  ///< each person's time begins then at the earliest
};

/// What a key means in answers.
struct known_person {
    std::string person_id;     ///< empty: no such person
    bool name_shared = false;  ///< others of the collection have the name
};

struct watched_gallery {
    gallery_version version = 0, removed_version = 0;
    bool forgets = false;  ///< it has a retention: note_seen() is required
    /// What a frame of it uses if its options name no detector; empty: not known.
    model_choice models = {};
    std::size_t dimension = 0;              ///< floats of a face by that embedder; 0: not known
    std::vector<known_person> people = {};  ///< of the keys asked for

    /// Whether an answer that was computed with this version may still be sent.
    bool allows(gallery_version used) const noexcept {
        return may_be_sent(used, version, removed_version);
    }
};

struct unseen_person {
    std::string collection, label;
};

/// threads   any; const after construction
class retention_store {
 public:
    explicit retention_store(store_context context) : context_(std::move(context)) {}

    /// errors    not_found: there is no such collection
    redis_call<retention_rule> retention_of(std::string_view collection) const;

    /// `lasts` 0: people are kept. `by`, `address`: for the audit log.
    /// requires  lasts of at most retention_days_max
    /// errors    not_found: there is no such collection
    redis_call<void> set_retention(std::string_view collection, std::chrono::milliseconds lasts,
                                   const std::string& by, const std::string& address = {}) const;

    /// For an answer that is not stored and named 1 to limits::page_size people. Without a
    /// retention of the collection it writes nothing.
    redis_call<void> note_seen(std::string_view collection,
                               const std::vector<std::string>& labels) const;

    /// For an answer that is not stored: what decides whether it may be sent. An unknown collection
    /// has version 0. `keys`: at most limits::page_size people of the answer; while it may be sent,
    /// their ids are those of the people that it named.
    redis_call<watched_gallery> watch_gallery(std::string_view collection,
                                              const std::vector<std::string>& keys = {}) const;

    /// At most `most` people whose retention is over; empty: none now.
    redis_call<std::vector<unseen_person>> unseen(std::size_t most) const;

    /// Forgets one of them with a job of that id. False: seen or removed in the meantime.
    redis_call<bool> forget_unseen(const std::string& job_id, const unseen_person&,
                                   const std::string& label_hash) const;

 private:
    store_context context_;
};

}  // namespace vultus
