// The vote over what search.hpp found.
#include "workers/matcher.hpp"

#include <algorithm>
#include <cmath>
#include <tuple>

#include "shared/require.hpp"

namespace vultus {
namespace {

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
                               const match_options& options, const search_options& how) {
    VULTUS_REQUIRE(options.distance_max > 0 && options.distance_max <= 2, "0 < distance_max <= 2");
    VULTUS_REQUIRE(options.margin_min >= 0 && options.margin_min <= 1, "0 <= margin_min <= 1");
    VULTUS_REQUIRE(options.k >= 1 && options.k <= 100, "1 <= k <= 100");
    std::vector<match> answers;
    for (const auto& neighbours :
         nearest_faces(known, faces, static_cast<std::size_t>(options.k), how)) {
        answers.push_back(decide(neighbours, options));
    }
    return answers;
}

}  // namespace vultus
