#include "workers/calibration/all_pairs.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "shared/base/require.hpp"
#include "workers/gallery/matcher.hpp"

namespace vultus {
namespace {

constexpr double share_kept = 0.05;

bool nearer(const impostor_pair& a, const impostor_pair& b) {
    return a.distance < b.distance;
}

void keep_nearest(std::vector<impostor_pair>& pairs, std::size_t count) {
    if (pairs.size() <= count) return;
    std::nth_element(pairs.begin(), pairs.begin() + static_cast<std::ptrdiff_t>(count), pairs.end(),
                     nearer);
    pairs.resize(count);
}

void count_people(all_pairs& found, std::span<const numbered_face> faces) {
    for (const numbered_face& one : faces) {
        found.person_of.push_back(one.person);
        if (one.person >= found.faces_of.size()) found.faces_of.resize(one.person + 1);
        ++found.faces_of[one.person];
    }
    std::uint64_t seen = 0;
    for (const std::uint64_t count : found.faces_of) {
        found.impostors_all += seen * count;
        seen += count;
    }
}

}  // namespace

std::size_t accepted_at(double far, double count) {
    return static_cast<std::size_t>(far * count * (1 + 1e-12));
}

float just_below(float distance) {
    return std::nextafter(distance, -std::numeric_limits<float>::infinity());
}

all_pairs compare_all(std::span<const numbered_face> faces, std::size_t keep_min,
                      const on_pair& each) {
    all_pairs found;
    count_people(found, faces);
    const auto share =
        static_cast<std::size_t>(std::ceil(share_kept * static_cast<double>(found.impostors_all)));
    const std::size_t keep = std::max(keep_min, share + 1);
    for (std::uint32_t i = 1; i < faces.size(); ++i) {
        for (std::uint32_t j = 0; j < i; ++j) {
            const float distance = distance_between(faces[i].vector, faces[j].vector);
            if (each) each(j, i, distance);
            if (faces[i].person == faces[j].person) {
                found.genuine.push_back({distance, faces[i].person});
            } else {
                found.impostors.push_back({distance, j, i});
            }
        }
        if (found.impostors.size() > 2 * keep) keep_nearest(found.impostors, keep);
    }
    keep_nearest(found.impostors, keep);
    std::sort(found.impostors.begin(), found.impostors.end(), nearer);
    std::sort(found.genuine.begin(), found.genuine.end(),
              [](const auto& a, const auto& b) { return a.distance < b.distance; });
    return found;
}

float distance_at_far(const all_pairs& pairs, double far) {
    VULTUS_REQUIRE(far >= 0 && far <= 1, "a rate");
    const std::size_t accepted = accepted_at(far, static_cast<double>(pairs.impostors_all));
    if (accepted >= pairs.impostors_all) return std::numeric_limits<float>::infinity();
    VULTUS_REQUIRE(accepted < pairs.impostors.size(), "a rate within the pairs kept");
    return just_below(pairs.impostors[accepted].distance);
}

double far_at(const all_pairs& pairs, float distance) {
    if (pairs.impostors.empty()) return 0;
    VULTUS_REQUIRE(pairs.whole() || distance < pairs.impostors.back().distance,
                   "a distance within the pairs kept");
    const auto end = std::upper_bound(
        pairs.impostors.begin(), pairs.impostors.end(), distance,
        [](float value, const impostor_pair& pair) { return value < pair.distance; });
    return static_cast<double>(end - pairs.impostors.begin()) /
           static_cast<double>(pairs.impostors_all);
}

std::optional<double> tar_at(const all_pairs& pairs, float distance) {
    if (pairs.genuine.empty()) return std::nullopt;
    const auto end = std::upper_bound(
        pairs.genuine.begin(), pairs.genuine.end(), distance,
        [](float value, const genuine_pair& pair) { return value < pair.distance; });
    return static_cast<double>(end - pairs.genuine.begin()) /
           static_cast<double>(pairs.genuine.size());
}

std::vector<roc_point> roc_of(const all_pairs& pairs, double far_min, double far_max, int points) {
    VULTUS_REQUIRE(far_min > 0 && far_min < far_max && far_max <= share_kept && points >= 2,
                   "rates within the pairs kept");
    std::vector<roc_point> curve;
    if (pairs.genuine.empty() || pairs.impostors_all == 0) return curve;
    for (int i = 0; i < points; ++i) {
        const double far = far_min * std::pow(far_max / far_min, i / (points - 1.0));
        const double kept = std::min(far, far_max);  // pow() may round up
        curve.push_back({kept, *tar_at(pairs, distance_at_far(pairs, kept))});
    }
    return curve;
}

}  // namespace vultus
