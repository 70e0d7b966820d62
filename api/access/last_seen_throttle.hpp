// Limits how often this api writes the last-seen time of a person for answers that are not stored
// (live frames, durable=false): once an hour. Pure.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "shared/base/clock.hpp"

namespace vultus::api {

/// threads   one owner
class last_seen_throttle {
 public:
    static constexpr std::chrono::hours again{1};
    static constexpr std::size_t people_max = 10'000;  ///< beyond, the table is cleared

    /// The labels whose time must be written now; they count as written.
    std::vector<std::string> due(const std::string& collection, std::vector<std::string> labels,
                                 boot_time now);
    /// After a failed write: the next answer tries again.
    void undo(const std::string& collection, const std::vector<std::string>& labels);

 private:
    std::map<std::pair<std::string, std::string>, boot_time> written_;
};

}  // namespace vultus::api
