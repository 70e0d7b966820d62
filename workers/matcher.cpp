// The search and the vote. The search reads each row once for all faces; 16 sums run side by side,
// so that their order, and with it every bit of the result, is the same with any vector unit.
#include "workers/matcher.hpp"

#include <algorithm>
#include <cmath>
#include <tuple>

#include "shared/require.hpp"

namespace vultus {
namespace {

constexpr std::size_t lanes = 16;
static_assert(limits::embedding_floats % lanes == 0, "a vector is whole steps of 16 lanes");

float squared_distance(const float* a, const float* b) noexcept {
    float sums[lanes] = {};
    for (std::size_t at = 0; at < limits::embedding_floats; at += lanes) {
        for (std::size_t lane = 0; lane < lanes; ++lane) {
            const float gap = a[at + lane] - b[at + lane];
            sums[lane] += gap * gap;
        }
    }
    for (std::size_t half = lanes / 2; half > 0; half /= 2) {
        for (std::size_t lane = 0; lane < half; ++lane) sums[lane] += sums[lane + half];
    }
    return sums[0];
}

struct neighbour {
    float squared = 0;
    const gallery_segment* segment = nullptr;
    std::size_t row = 0;

    const std::string& face_id() const { return segment->face_ids[row]; }
    const std::string& label() const { return *segment->labels[row]; }
    double distance() const { return std::sqrt(static_cast<double>(squared)); }
};

bool nearer(const neighbour& a, const neighbour& b) {
    if (a.squared != b.squared) return a.squared < b.squared;
    return a.face_id() < b.face_id();
}

/// The k nearest so far; a heap whose first element is the farthest of them.
class nearest {
 public:
    explicit nearest(std::size_t k) : k_(k) {}

    void offer(const neighbour& one) {
        if (kept_.size() == k_) {
            if (one.squared > kept_.front().squared || !nearer(one, kept_.front())) return;
            std::pop_heap(kept_.begin(), kept_.end(), nearer);
            kept_.pop_back();
        }
        kept_.push_back(one);
        std::push_heap(kept_.begin(), kept_.end(), nearer);
    }

    std::vector<neighbour> sorted() && {
        std::sort_heap(kept_.begin(), kept_.end(), nearer);
        return std::move(kept_);
    }

 private:
    std::size_t k_;
    std::vector<neighbour> kept_;
};

void search(const gallery_segment& segment, std::span<const embedding> faces,
            std::vector<nearest>& found) {
    for (std::size_t row = 0; row < segment.rows(); ++row) {
        if (segment.is_removed(row)) continue;
        const float* vector = segment.vectors[row].data();
        for (std::size_t face = 0; face < faces.size(); ++face) {
            found[face].offer({squared_distance(faces[face].data(), vector), &segment, row});
        }
    }
}

struct tally {
    candidate who;
    double votes = 0;
};

/// The labels of the neighbours within distance_max, the most votes first.
std::vector<tally> count_votes(const std::vector<neighbour>& neighbours, double distance_max) {
    std::vector<tally> tallies;
    for (const neighbour& one : neighbours) {  // nearest first
        const double distance = one.distance();
        if (distance > distance_max) break;
        auto known = std::find_if(tallies.begin(), tallies.end(),
                                  [&](const tally& t) { return t.who.label == one.label(); });
        if (known == tallies.end()) {
            tallies.push_back({{one.label(), distance, one.face_id()}, 0});
            known = tallies.end() - 1;
        }
        known->votes += 1 - distance / distance_max;
    }
    std::sort(tallies.begin(), tallies.end(), [](const tally& a, const tally& b) {
        return std::tie(b.votes, a.who.distance, a.who.label) <
               std::tie(a.votes, b.who.distance, b.who.label);
    });
    return tallies;
}

match decide(const std::vector<neighbour>& neighbours, const match_options& options) {
    match answer;
    if (neighbours.empty()) return answer;
    answer.distance = neighbours.front().distance();
    const std::vector<tally> tallies = count_votes(neighbours, options.distance_max);
    if (tallies.empty()) return answer;
    double votes = 0;
    for (const tally& one : tallies) {
        votes += one.votes;
        answer.candidates.push_back(one.who);
    }
    const tally& winner = tallies.front();
    answer.distance = winner.who.distance;
    // Every vote may be 0: neighbours exactly at distance_max.
    if (tallies.size() == 1) {
        answer.margin = 1;
    } else {
        answer.margin = votes > 0 ? (winner.votes - tallies[1].votes) / votes : 0;
    }
    if (answer.margin < options.margin_min) {
        answer.status = match_status::ambiguous;
        return answer;
    }
    answer.status = match_status::known;
    answer.label = winner.who.label;
    answer.face_id = winner.who.face_id;
    return answer;
}

}  // namespace

std::string_view name_of(match_status status) noexcept {
    switch (status) {
        case match_status::unknown:
            return "unknown";
        case match_status::known:
            return "known";
        case match_status::ambiguous:
            return "ambiguous";
    }
    return "";
}

float distance_between(const embedding& a, const embedding& b) noexcept {
    return std::sqrt(squared_distance(a.data(), b.data()));
}

std::vector<match> match_faces(const gallery& known, std::span<const embedding> faces,
                               const match_options& options) {
    VULTUS_REQUIRE(options.distance_max > 0 && options.distance_max <= 2, "0 < distance_max <= 2");
    VULTUS_REQUIRE(options.margin_min >= 0 && options.margin_min <= 1, "0 <= margin_min <= 1");
    VULTUS_REQUIRE(options.k >= 1 && options.k <= 100, "1 <= k <= 100");
    std::vector<nearest> found(faces.size(), nearest(static_cast<std::size_t>(options.k)));
    for (const auto& segment : known.segments) search(*segment, faces, found);
    std::vector<match> answers;
    for (nearest& one : found) answers.push_back(decide(std::move(one).sorted(), options));
    return answers;
}

}  // namespace vultus
