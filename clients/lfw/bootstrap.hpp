// Confidence intervals of a share of pairs by a bootstrap. Pairs of one person are not independent,
// so people are resampled, not pairs: each draw takes as many people as there are, some several
// times, some not at all, and computes the figure for them. Pure; the same seed gives the same
// draws.
#pragma once

#include <cstdint>
#include <vector>

#include "workers/calibration/all_pairs.hpp"

namespace vultus::lfw {

struct interval {
    double low = 0;
    double high = 0;
};

/// How often each person (second index) is in each draw (first index).
using people_draws = std::vector<std::vector<std::uint16_t>>;

/// Draws among the people who have a face. requires  draws >= 1
people_draws draw_people(const all_pairs&, int draws, std::uint64_t seed);

/// The share of genuine pairs accepted at that rate of false acceptance, for each draw, at the
/// draw's own distance for that rate. A person drawn twice counts twice in the genuine pairs and is
/// never an impostor of themselves. NaN for a draw without a genuine pair.
/// requires  draws of the same people; 0 < far <= 0.01
std::vector<double> tar_of_draws(const all_pairs&, double far, const people_draws& draws);

/// The middle 95 % of the values, by nearest rank; what is not a number is left out. requires  one
/// value that is a number
interval middle_95(std::vector<double> values);

/// a[i] - b[i]. requires  as many of both
std::vector<double> differences(const std::vector<double>& a, const std::vector<double>& b);

}  // namespace vultus::lfw
