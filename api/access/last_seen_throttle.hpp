// When this api last wrote down that somebody was seen: of answers that are not stored (live
// pictures, durable=false) at most once an hour for each person. Pure.
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
    static constexpr std::size_t people_max = 10'000;  ///< then all are forgotten, and noted anew

    /// Those of them that are to be written down now; they count as written.
    std::vector<std::string> due(const std::string& collection, std::vector<std::string> labels,
                                 boot_time now);
    /// They could not be written: the next answer tries again.
    void undo(const std::string& collection, const std::vector<std::string>& labels);

 private:
    std::map<std::pair<std::string, std::string>, boot_time> written_;
};

}  // namespace vultus::api
