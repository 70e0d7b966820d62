#include "clients/lfw/bootstrap.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <random>

#include "clients/lfw/verification.hpp"
#include "shared/base/require.hpp"

namespace vultus::lfw {
namespace {

using counts = std::vector<std::uint16_t>;

/// Weight of all impostor pairs in the draw: the pairs of all faces less those of one person.
double impostor_weight(const all_pairs& pairs, const counts& times) {
    double all = 0, squares = 0;
    for (std::size_t person = 0; person < times.size(); ++person) {
        const double faces = 1.0 * pairs.faces_of[person] * times[person];
        all += faces;
        squares += faces * faces;
    }
    return (all * all - squares) / 2;
}

float distance_of_draw(const all_pairs& pairs, double far, const counts& times) {
    const double budget = far * impostor_weight(pairs, times) * (1 + 1e-12);
    double weight = 0;
    for (const impostor_pair& pair : pairs.impostors) {
        weight += 1.0 * times[pairs.person_of[pair.first]] * times[pairs.person_of[pair.second]];
        if (weight > budget) return just_below(pair.distance);
    }
    VULTUS_REQUIRE(pairs.whole(), "a rate within the pairs kept");
    return std::numeric_limits<float>::infinity();
}

double tar_of_draw(const all_pairs& pairs, float distance, const counts& times) {
    double accepted = 0, all = 0;
    for (const genuine_pair& pair : pairs.genuine) {
        all += times[pair.person];
        if (pair.distance <= distance) accepted += times[pair.person];
    }
    return all > 0 ? accepted / all : std::numeric_limits<double>::quiet_NaN();
}

}  // namespace

people_draws draw_people(const all_pairs& pairs, int draws, std::uint64_t seed) {
    VULTUS_REQUIRE(draws >= 1, "at least one draw");
    std::vector<std::size_t> people;
    for (std::size_t person = 0; person < pairs.faces_of.size(); ++person) {
        if (pairs.faces_of[person] > 0) people.push_back(person);
    }
    std::mt19937_64 chance(seed);
    people_draws drawn(static_cast<std::size_t>(draws), counts(pairs.faces_of.size()));
    for (counts& times : drawn) {
        for (std::size_t i = 0; i < people.size(); ++i) ++times[people[chance() % people.size()]];
    }
    return drawn;
}

std::vector<double> tar_of_draws(const all_pairs& pairs, double far, const people_draws& draws) {
    VULTUS_REQUIRE(far > 0 && far <= 0.01, "a rate well within the pairs kept");
    std::vector<double> shares;
    for (const counts& times : draws) {
        VULTUS_REQUIRE(times.size() == pairs.faces_of.size(), "draws of the same people");
        shares.push_back(tar_of_draw(pairs, distance_of_draw(pairs, far, times), times));
    }
    return shares;
}

interval middle_95(std::vector<double> values) {
    std::erase_if(values, [](double value) { return std::isnan(value); });
    VULTUS_REQUIRE(!values.empty(), "a value");
    std::sort(values.begin(), values.end());
    const auto last = static_cast<double>(values.size() - 1);
    const auto at = [&](double share) {
        return values[static_cast<std::size_t>(std::lround(share * last))];
    };
    return {at(0.025), at(0.975)};
}

std::vector<double> differences(const std::vector<double>& a, const std::vector<double>& b) {
    VULTUS_REQUIRE(a.size() == b.size(), "as many of both");
    std::vector<double> less;
    for (std::size_t i = 0; i < a.size(); ++i) less.push_back(a[i] - b[i]);
    return less;
}

}  // namespace vultus::lfw
