#include "workers/calibration/naming_chance.hpp"

#include <algorithm>
#include <cmath>

#include "shared/base/require.hpp"

namespace vultus {
namespace {

double chance_of_none_whole(double near, double others, double gallery) {
    if (near == 0) return 1;
    if (others - near < gallery) return 0;
    return std::exp(std::lgamma(others - near + 1) - std::lgamma(others - near - gallery + 1) +
                    std::lgamma(others - gallery + 1) - std::lgamma(others + 1));
}

/// The chance as pairs come nearer than the distance, one after the other.
class named_strangers {
 public:
    named_strangers(const all_pairs& pairs, int gallery)
        : pairs_(pairs), gallery_(gallery), near_(pairs.person_of.size()) {
        people_ = static_cast<double>(std::count_if(pairs.faces_of.begin(), pairs.faces_of.end(),
                                                    [](auto count) { return count > 0; }));
        VULTUS_REQUIRE(people_ >= 2, "two people at least");
        VULTUS_REQUIRE(gallery >= 1, "somebody in the gallery");
    }

    void add(const impostor_pair& pair) {
        add(pair.first, pair.second);
        add(pair.second, pair.first);
    }

    double chance() const { return chance_; }

 private:
    double faces_with(std::uint32_t face) const { return pairs_.faces_of[pairs_.person_of[face]]; }

    void add(std::uint32_t stranger, std::uint32_t known) {
        double& near = near_[stranger];
        const double before = chance_of_none(near, people_ - 1, gallery_);
        near = std::min(near + 1 / faces_with(known), people_ - 1);
        const double after = chance_of_none(near, people_ - 1, gallery_);
        chance_ += (before - after) / faces_with(stranger) / people_;
    }

    const all_pairs& pairs_;
    double gallery_;
    double people_ = 0;
    double chance_ = 0;
    std::vector<double> near_;  ///< people near to each face
};

}  // namespace

double chance_of_none(double near, double others, double gallery) {
    VULTUS_REQUIRE(near >= 0 && near <= others && others >= 1 && gallery >= 1, "a part of others");
    if (gallery > others) return std::pow(1 - near / others, gallery);
    const double whole = std::floor(near), part = near - whole;
    const double low = chance_of_none_whole(whole, others, gallery);
    return part > 0 ? low + part * (chance_of_none_whole(whole + 1, others, gallery) - low) : low;
}

double naming_chance(const all_pairs& pairs, float distance, int gallery) {
    named_strangers strangers(pairs, gallery);
    VULTUS_REQUIRE(pairs.whole() || distance < pairs.impostors.back().distance,
                   "a distance within the pairs kept");
    for (const impostor_pair& pair : pairs.impostors) {
        if (pair.distance > distance) break;
        strangers.add(pair);
    }
    return strangers.chance();
}

std::optional<float> distance_for_chance(const all_pairs& pairs, int gallery, double chance) {
    return distances_for_chances(pairs, gallery, std::span(&chance, 1)).front();
}

std::vector<std::optional<float>> distances_for_chances(const all_pairs& pairs, int gallery,
                                                        std::span<const double> chances) {
    std::vector<std::optional<float>> found;
    for (std::size_t i = 0; i < chances.size(); ++i) {
        VULTUS_REQUIRE(chances[i] > 0 && chances[i] < 1, "a chance");
        VULTUS_REQUIRE(i == 0 || chances[i] > chances[i - 1], "chances that rise");
    }
    named_strangers strangers(pairs, gallery);
    for (const impostor_pair& pair : pairs.impostors) {
        if (found.size() == chances.size()) break;
        strangers.add(pair);
        while (found.size() < chances.size() &&
               strangers.chance() > chances[found.size()] * (1 + 1e-12)) {
            found.push_back(just_below(pair.distance));
        }
    }
    found.resize(chances.size());
    return found;
}

}  // namespace vultus
