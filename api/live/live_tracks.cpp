// See live_tracks.hpp.
#include "api/live/live_tracks.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <tuple>

#include "shared/base/limits.hpp"

namespace vultus::api {
namespace {

constexpr double unmeasured = std::numeric_limits<double>::infinity();

bool moved(const face_box& from, const face_box& to) {
    const double across =
        std::abs(static_cast<double>(from.left + from.right - to.left - to.right));
    const double down = std::abs(static_cast<double>(from.top + from.bottom - to.top - to.bottom));
    const double grown = to.area() / from.area();
    return std::max(across, down) / 2 > from.width() / 2 || grown > 1.4 || grown < 1 / 1.4;
}

}  // namespace

std::string_view name_of(face_status status) noexcept {
    switch (status) {
        case face_status::known:
            return "known";
        case face_status::ambiguous:
            return "ambiguous";
        case face_status::unknown:
            break;
    }
    return "unknown";
}

std::optional<face_status> face_status_named(std::string_view name) noexcept {
    for (const auto one : {face_status::unknown, face_status::known, face_status::ambiguous}) {
        if (name == name_of(one)) return one;
    }
    return std::nullopt;
}

double overlap(const face_box& a, const face_box& b) noexcept {
    const auto across = std::min(a.right, b.right) - std::max(a.left, b.left) + 1;
    const auto down = std::min(a.bottom, b.bottom) - std::max(a.top, b.top) + 1;
    if (across <= 0 || down <= 0) return 0;
    const double both = static_cast<double>(across) * static_cast<double>(down);
    return both / (a.area() + b.area() - both);
}

double relative_distance(std::span<const float> a, std::span<const float> b) noexcept {
    if (a.empty() || a.size() != b.size()) return unmeasured;
    double between = 0, of_a = 0, of_b = 0;
    for (std::size_t i = 0; i < a.size(); ++i) {
        const double x = a[i], y = b[i];
        between += (x - y) * (x - y);
        of_a += x * x;
        of_b += y * y;
    }
    const double length = (std::sqrt(of_a) + std::sqrt(of_b)) / 2;
    return length > 0 ? std::sqrt(between) / length : unmeasured;
}

double distance_between(std::span<const float> a, std::span<const float> b) noexcept {
    if (a.empty() || a.size() != b.size()) return unmeasured;
    double squares = 0;
    for (std::size_t i = 0; i < a.size(); ++i) {
        const double apart = static_cast<double>(a[i]) - static_cast<double>(b[i]);
        squares += apart * apart;
    }
    return std::sqrt(squares);
}

bool live_tracks::needs_no_comparison(const track& one, boot_time now,
                                      gallery_version newest) const {
    if (one.comparisons < compared_first || one.votes.empty() || now > one.seen + fresh) {
        return false;
    }
    const int doublings = std::min(one.comparisons - compared_first, 10);
    const auto old = std::min(old_first * (1 << doublings), old_most);
    if (now >= one.compared + old) return false;
    if (epoch_of(newest) != epoch_of(one.newest)) return false;
    if (newest != one.newest && now >= one.compared + news_in) return false;
    return !moved(one.compared_where, one.where);
}

std::vector<known_track> live_tracks::known(boot_time now, gallery_version newest) const {
    std::vector<known_track> list;
    for (const track& one : tracks_) {
        if (needs_no_comparison(one, now, newest)) list.push_back({one.id, one.where});
    }
    std::sort(list.begin(), list.end(), [](auto& a, auto& b) { return a.track > b.track; });
    if (list.size() > limits::faces_per_image) list.resize(limits::faces_per_image);
    return list;
}

live_tracks::track* live_tracks::find(std::uint64_t id) {
    const auto found = std::find_if(tracks_.begin(), tracks_.end(),
                                    [&](const track& one) { return one.id == id; });
    return found == tracks_.end() ? nullptr : &*found;
}

/// Assigns compared faces to tracks: at the place of the track unless it is clearly another face,
/// or anywhere if it is clearly the same one. Best pairs first.
void live_tracks::join(std::span<const seen_face> faces, std::vector<track*>& owners, boot_time now,
                       double threshold) {
    const auto thresholds_apart = [threshold](const auto& a, const auto& b) {
        return threshold > 0 ? distance_between(a, b) / threshold
                             : relative_distance(a, b) / threshold_assumed;
    };
    struct pair {
        double worth;
        std::size_t face;
        track* one;
    };
    std::vector<pair> pairs;
    for (std::size_t i = 0; i < faces.size(); ++i) {
        if (owners[i] != nullptr) continue;
        for (track& one : tracks_) {
            const double apart = thresholds_apart(faces[i].embedding, one.face);
            const double shared = overlap(faces[i].where, one.where);
            const bool here = shared >= overlap_min && apart <= same_place &&
                              relative_distance(faces[i].embedding, one.face) <= same_place_most;
            if (!here && apart > same_person) continue;
            if (now > one.seen + kept) continue;
            pairs.push_back({shared + 1 - apart * distance_counts, i, &one});
        }
    }
    std::sort(pairs.begin(), pairs.end(), [](const pair& a, const pair& b) {
        return std::tuple(-a.worth, a.face, a.one->id) < std::tuple(-b.worth, b.face, b.one->id);
    });
    for (const pair& best : pairs) {
        const bool taken = std::find(owners.begin(), owners.end(), best.one) != owners.end();
        if (owners[best.face] == nullptr && !taken) owners[best.face] = best.one;
    }
}

void live_tracks::compare(track& one, const seen_face& face, gallery_version version,
                          boot_time now) {
    if (epoch_of(version) != epoch_of(one.newest)) {
        one.votes.clear();  // of another gallery
        one.comparisons = 0;
        one.newest = version;
    }
    if (version > one.newest)
        one.votes.erase("");  // "unknown" in an older version means nothing now
    for (auto& [label, given] : one.votes) given.weight *= vote_fades;
    const bool unsure = face.status == face_status::ambiguous;
    vote& given = one.votes[face.status == face_status::unknown ? "" : face.label];
    given.weight += face.where.area() * (unsure ? 0.5 : 1.0);
    given.firm = given.firm || !unsure;
    given.distance = face.distance;
    given.similarity = face.similarity;
    const bool first = one.votes.size() == 1 && one.comparisons == 0;
    one.oldest = first ? version : std::min(one.oldest, version);
    one.newest = std::max(one.newest, version);
    one.face = face.embedding;
    one.compared_where = face.where;
    one.compared = now;
    ++one.comparisons;

    const auto best = std::max_element(one.votes.begin(), one.votes.end(), [](auto& a, auto& b) {
        return a.second.weight < b.second.weight;
    });
    const auto shown_now = one.votes.find(one.name);
    const bool stays =
        shown_now != one.votes.end() && best->second.weight <= leads_by * shown_now->second.weight;
    if (!stays) one.name = best->first;
}

named_face live_tracks::shown(const track& one, const seen_face& face) {
    named_face told;
    told.track = one.id;
    told.where = face.where;
    told.score = face.score;
    told.embedded = !face.known;
    const auto found = one.votes.find(one.name);
    if (found == one.votes.end()) return told;
    told.label = one.name;
    told.distance = found->second.distance;
    told.similarity = found->second.similarity;
    if (!one.name.empty()) {
        told.status = found->second.firm ? face_status::known : face_status::ambiguous;
    }
    return told;
}

std::vector<std::string> live_tracks::names() const {
    std::vector<std::string> keys;
    for (const track& one : tracks_) {
        for (const auto& [key, given] : one.votes) {
            if (!key.empty()) keys.push_back(key);
        }
    }
    return keys;
}

std::vector<named_face> live_tracks::take(std::span<const seen_face> faces,
                                          std::span<const known_track> known,
                                          gallery_version version, boot_time now,
                                          double threshold) {
    drop_old(now);
    tracks_.reserve(tracks_.size() + faces.size());  // pointers below stay valid
    std::vector<track*> owners(faces.size(), nullptr);
    for (std::size_t i = 0; i < faces.size(); ++i) {
        if (faces[i].known && *faces[i].known < known.size()) {
            owners[i] = find(known[*faces[i].known].track);
        }
    }
    join(faces, owners, now, threshold);
    std::vector<named_face> told;
    for (std::size_t i = 0; i < faces.size(); ++i) {
        track* owner = owners[i];
        if (owner == nullptr) {
            owner = &tracks_.emplace_back();
            owner->id = ++last_id_;
        }
        owner->where = faces[i].where;
        owner->seen = now;
        if (!faces[i].known) compare(*owner, faces[i], version, now);
        told.push_back(shown(*owner, faces[i]));
    }
    return told;
}

bool live_tracks::forget_outdated(const watched_gallery& now) {
    bool went = false;
    for (track& one : tracks_) {
        const bool good = now.allows(one.oldest) && now.allows(one.newest);
        if (one.votes.empty() || good) continue;
        one.votes.clear();
        one.name.clear();
        one.comparisons = 0;
        went = true;
    }
    return went;
}

void live_tracks::drop_old(boot_time now) {
    std::erase_if(tracks_, [&](const track& one) { return now > one.seen + kept; });
    if (tracks_.size() < tracks_max) return;
    std::sort(tracks_.begin(), tracks_.end(),
              [](const track& a, const track& b) { return a.seen > b.seen; });
    tracks_.resize(tracks_max / 2);
}

}  // namespace vultus::api
