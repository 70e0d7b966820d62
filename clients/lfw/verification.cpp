#include "clients/lfw/verification.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "shared/base/require.hpp"
#include "workers/calibration/all_pairs.hpp"

namespace vultus::lfw {
namespace {

std::vector<float> distances(std::span<const scored_pair> pairs, bool same) {
    std::vector<float> found;
    for (const scored_pair& pair : pairs) {
        if (pair.same == same && pair.distance) found.push_back(*pair.distance);
    }
    std::sort(found.begin(), found.end());
    return found;
}

float half_way(float low, float high) {
    const float middle = low + (high - low) / 2;
    return middle < high ? middle : low;
}

/// Nothing if no pair counts.
std::optional<double> share_right(std::span<const scored_pair> pairs, int fold, float threshold,
                                  bool missed_is_wrong) {
    double right = 0, all = 0;
    for (const scored_pair& pair : pairs) {
        if (pair.fold != fold || (!pair.distance && !missed_is_wrong)) continue;
        all += 1;
        if (pair.distance && (*pair.distance <= threshold) == pair.same) right += 1;
    }
    if (all == 0) return std::nullopt;
    return right / all;
}

}  // namespace

float best_threshold(std::span<const scored_pair> pairs) {
    std::vector<scored_pair> found;
    for (const scored_pair& pair : pairs) {
        if (pair.distance) found.push_back(pair);
    }
    if (found.empty()) return 0;
    std::sort(found.begin(), found.end(),
              [](const auto& a, const auto& b) { return *a.distance < *b.distance; });
    long right = std::count_if(found.begin(), found.end(), [](const auto& p) { return !p.same; });
    long best_right = right;  // of a threshold that accepts nothing
    float best = just_below(*found.front().distance);
    for (std::size_t i = 0; i < found.size(); ++i) {
        right += found[i].same ? 1 : -1;
        const float here = *found[i].distance;
        if (i + 1 < found.size() && *found[i + 1].distance == here) continue;  // all or none
        if (right <= best_right) continue;
        best_right = right;
        best = i + 1 < found.size() ? half_way(here, *found[i + 1].distance) : here;
    }
    return best;
}

std::optional<fold_accuracy> accuracy_over_folds(std::span<const scored_pair> pairs, int folds,
                                                 bool missed_is_wrong) {
    VULTUS_REQUIRE(folds >= 1, "at least one fold");
    std::vector<double> shares;
    for (int fold = 0; fold < folds; ++fold) {
        std::vector<scored_pair> others;
        for (const scored_pair& pair : pairs) {
            VULTUS_REQUIRE(pair.fold >= 0 && pair.fold < folds, "a fold of the list");
            if (pair.fold != fold) others.push_back(pair);
        }
        const auto share = share_right(pairs, fold, best_threshold(others), missed_is_wrong);
        if (share) shares.push_back(*share);
    }
    if (shares.size() < 2) return std::nullopt;
    const auto count = static_cast<double>(shares.size());
    fold_accuracy found;
    for (const double share : shares) found.mean += share / count;
    double squares = 0;
    for (const double share : shares) squares += (share - found.mean) * (share - found.mean);
    found.standard_error = std::sqrt(squares / (count - 1) / count);
    return found;
}

std::optional<double> area_under_curve(std::span<const scored_pair> pairs) {
    const auto same = distances(pairs, true), different = distances(pairs, false);
    if (same.empty() || different.empty()) return std::nullopt;
    double nearer = 0;
    for (const float distance : same) {
        const auto [first, last] = std::equal_range(different.begin(), different.end(), distance);
        nearer +=
            static_cast<double>(different.end() - last) + static_cast<double>(last - first) / 2;
    }
    return nearer / static_cast<double>(same.size()) / static_cast<double>(different.size());
}

std::optional<double> tar_at_far(std::span<const scored_pair> pairs, double far) {
    VULTUS_REQUIRE(far >= 0 && far <= 1, "a rate");
    const auto same = distances(pairs, true), different = distances(pairs, false);
    if (same.empty() || different.empty()) return std::nullopt;
    const std::size_t accepted = accepted_at(far, static_cast<double>(different.size()));
    if (accepted >= different.size()) return 1.0;
    const auto end = std::upper_bound(same.begin(), same.end(), just_below(different[accepted]));
    return static_cast<double>(end - same.begin()) / static_cast<double>(same.size());
}

}  // namespace vultus::lfw
