// See last_seen_throttle.hpp.
#include "api/access/last_seen_throttle.hpp"

namespace vultus::api {

std::vector<std::string> last_seen_throttle::due(const std::string& collection,
                                                 std::vector<std::string> labels, boot_time now) {
    std::erase_if(labels, [&](const std::string& label) {
        const auto found = written_.find({collection, label});
        if (found != written_.end() && now - found->second < again) return true;
        if (written_.size() >= people_max) written_.clear();
        written_[{collection, label}] = now;
        return false;
    });
    return labels;
}

void last_seen_throttle::undo(const std::string& collection,
                              const std::vector<std::string>& labels) {
    for (const auto& label : labels) written_.erase({collection, label});
}

}  // namespace vultus::api
