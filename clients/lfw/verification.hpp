// Verification (are two photos of one person?): figures of a list of pairs with known answers.
// Pure. A pair is accepted if its distance is at most the threshold, as the service accepts a
// neighbour.
#pragma once

#include <optional>
#include <span>
#include <vector>

namespace vultus::lfw {

struct scored_pair {
    std::optional<float> distance;  ///< nothing: one of the photos shows no face
    bool same = false;              ///< both show one person
    int fold = 0;
};

struct fold_accuracy {
    double mean = 0;            ///< share of right answers, 0..1, mean of the folds
    double standard_error = 0;  ///< of that mean: deviation of the folds / sqrt(folds); 0 for one
};

/// The threshold with the most right answers: half way between two distances, or below all, or at
/// the largest. The smallest of equally good ones. Pairs without a distance are left out; without
/// any pair: 0.
float best_threshold(std::span<const scored_pair> pairs);

/// Accuracy of each fold with the best threshold of the other folds. A pair without a distance
/// counts as a wrong answer if `missed_is_wrong`, else it is left out. Folds without a pair are
/// left out. requires  folds >= 1; each pair's fold is 0..folds - 1
/// returns   nothing if fewer than two folds have pairs
/// source    the protocol of LFW, View 2: UMass Amherst TR 07-49, section 3
std::optional<fold_accuracy> accuracy_over_folds(std::span<const scored_pair> pairs, int folds,
                                                 bool missed_is_wrong);

/// The chance that a matched pair is nearer than a mismatched one; equal distances count half.
/// Pairs without a distance are left out. Nothing unless there are both kinds.
std::optional<double> area_under_curve(std::span<const scored_pair> pairs);

/// Share of matched pairs accepted by the largest threshold that accepts at most `far` of the
/// mismatched ones. Pairs without a distance are left out. Nothing unless there are both kinds.
/// requires  0 <= far <= 1
std::optional<double> tar_at_far(std::span<const scored_pair> pairs, double far);

}  // namespace vultus::lfw
