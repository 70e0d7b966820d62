// The probability that a gallery of N people, one face each, names a stranger at a given distance,
// and the distance for a given probability. Pure.
#pragma once

#include <optional>
#include <span>
#include <vector>

#include "workers/calibration/all_pairs.hpp"

namespace vultus {

/// The chance that none of `gallery` people, drawn from `others` of whom `near` resemble the
/// stranger, is one who does: the product of (others - near - k) / (others - k) over k < gallery.
/// Drawn without putting back, because that is what makes the mean over samples of people right:
/// with (1 - near / others) ^ gallery the chance comes out too small, by a quarter where the
/// gallery is two thirds of the sample. Linear between whole numbers of people: someone with half
/// of his photos near is near half of the time. More people than there are others are drawn with
/// putting back.
/// requires  0 <= near <= others; others >= 1; gallery >= 1
double chance_of_none(double near, double others, double gallery);

/// The chance that a stranger is named by a gallery of that many people with one face each: within
/// `distance` of any of them. The mean over people, of their photos as strangers; another person
/// counts as near to a photo by the share of his photos that are within the distance. So neither
/// people with many photos nor the few whom everybody resembles are taken for the rule: the chance
/// is not 1 - (1 - FAR) ^ N, which holds for strangers who are all alike.
/// requires  at least two people; gallery >= 1; the pairs kept reach `distance`
double naming_chance(const all_pairs&, float distance, int gallery);

/// The largest distance at which that chance is at most `chance`. Nothing if it lies beyond the
/// pairs kept, or the chance is not reached at any distance.
/// requires  at least two people; gallery >= 1; 0 < chance < 1
std::optional<float> distance_for_chance(const all_pairs&, int gallery, double chance);

/// The same for several chances that rise, in one pass over the pairs.
std::vector<std::optional<float>> distances_for_chances(const all_pairs&, int gallery,
                                                        std::span<const double> chances);

}  // namespace vultus
