#include "workers/pipeline/match_stage.hpp"

#include <algorithm>
#include <charconv>
#include <utility>

#include "shared/base/log.hpp"
#include "shared/model/gallery_version.hpp"
#include "workers/calibration/similarity.hpp"

namespace vultus {
namespace {

constexpr std::chrono::milliseconds ask_every{200};

}  // namespace

bool other_model(const recognized& seen) {
    const bool other_name =
        !seen.gallery_model.empty() && seen.gallery_model != seen.embedding_model;
    const bool other_dimension =
        seen.gallery_dimension > 0 && std::ranges::any_of(seen.faces, [&](const found_face& face) {
            return face.known < 0 && face.vector.size() != seen.gallery_dimension;
        });
    return !seen.faces.empty() && (other_name || other_dimension);
}

namespace {

std::string hundredths(double value) {
    char text[32];
    const auto end = std::to_chars(text, text + sizeof text, value, std::chars_format::fixed, 2);
    return {text, end.ptr};
}

/// Nothing unless the nearest face within the distance is only somebody else's.
const candidate* lookalike_in(const vultus::match& found, const std::string& label) {
    if (found.candidates.empty()) return nullptr;
    const candidate& nearest = found.candidates.front();  // the nearest first
    const bool own = std::ranges::any_of(found.candidates, [&](const candidate& one) {
        return one.label == label && one.distance <= nearest.distance;
    });
    return own ? nullptr : &nearest;
}

/// Removes the elements of the marked positions; an empty list stays empty.
template <class List>
void drop_marked(List& list, const std::vector<bool>& marked) {
    std::size_t kept = 0;
    for (std::size_t i = 0; i < list.size(); ++i) {
        if (marked[i]) continue;
        if (kept != i) list[kept] = std::move(list[i]);
        ++kept;
    }
    list.resize(kept);
}

}  // namespace

void refuse_lookalikes(work& item) {
    recognized& seen = item.seen;
    std::vector<bool> refused(seen.faces.size(), false);
    for (std::size_t i = 0; i < seen.faces.size(); ++i) {
        const candidate* other = lookalike_in(seen.matches[i], item.label);
        if (other == nullptr) continue;
        refused[i] = true;
        train_file& file = item.files[item.photo_of_face[i]];
        file.face_id.clear();
        file.why = {errc::looks_like_other,
                    "The nearest trained face belongs to another person: distance " +
                        hundredths(other->distance) +
                        "; quality=" + std::string(name_of(item.options.quality)) +
                        " requires more than " + hundredths(seen.distance_max)};
        file.other = compared_face{other->face_id, other->distance,
                                   similarity_at(other->distance, seen.threshold)};
    }
    drop_marked(seen.faces, refused);
    drop_marked(seen.matches, refused);
    drop_marked(item.photo_of_face, refused);
    drop_marked(item.pictures, refused);
}

namespace {

/// What the request chose, or the service's own.
double distance_wanted(const job_options& options, double threshold) {
    if (options.distance_max > 0) return options.distance_max;
    if (options.similarity_min > 0)
        return distance_at_similarity(options.similarity_min, threshold);
    return threshold;
}

std::vector<embedding> vectors_of(const recognized& seen) {
    std::vector<embedding> vectors;
    for (const found_face& face : seen.faces) {
        if (face.known < 0) vectors.push_back(face.vector);
    }
    return vectors;
}

}  // namespace

void verify_photos(work& item, const threshold_rules& thresholds) {
    recognized& seen = item.seen;
    const stage_timer timer(item, "match");
    const threshold_rule& rule = thresholds.of(item.detector, item.embedder);
    seen.threshold = rule.distance_for(1);
    seen.distance_max = distance_wanted(item.options, seen.threshold);
    seen.false_match_rate = false_match_rate_at(rule.table, seen.distance_max);
    const std::vector<embedding> all = vectors_of(seen);
    const std::span<const embedding> faces(all);
    const std::size_t first = seen.photos.front().faces_found;
    item.verified = compare(faces.first(first), faces.subspan(first), seen.distance_max);
}

match_stage::match_stage(match_options defaults, threshold_rules thresholds, parallel_for& together,
                         const std::atomic<std::uint64_t>& registration, want ask)
    : defaults_(defaults),
      thresholds_(std::move(thresholds)),
      registration_(registration),
      ask_(std::move(ask)) {
    how_.parts = together.count();
    if (how_.parts > 1) how_.run = together.run();
}

void match_stage::update(gallery_update news) {
    if (news.unreadable) {
        unreadable_[news.collection] = news.answers;
        return;
    }
    unreadable_.erase(news.collection);
    if (!news.faces) {
        galleries_.erase(news.collection);
        return;
    }
    galleries_[std::move(news.collection)] =
        usable{std::move(news.faces), std::move(news.used), news.registration, news.answers};
}

std::shared_ptr<const gallery> match_stage::current(const work& item, boot_time now) {
    const auto found = galleries_.find(item.collection);
    if (found == galleries_.end()) return nullptr;
    const usable& held = found->second;
    if (held.registration != registration_.load()) return nullptr;
    // A gallery of another epoch than requested is used only if Redis, read after this work
    // arrived, has no other.
    const bool asked = item.question > 0 && held.answers >= item.question;
    const bool other = epoch_of(held.faces->version) != epoch_of(item.min_version);
    if (!satisfies(held.faces->version, item.min_version) && !(other && asked)) return nullptr;
    held.used->store(now.count(), std::memory_order_relaxed);
    return held.faces;
}

/// In a gallery of that size the distance of a stranger_rate is an estimate, or no longer met.
void match_stage::warn_of_size(const std::string& collection, std::size_t faces,
                               const calibration_table& table) {
    const double measured = table.galleries.back().faces;
    const bool far = static_cast<double>(faces) > measured * extrapolated_galleries;
    if (!(far ? far_ : beyond_).insert(collection).second) return;
    log::warning("stranger_rate_extrapolated",
                 {{"collection", collection},
                  {"faces", std::to_string(faces)},
                  {"measured", std::to_string(static_cast<std::size_t>(measured))},
                  {"why", far ? "more strangers are named than worker.stranger_rate allows"
                              : "distance is an estimate"}});
}

bool match_stage::try_match(work& item, boot_time now) {
    const std::shared_ptr<const gallery> faces = current(item, now);
    if (!faces) return false;
    item.waits_since = boot_time{0};
    item.question = 0;
    if (item.type == job_type::calibrate) {
        item.faces = faces;
        return true;
    }
    const stage_timer timer(item, "match");
    const std::vector<embedding> vectors = vectors_of(item.seen);
    match_options options = defaults_;
    const std::string& model =
        faces->embedding_model.empty() ? item.embedder : faces->embedding_model;
    if (item.seen.without_photo && item.options.model.empty()) item.seen.embedding_model = model;
    const threshold_rule& threshold = thresholds_.of(item.detector, model);
    item.seen.threshold = threshold.distance_for(faces->faces);
    options.distance_max = distance_wanted(item.options, item.seen.threshold);
    if (item.options.k > 0) options.k = item.options.k;
    options.top = item.options.top;
    item.seen.gallery_model = faces->embedding_model;
    item.seen.gallery_dimension = faces->dimension;
    std::vector<vultus::match> compared;
    if (!other_model(item.seen) && !vectors.empty()) {
        if (item.type == job_type::verify) {
            item.verified = compare(vectors, *faces, item.label, options.distance_max);
        } else {
            compared = match_faces(*faces, vectors, options, how_);
        }
    }
    item.seen.matches.clear();
    auto next = compared.begin();
    for (const found_face& face : item.seen.faces) {  // one for each face, compared or not
        const bool has_one = face.known < 0 && next != compared.end();
        item.seen.matches.push_back(has_one ? std::move(*next++) : vultus::match{});
    }
    item.seen.distance_max = options.distance_max;
    item.seen.false_match_rate = false_match_rate_at(threshold.table, options.distance_max);
    item.seen.stranger_rate = stranger_rate_at(threshold.table, options.distance_max, faces->faces);
    item.seen.extrapolated = is_extrapolated(threshold.table, faces->faces);
    if (item.seen.extrapolated && threshold.stranger_rate > 0) {
        warn_of_size(item.collection, faces->faces, threshold.table);
    }
    item.seen.version = faces->version;
    item.seen.people = faces->people;
    item.seen.faces_trained = faces->faces;
    return true;
}

bool match_stage::match(const work_ptr& item, boot_time now) {
    if (try_match(*item, now)) return true;
    item->waits_since = now;
    item->question = ++questions_;
    waiting_.push_back(item);
    if (!ask_(item->collection, item->min_version, item->question)) ask_again_ = now;
    return false;
}

bool match_stage::too_late(const work& item, boot_time now) const {
    if (const frame_ticket* frame = item.frame()) return now >= frame->give_up;
    return now > item.waits_since + gallery_patience;
}

bool match_stage::is_unreadable(const work& item) const {
    const auto found = unreadable_.find(item.collection);
    return found != unreadable_.end() && found->second >= item.question;
}

match_stage::woken match_stage::wake(boot_time now) {
    woken out;
    const bool ask = now >= ask_again_;
    if (ask) ask_again_ = now + ask_every;
    for (work_ptr& item : std::exchange(waiting_, {})) {
        if (item->dropped()) continue;
        if (try_match(*item, now)) {
            out.matched.push_back(std::move(item));
        } else if (too_late(*item, now) || is_unreadable(*item)) {
            out.given_up.push_back(std::move(item));
        } else {
            if (ask) ask_(item->collection, item->min_version, item->question);
            waiting_.push_back(std::move(item));
        }
    }
    return out;
}

}  // namespace vultus
