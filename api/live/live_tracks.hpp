// Follows the faces of one live channel from frame to frame, so that a face keeps its number, its
// name does not flicker, and an identified face is not compared again in each frame. Belongs to the
// connection, not to a worker. Pure: no clock, no thread.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "shared/base/clock.hpp"
#include "shared/store/retention.hpp"

namespace vultus::api {

/// Pixels of the upright frame; all four edges belong to the box.
struct face_box {
    std::int64_t left = 0, top = 0, right = 0, bottom = 0;
    bool operator==(const face_box&) const = default;
    double width() const noexcept { return static_cast<double>(right - left + 1); }
    double area() const noexcept { return width() * static_cast<double>(bottom - top + 1); }
};

enum class face_status { unknown, known, ambiguous };
std::string_view name_of(face_status) noexcept;
std::optional<face_status> face_status_named(std::string_view) noexcept;

/// A face in a worker's answer.
struct seen_face {
    face_box where;
    double score = 0;
    std::optional<std::size_t> known;  ///< it matches this box of the frame's `known` list
    // If the face was compared:
    face_status status = face_status::unknown;
    std::string label;  ///< key of the person (person_key.hpp); empty: unknown
    std::optional<double> distance, similarity;
    std::vector<float> embedding;
    std::string quality;  ///< JSON; empty from a worker that does not measure it
};

/// A face in the message to the client.
struct named_face {
    std::uint64_t track = 0;  ///< 0: none
    face_box where;
    double score = 0;
    face_status status = face_status::unknown;
    std::string label;  ///< key of the person
    std::optional<double> distance, similarity;
    bool embedded = false;
    std::string person_id = {};  ///< empty: not known
    bool name_shared = false;    ///< others of the collection have the name
};

/// One entry of a frame's `known` list.
struct known_track {
    std::uint64_t track = 0;
    face_box where;
    bool operator==(const known_track&) const = default;
};

/// Area of the intersection over that of the union, 0..1.
double overlap(const face_box& a, const face_box& b) noexcept;

/// Euclidean distance over the mean length: one measure for embeddings of every kind and length.
/// Infinite if there is nothing to compare.
double relative_distance(std::span<const float> a, std::span<const float> b) noexcept;

/// Euclidean distance. Infinite if there is nothing to compare.
double distance_between(std::span<const float> a, std::span<const float> b) noexcept;

/// threads   one owner
class live_tracks {
 public:
    // Shares of the distance at which the service gives a name, whatever the embedder. There a
    // gallery of 50 people names one stranger in twenty (clients/lfw/README.md); embeddings of
    // consecutive frames are nearer to each other.
    static constexpr double same_person = 0.95;  ///< anywhere in the frame
    static constexpr double same_place = 1.26;   ///< where the track was
    /// And there at most this share of the embeddings' length: faces of two people are 1.41 apart
    /// with a network that spreads them over the whole sphere, as omz_0095 does (its threshold is
    /// 1.15).
    static constexpr double same_place_most = 1.27;
    /// That distance over the length of the embeddings if an answer does not tell it (older
    /// workers): the one of dlib's network.
    static constexpr double threshold_assumed = 0.38;
    static constexpr double distance_counts = 0.38;  ///< against the overlap, of each threshold
    static constexpr double overlap_min = 0.3;
    static constexpr std::chrono::milliseconds kept{2'000};  ///< without being seen
    static constexpr std::chrono::milliseconds fresh{500};   ///< a box is still used
    static constexpr std::chrono::milliseconds news_in{
        500};  ///< until newly trained people are noticed
    static constexpr std::chrono::milliseconds old_first{300}, old_most{2'000};
    static constexpr int compared_first = 3;  ///< comparisons before a name is trusted
    static constexpr double vote_fades = 0.9, leads_by = 1.5;
    static constexpr std::size_t tracks_max = 200;

    /// The tracks that need no comparison in a frame sent now, the newest first. A track needs one
    /// if it is new, if since the last one its face moved by half its width or changed its size
    /// by 1.4, if the last one is too old, or if the gallery changed. `newest`  the gallery's
    /// version
    std::vector<known_track> known(boot_time now, gallery_version newest) const;

    /// Takes the answer to a frame that was sent with this `known` list.
    /// `version` of the gallery that the faces were compared with; `threshold` the distance at
    /// which the service names with this embedder, 0: not known
    /// returns   one face for each of `faces`, in order
    std::vector<named_face> take(std::span<const seen_face> faces,
                                 std::span<const known_track> known, gallery_version version,
                                 boot_time now, double threshold = 0);

    /// Drops the votes from another gallery, or from before its last removal; the tracks stay
    /// without a name.
    /// returns   whether any name was dropped
    bool forget_outdated(const watched_gallery& now);

    /// The keys of the people that its tracks show, each once.
    std::vector<std::string> names() const;

    /// For another collection: drops all tracks; numbers are not reused.
    void clear() { tracks_.clear(); }

    std::size_t size() const noexcept { return tracks_.size(); }

 private:
    struct vote {
        double weight = 0;
        bool firm = false;  ///< not only from ambiguous matches
        std::optional<double> distance, similarity;
    };
    struct track {
        std::uint64_t id = 0;
        face_box where;
        boot_time seen{0};
        std::vector<float> face;  ///< of the last comparison
        face_box compared_where;
        boot_time compared{0};
        int comparisons = 0;
        gallery_version oldest = 0, newest = 0;  ///< versions of its votes
        std::map<std::string, vote> votes;       ///< "": unknown
        std::string name;                        ///< as shown
    };

    bool needs_no_comparison(const track& one, boot_time now, gallery_version newest) const;
    void join(std::span<const seen_face> faces, std::vector<track*>& owners, boot_time now,
              double threshold);
    void compare(track& one, const seen_face& face, gallery_version version, boot_time now);
    static named_face shown(const track& one, const seen_face& face);
    void drop_old(boot_time now);
    track* find(std::uint64_t id);

    std::vector<track> tracks_;
    std::uint64_t last_id_ = 0;
};

}  // namespace vultus::api
