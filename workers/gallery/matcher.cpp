// The vote over what search.hpp found.
#include "workers/gallery/matcher.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <tuple>

#include "shared/base/require.hpp"

namespace vultus {
namespace {

struct tally {
    candidate who;
    double votes = 0;
};

/// The voters among `found`, nearest first: one of equal faces of one label, then the k nearest,
/// and all that are as near as the last of these.
struct electorate {
    std::vector<neighbour> voters;
    bool closed = false;  ///< nothing farther away can belong to it
};

bool is_same_face(const neighbour& a, const neighbour& b) {
    return a.squared == b.squared && a.label() == b.label() &&
           std::ranges::equal(a.segment->vector(a.row), b.segment->vector(b.row));
}

electorate electorate_of(const std::vector<neighbour>& found, const match_options& options) {
    electorate chosen;
    const auto k = static_cast<std::size_t>(options.k);
    for (const neighbour& one : found) {
        auto& voters = chosen.voters;
        chosen.closed = one.distance() > options.distance_max ||
                        (voters.size() >= k && one.squared > voters.back().squared);
        if (chosen.closed && !voters.empty()) break;
        const auto as_near = std::find_if(voters.rbegin(), voters.rend(), [&](const auto& other) {
                                 return other.squared != one.squared;
                             }).base();
        if (std::none_of(as_near, voters.end(),
                         [&](const auto& other) { return is_same_face(one, other); })) {
            voters.push_back(one);
        }
    }
    return chosen;
}

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

/// The electorate of each face: usually one search; a larger one for faces with many near ties.
std::vector<electorate> electorates(const gallery& known, std::span<const embedding> faces,
                                    const match_options& options, const search_options& how) {
    std::vector<electorate> all(faces.size());
    std::vector<std::size_t> open(faces.size());
    std::iota(open.begin(), open.end(), std::size_t{0});
    for (auto most = static_cast<std::size_t>(options.k) + 1; !open.empty();
         most = std::min(most * 8, neighbours_max)) {
        std::vector<embedding> asked;
        for (const std::size_t face : open) asked.push_back(faces[face]);
        const auto found = nearest_faces(known, asked, most, how);
        std::vector<std::size_t> left;
        for (std::size_t i = 0; i < open.size(); ++i) {
            all[open[i]] = electorate_of(found[i], options);
            const bool whole = found[i].size() < most || most >= neighbours_max;
            if (!all[open[i]].closed && !whole) left.push_back(open[i]);
        }
        open = std::move(left);
    }
    return all;
}

std::vector<candidate> nearest_people(const std::vector<neighbour>& found, std::size_t most) {
    std::vector<candidate> people;
    for (const neighbour& one : found) {  // nearest first
        if (people.size() == most) break;
        const bool known = std::ranges::any_of(
            people, [&](const candidate& other) { return other.label == one.label(); });
        if (!known) people.push_back({one.label(), one.distance(), one.face_id()});
    }
    return people;
}

/// The `most` nearest people of each face: usually one search, larger ones where few people have
/// all the near faces.
std::vector<std::vector<candidate>> top_people(const gallery& known,
                                               std::span<const embedding> faces, std::size_t most,
                                               const search_options& how) {
    std::vector<std::vector<candidate>> all(faces.size());
    std::vector<std::size_t> open(faces.size());
    std::iota(open.begin(), open.end(), std::size_t{0});
    const std::size_t wanted = std::min(most, known.people);
    for (std::size_t rows = most * 4; !open.empty(); rows = std::min(rows * 8, neighbours_max)) {
        std::vector<embedding> asked;
        for (const std::size_t face : open) asked.push_back(faces[face]);
        const auto found = nearest_faces(known, asked, rows, how);
        std::vector<std::size_t> left;
        for (std::size_t i = 0; i < open.size(); ++i) {
            all[open[i]] = nearest_people(found[i], wanted);
            const bool whole = found[i].size() < rows || rows >= neighbours_max;
            if (all[open[i]].size() < wanted && !whole) left.push_back(open[i]);
        }
        open = std::move(left);
    }
    return all;
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
    std::sort(answer.candidates.begin(), answer.candidates.end(), [](const auto& a, const auto& b) {
        return std::tie(a.distance, a.label) < std::tie(b.distance, b.label);
    });
    if (answer.candidates.size() > candidates_max) answer.candidates.resize(candidates_max);
    const tally& winner = tallies.front();
    answer.label = winner.who.label;
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
    VULTUS_REQUIRE(a.size() == b.size(), "embeddings of one model");
    return std::sqrt(squared_distance(a.data(), b.data(), a.size()));
}

std::vector<match> match_faces(const gallery& known, std::span<const embedding> faces,
                               const match_options& options, const search_options& how) {
    VULTUS_REQUIRE(options.distance_max > 0 && options.distance_max <= 2, "0 < distance_max <= 2");
    VULTUS_REQUIRE(options.margin_min >= 0 && options.margin_min <= 1, "0 <= margin_min <= 1");
    VULTUS_REQUIRE(options.k >= 1 && options.k <= 100, "1 <= k <= 100");
    VULTUS_REQUIRE(options.top >= 0 && options.top <= 100, "0 <= top <= 100");
    std::vector<match> answers;
    for (const electorate& chosen : electorates(known, faces, options, how)) {
        answers.push_back(decide(chosen.voters, options));
    }
    if (options.top == 0) return answers;
    auto people = top_people(known, faces, static_cast<std::size_t>(options.top), how);
    for (std::size_t i = 0; i < answers.size(); ++i) answers[i].candidates = std::move(people[i]);
    return answers;
}

}  // namespace vultus
