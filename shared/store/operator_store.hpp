// What an operator calls about single jobs, the audit log and the consistency of the data.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "shared/store/redis_client.hpp"
#include "shared/store/store_context.hpp"

namespace vultus {

struct audit_entry {
    std::string id;  ///< stream id "ms-n"
    std::string who, from, what, collection, label_hash, about;
    std::string label_to_hash;  ///< rename, merge
    std::string hosts;          ///< that photos were fetched from, between commas
    std::string person_id;      ///< of changes of one person
};

/// `by`      for the audit log
/// threads   any; const after construction
class operator_store {
 public:
    explicit operator_store(store_context context) : context_(std::move(context)) {}

    // returns   "ok"
    // errors    not_found, collected, wrong_state; kick also no_image: its photos are removed
    redis_call<std::string> kick(std::string_view id, std::string_view by = {}) const;
    redis_call<std::string> bury(std::string_view id, std::string_view by = {}) const;
    redis_call<std::string> remove(std::string_view id, std::string_view by = {}) const;

    /// Newest first, older than the entry `before`; empty: from the newest.
    redis_call<std::vector<audit_entry>> audit(std::size_t count, const std::string& before) const;

    /// `sums`    also compare the counters, which is correct only while nothing else writes
    /// returns   the next cursor (empty: done) and the problems found
    redis_call<std::pair<std::string, std::vector<std::string>>> fsck(const std::string& cursor,
                                                                      std::size_t count,
                                                                      bool sums = false) const;

 private:
    store_context context_;
};

}  // namespace vultus
