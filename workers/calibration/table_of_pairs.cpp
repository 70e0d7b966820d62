#include "workers/calibration/table_of_pairs.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <utility>

#include "workers/calibration/naming_chance.hpp"

namespace vultus {
namespace {

constexpr std::array far_rates{1e-6, 2e-6, 5e-6, 1e-5, 2e-5, 5e-5, 1e-4,
                               2e-4, 5e-4, 1e-3, 2e-3, 5e-3, 1e-2, 2e-2};
constexpr std::array stranger_rates{0.001, 0.002, 0.005, 0.01, 0.02, 0.05,
                                    0.1,   0.2,   0.3,   0.5,  0.7,  0.9};
constexpr std::array galleries{1, 2, 5, 10, 20, 50, 100, 200, 300, 500, 1'000};
constexpr double pairs_min = 10;  ///< fewer say little about a rate

/// Four digits, and never more than was measured.
void append(std::vector<rate_at>& to, double rate, float distance) {
    const double rounded = std::floor(static_cast<double>(distance) * 1e4) / 1e4;
    if (std::isfinite(rounded) && rounded > 0 && rounded <= 2) to.push_back({rate, rounded});
}

}  // namespace

calibration_table table_of(const all_pairs& pairs, std::string detector, std::string embedder,
                           std::string data) {
    calibration_table table{std::move(detector), std::move(embedder), std::move(data), {}, {}};
    const auto all = static_cast<double>(pairs.impostors_all);
    const double kept = static_cast<double>(pairs.impostors.size()) / all;
    for (const double rate : far_rates) {
        if (rate * all < pairs_min || rate >= kept) continue;
        append(table.comparisons, rate, distance_at_far(pairs, rate));
    }
    const auto people = std::count_if(pairs.faces_of.begin(), pairs.faces_of.end(),
                                      [](auto count) { return count > 0; });
    for (const int faces : galleries) {
        if (faces >= people) break;
        gallery_rates row{static_cast<double>(faces), {}};
        const auto distances = distances_for_chances(pairs, faces, stranger_rates);
        for (std::size_t i = 0; i < distances.size(); ++i) {
            if (distances[i]) append(row.rates, stranger_rates[i], *distances[i]);
        }
        if (!row.rates.empty()) table.galleries.push_back(std::move(row));
    }
    return table;
}

}  // namespace vultus
