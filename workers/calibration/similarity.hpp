// One scale for the distances of all models: 0.5 where the service's threshold lies, towards 1 for
// nearer faces and towards 0 for others. Pure.
#pragma once

namespace vultus {

/// Steepness of the curve: at half the threshold 0.993, at one and a half of it 0.007.
inline constexpr double similarity_slope = 10;

/// Smallest and largest similarity that a request may set as its minimum. The distance of the
/// largest is 0.54 of the threshold, so somebody can still be within it.
inline constexpr double similarity_least = 0.01, similarity_most = 0.99;

/// 1 / (1 + exp(10 (distance / threshold - 1))).
/// requires  distance >= 0, threshold > 0: the distance at which the service names by itself
double similarity_at(double distance, double threshold);

/// The distance of that similarity, at most 2: no vectors of length 1 are farther apart.
/// requires  similarity_least <= similarity <= similarity_most; threshold > 0
double distance_at_similarity(double similarity, double threshold);

}  // namespace vultus
