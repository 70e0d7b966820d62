// Subjects without a face: CompreFace lets clients add them, and its clients list them before they
// add the first photo. Here a person exists only with a face, so an api remembers the name for an
// hour. Decision: not in Redis. Context: a name without a face is nobody's data that must survive,
// and every removal would have to know of it: so any removal in the collection ends these names.
// Cost: after a restart, a removal, at another api, or later, such a subject is not listed until it
// has a photo.
#pragma once

#include <chrono>
#include <list>
#include <string>
#include <string_view>
#include <vector>

#include "shared/base/clock.hpp"
#include "shared/model/gallery_version.hpp"
#include "shared/store/retention.hpp"

namespace vultus::api::compat::compreface {

/// threads   one owner
class empty_subjects {
 public:
    static constexpr std::size_t most = 1'000;  ///< of all collections; then the oldest goes
    static constexpr std::chrono::milliseconds life{3'600'000};

    /// `version`  of the collection now: a later removal may have been that of this person
    void add(const std::string& collection, const std::string& name, gallery_version version,
             boot_time now = boot_now());
    /// Forgets names that somebody may have had who was removed since.
    void drop_removed(const std::string& collection, const watched_gallery& seen);
    /// The stored spelling; empty: there is none. ASCII case does not matter.
    std::string find(const std::string& collection, std::string_view name,
                     boot_time now = boot_now());
    /// Whether it was there.
    bool remove(const std::string& collection, std::string_view name, boot_time now = boot_now());
    std::size_t clear(const std::string& collection, boot_time now = boot_now());
    std::vector<std::string> names(const std::string& collection, boot_time now = boot_now());

 private:
    void drop_old(boot_time now);
    struct entry {
        std::string collection, name;
        boot_time since{0};
        gallery_version version = 0;
    };
    std::list<entry> names_;  ///< the oldest first
};

}  // namespace vultus::api::compat::compreface
