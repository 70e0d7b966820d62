#include "clients/lfw/trial.hpp"

#include <algorithm>
#include <cmath>
#include <random>

#include "shared/base/require.hpp"
#include "workers/calibration/naming_chance.hpp"
#include "workers/gallery/matcher.hpp"

namespace vultus::lfw {
namespace {

constexpr std::size_t strangers_min = 20;

/// The faces of each person, people in the order of their numbers.
std::vector<std::vector<numbered_face>> by_person(std::span<const numbered_face> faces) {
    std::vector<std::vector<numbered_face>> people;
    for (const numbered_face& one : faces) {
        if (one.person >= people.size()) people.resize(one.person + 1);
        people[one.person].push_back(one);
    }
    std::erase_if(people, [](const auto& theirs) { return theirs.empty(); });
    return people;
}

/// The same order on every platform, which std::shuffle does not guarantee.
void shuffle(std::vector<std::vector<numbered_face>>& people, std::mt19937_64& chance) {
    for (std::size_t i = people.size(); i > 1; --i) std::swap(people[i - 1], people[chance() % i]);
}

std::vector<embedding> one_of_each(std::span<const std::vector<numbered_face>> people,
                                   std::mt19937_64& chance) {
    std::vector<embedding> photos;
    for (const auto& theirs : people) photos.push_back(theirs[chance() % theirs.size()].vector);
    return photos;
}

/// For each stranger, how near the nearest of the first `gallery` is.
std::vector<float> nearest_distances(std::span<const embedding> photos, std::size_t gallery) {
    std::vector<float> nearest;
    for (std::size_t i = gallery; i < photos.size(); ++i) {
        float best = distance_between(photos[i], photos[0]);
        for (std::size_t j = 1; j < gallery; ++j) {
            best = std::min(best, distance_between(photos[i], photos[j]));
        }
        nearest.push_back(best);
    }
    return nearest;
}

struct tally {
    std::vector<double> shares;
    double distances = 0;
    int strangers = 0;
};

trial_row row_of(const tally& seen, int gallery, double expected) {
    trial_row row{gallery, expected, 0, 0, 0, static_cast<int>(seen.shares.size()), seen.strangers};
    const double count = row.draws;
    for (const double share : seen.shares) row.observed += share / count;
    double squares = 0;
    for (const double share : seen.shares) squares += std::pow(share - row.observed, 2);
    row.deviation = row.draws > 1 ? std::sqrt(squares / (count - 1)) : 0;
    row.distance = seen.distances / count;
    return row;
}

}  // namespace

std::vector<trial_row> try_calibration(std::span<const numbered_face> faces,
                                       const trial_plan& plan) {
    VULTUS_REQUIRE(plan.draws >= 1, "at least one draw");
    auto people = by_person(faces);
    const std::size_t half = people.size() / 2;
    std::vector<tally> tallies(plan.galleries.size() * plan.chances.size());
    std::mt19937_64 chance(plan.seed);
    for (int draw = 0; draw < plan.draws && half >= 2; ++draw) {
        shuffle(people, chance);
        std::vector<numbered_face> known;
        for (std::size_t i = 0; i < half; ++i) {
            known.insert(known.end(), people[i].begin(), people[i].end());
        }
        const all_pairs pairs = compare_all(known);
        const auto photos = one_of_each(std::span(people).subspan(half), chance);
        tally* next = tallies.data();
        for (const int gallery : plan.galleries) {
            const auto known_people = static_cast<std::size_t>(gallery);
            const bool fits = photos.size() >= known_people + strangers_min;
            const auto nearest =
                fits ? nearest_distances(photos, known_people) : std::vector<float>{};
            for (const double expected : plan.chances) {
                tally& seen = *next++;
                if (!fits) continue;
                const auto distance = distance_for_chance(pairs, gallery, expected);
                if (!distance) continue;
                const auto named = std::count_if(nearest.begin(), nearest.end(),
                                                 [&](float d) { return d <= *distance; });
                seen.strangers = static_cast<int>(nearest.size());
                seen.shares.push_back(static_cast<double>(named) / seen.strangers);
                seen.distances += double{*distance};
            }
        }
    }
    std::vector<trial_row> rows;
    for (std::size_t i = 0; i < tallies.size(); ++i) {
        if (tallies[i].shares.empty()) continue;
        rows.push_back(row_of(tallies[i], plan.galleries[i / plan.chances.size()],
                              plan.chances[i % plan.chances.size()]));
    }
    return rows;
}

}  // namespace vultus::lfw
