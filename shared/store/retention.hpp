// How long a collection keeps people whom nobody saw, and who is to be forgotten now (REDIS.md,
// "Retention"). Calls like those of job_store.hpp: pure, any thread.
#pragma once

#include <chrono>
#include <string>
#include <string_view>
#include <vector>

#include "shared/model/gallery_version.hpp"
#include "shared/store/job_store.hpp"

namespace vultus {

constexpr int retention_days_max = 36'500;  ///< 100 years

struct retention_rule {
    std::chrono::milliseconds lasts{0};  ///< 0: people are kept
    unix_time since{0};                  ///< nobody's time begins earlier
};

/// errors    not_found: there is no such collection
redis_call<retention_rule> retention_of(const job_store&, std::string_view collection);

/// `lasts` 0: people are kept. `by`, `address`: for the audit log.
/// requires  lasts of at most retention_days_max
/// errors    not_found: there is no such collection
redis_call<void> set_retention(const job_store&, std::string_view collection,
                               std::chrono::milliseconds lasts, const std::string& by,
                               const std::string& address = {});

/// An answer that is not stored named these people; 1 to limits::page_size of them. Of a collection
/// that keeps people nothing is noted.
redis_call<void> note_seen(const job_store&, std::string_view collection,
                           const std::vector<std::string>& labels);

struct watched_gallery {
    gallery_version version = 0, removed_version = 0;
    bool forgets = false;  ///< people whom nobody sees: note_seen() is wanted

    /// Whether an answer that was computed with this version may still be given.
    bool allows(gallery_version used) const noexcept {
        return may_be_told(used, version, removed_version);
    }
};

/// job_store::gallery() for who answers without storing. An unknown one has version 0.
redis_call<watched_gallery> watch_gallery(const job_store&, std::string_view collection);

struct unseen_person {
    std::string collection, label;
};

/// Some whose time is over; empty: nobody now.
redis_call<std::vector<unseen_person>> unseen(const job_store&, std::size_t most);

/// Forgets one, by a job of that id. False: seen, or gone, meanwhile.
redis_call<bool> forget_unseen(const job_store&, const std::string& job_id, const unseen_person&,
                               const std::string& label_hash);

}  // namespace vultus
