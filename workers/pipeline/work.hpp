// One job or frame in the pipeline. Exactly one stage owns it at any moment, so its fields need no
// lock; only the drop flag in its ticket is set by the session meanwhile.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "workers/pipeline/results.hpp"
#include "workers/pipeline/work_sink.hpp"

namespace vultus {

struct work {
    std::variant<job_ticket, frame_ticket> who;
    job_type type = job_type::recognize;
    std::string collection;
    std::string label;  ///< train: as accepted · verify: the person, or nobody
    gallery_version min_version = 0;
    job_options options;
    std::string detector, embedder;  ///< what it is processed with
    /// Redis chose the embedder for this attempt, by the gallery of that moment.
    bool embedder_leased = false;
    std::uint64_t failures = 0;  ///< of the job so far
    boot_time taken{0};          ///< when the pipeline took it
    boot_time waits_since{0};    ///< for a gallery; 0: not waiting
    std::uint64_t question = 0;  ///< number of its question to the loader; 0: none
    int matched_again = 0;       ///< how often a change overtook its result
    std::map<std::string, double> stage_ms;

    std::vector<box> known;                  ///< frame: boxes of faces that the sender knows
    std::vector<shared_bytes> photos;        ///< as sent; freed when seen, unless one is annotated
    recognized seen;                         ///< filled stage by stage
    std::vector<train_file> files;           ///< train: one verdict per photo
    std::vector<std::string> photo_hashes;   ///< train: SHA-256 of each photo
    std::vector<std::size_t> photo_of_face;  ///< index of the photo of each face in `seen`
    verification verified;                   ///< verify: the outcome
    std::optional<bool> keep_pictures;       ///< the choice of its collection
    std::vector<std::string> pictures;       ///< train: JPEG of each face in `seen`, if kept
    std::shared_ptr<const gallery> faces;    ///< calibrate: the gallery
    std::vector<chip> chips;                 ///< one per face, until they are embedded

    const job_ticket* job() const { return std::get_if<job_ticket>(&who); }
    const frame_ticket* frame() const { return std::get_if<frame_ticket>(&who); }
    bool dropped() const {
        return std::visit([](const auto& ticket) { return ticket.dropped->is_set(); }, who);
    }
};
/// Whether the work compares faces with those of its collection.
inline bool reads_gallery(const work& item) {
    return !may_lack_collection(item.type) ||
           (item.type == job_type::verify && !item.label.empty());
}

/// A job whose collection has another model than its lease found goes back to be leased again, but
/// not for ever: a gallery may have the name of an embedder and another dimension.
inline constexpr std::uint64_t attempts_for_a_model = 20;
inline bool is_chosen_again(const work& item) {
    return item.job() != nullptr && item.embedder_leased &&
           item.job()->job.attempt <= attempts_for_a_model;
}

using work_ptr = std::shared_ptr<work>;

/// Adds the milliseconds of its scope to stage_ms[name].
class stage_timer {
 public:
    stage_timer(work& item, const char* name)
        : item_(item), name_(name), begin_(std::chrono::steady_clock::now()) {}
    ~stage_timer() {
        const auto spent = std::chrono::steady_clock::now() - begin_;
        item_.stage_ms[name_] += std::chrono::duration<double, std::milli>(spent).count();
    }
    stage_timer(const stage_timer&) = delete;
    stage_timer& operator=(const stage_timer&) = delete;

 private:
    work& item_;
    const char* name_;
    std::chrono::steady_clock::time_point begin_;
};

}  // namespace vultus
