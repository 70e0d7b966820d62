// The state of the match thread: the galleries that may be used now, and the work that waits for
// one. A gallery is chosen at the moment of the match, so an answer is as new as possible. No
// queues; the pipeline calls it.
#pragma once

#include <atomic>
#include <chrono>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "workers/calibration/calibration.hpp"
#include "workers/gallery/matcher.hpp"
#include "workers/gallery/parallel_for.hpp"
#include "workers/pipeline/gallery_store.hpp"
#include "workers/pipeline/work.hpp"

namespace vultus {

/// Whether the faces could not be compared, because the gallery was trained with another model.
bool other_model(const recognized& seen);

/// Refuses each photo of a train whose nearest trained face is within the distance of the service
/// and belongs to another person (looks_like_other), and drops its face. Of equally near faces one
/// of the person itself suffices.
/// requires  matched; not other_model()
void refuse_lookalikes(work& item);

/// The outcome of a verify of two photos, with the service's threshold for one comparison.
/// requires  its faces are embedded
void verify_photos(work& item, const threshold_rules& thresholds);

/// How long work waits for its gallery: a million faces load in a quarter of that.
inline constexpr std::chrono::milliseconds gallery_patience{60'000};

/// threads   one owner, the match thread
class match_stage {
 public:
    using want = std::function<bool(const std::string& collection, gallery_version at_least,
                                    std::uint64_t question)>;

    /// `thresholds` give the distance of each gallery, for the detector of the work. `together`
    /// share the search. `registration` is the number of the registration that is valid now;
    /// galleries of another one are not used. `ask` reaches the loader.
    match_stage(match_options defaults, threshold_rules thresholds, parallel_for& together,
                const std::atomic<std::uint64_t>& registration, want ask);

    void update(gallery_update news);

    /// Matches the faces (a calibrate gets the gallery itself) and returns true, or keeps the work
    /// until its gallery is available. Faces of another embedding model than the gallery's are not
    /// compared: `seen` then says so (other_model()) and every match is `unknown`.
    bool match(const work_ptr& item, boot_time now);

    /// Work whose gallery arrived (matched now), and work that waited too long or whose gallery
    /// cannot be read (given up: `seen` has no matches). Asks the loader again for missing
    /// galleries.
    struct woken {
        std::vector<work_ptr> matched, given_up;
    };
    woken wake(boot_time now);

    bool waiting() const noexcept { return !waiting_.empty(); }

 private:
    struct usable {
        std::shared_ptr<const gallery> faces;
        std::shared_ptr<last_use> used;
        std::uint64_t registration = 0, answers = 0;
    };
    std::shared_ptr<const gallery> current(const work& item, boot_time now);
    bool try_match(work& item, boot_time now);
    bool too_late(const work& item, boot_time now) const;
    bool is_unreadable(const work& item) const;
    void warn_of_size(const std::string& collection, std::size_t faces,
                      const calibration_table& table);

    match_options defaults_;
    threshold_rules thresholds_;
    search_options how_;
    const std::atomic<std::uint64_t>& registration_;
    want ask_;
    std::map<std::string, usable> galleries_;
    std::map<std::string, std::uint64_t> unreadable_;  ///< collection: questions it answers
    std::vector<work_ptr> waiting_;
    std::uint64_t questions_ = 0;
    std::set<std::string> beyond_, far_;  ///< collections with a warning in the log
    boot_time ask_again_{0};
};

}  // namespace vultus
