#include "clients/lfw/evaluation.hpp"

#include <algorithm>
#include <set>

#include "shared/base/require.hpp"
#include "workers/calibration/naming_chance.hpp"
#include "workers/calibration/table_of_pairs.hpp"
#include "workers/gallery/matcher.hpp"

namespace vultus::lfw {
namespace {

std::size_t index_of(const std::vector<photo_id>& photos, const photo_id& wanted) {
    const auto at = std::lower_bound(photos.begin(), photos.end(), wanted);
    VULTUS_REQUIRE(at != photos.end() && *at == wanted, "a photo that was looked at");
    return static_cast<std::size_t>(at - photos.begin());
}

/// The photos, indexed for the evaluation.
struct material {
    const pair_list& list;
    const std::vector<photo_id>& photos;
    const std::vector<std::optional<raw_face>>& faces;
    std::vector<std::pair<std::size_t, std::size_t>> pairs;  ///< photos of each pair of the list
    std::vector<bool> named;                                 ///< whether the list has the photo
    std::vector<std::uint32_t> person;                       ///< of each photo

    material(const pair_list& pairs_wanted, const std::vector<photo_id>& sorted,
             const std::vector<std::optional<raw_face>>& seen)
        : list(pairs_wanted), photos(sorted), faces(seen), named(sorted.size()) {
        VULTUS_REQUIRE(photos.size() == faces.size(), "faces that go with the photos");
        VULTUS_REQUIRE(std::is_sorted(photos.begin(), photos.end()), "sorted photos");
        for (const photo_pair& pair : list.pairs) {
            const auto first = index_of(photos, pair.first), second = index_of(photos, pair.second);
            pairs.emplace_back(first, second);
            named[first] = named[second] = true;
        }
        for (std::size_t i = 0; i < photos.size(); ++i) {
            const bool next = i > 0 && photos[i].person != photos[i - 1].person;
            person.push_back(i == 0 ? 0 : person.back() + (next ? 1 : 0));
        }
    }

    std::vector<numbered_face> found(const std::string& which, bool named_only) const {
        std::vector<numbered_face> there;
        for (std::size_t i = 0; i < photos.size(); ++i) {
            if (!faces[i] || (named_only && !named[i])) continue;
            there.push_back({of_embedder(which, *faces[i]), person[i]});
        }
        return there;
    }

    std::vector<scored_pair> scored(const std::string& which) const {
        std::vector<scored_pair> scores;
        for (std::size_t i = 0; i < pairs.size(); ++i) {
            const auto &first = faces[pairs[i].first], &second = faces[pairs[i].second];
            scored_pair score{std::nullopt, list.pairs[i].same(), list.pairs[i].fold};
            if (first && second) {
                score.distance =
                    distance_between(of_embedder(which, *first), of_embedder(which, *second));
            }
            scores.push_back(score);
        }
        return scores;
    }
};

list_figures figures_of_list(std::span<const scored_pair> pairs, int folds) {
    return {accuracy_over_folds(pairs, folds, true), accuracy_over_folds(pairs, folds, false),
            tar_at_far(pairs, 1e-2), tar_at_far(pairs, 1e-3), area_under_curve(pairs)};
}

std::optional<default_figures> at_default(const all_pairs& pairs, const plan& what) {
    const float distance = distance_at_far(pairs, usual_false_match_rate);
    if (!pairs.whole() && distance >= pairs.impostors.back().distance) return std::nullopt;
    default_figures found{
        distance, far_at(pairs, distance), tar_at(pairs, distance).value_or(0), {}};
    for (const int gallery : what.galleries) {
        found.stranger_named.push_back(naming_chance(pairs, distance, gallery));
    }
    return found;
}

calibration_figures calibrated(std::span<const numbered_face> faces, const std::string& which,
                               const plan& what) {
    const all_pairs pairs = compare_all(faces);
    calibration_figures found;
    found.people = static_cast<std::size_t>(std::count_if(
        pairs.faces_of.begin(), pairs.faces_of.end(), [](auto count) { return count > 0; }));
    found.faces = faces.size();
    found.genuine = pairs.genuine.size();
    found.impostors = pairs.impostors_all;
    if (found.people < 2) return found;
    for (const double far : what.threshold_rates) {
        const float distance = distance_at_far(pairs, far);
        found.thresholds.push_back({far, distance, tar_at(pairs, distance).value_or(0)});
    }
    for (const int gallery : what.galleries) {
        for (const double chance : what.chances) {
            const auto distance = distance_for_chance(pairs, gallery, chance);
            if (!distance) continue;
            found.galleries.push_back({gallery, chance, *distance, far_at(pairs, *distance),
                                       tar_at(pairs, *distance).value_or(0)});
        }
    }
    found.default_galleries = what.galleries;
    found.usually = at_default(pairs, what);
    found.trials = try_calibration(faces, what.trial);
    const std::string data = what.data + ": " + std::to_string(found.faces) + " faces of " +
                             std::to_string(found.people) + " people";
    found.table = table_of(pairs, what.detector, which, data);
    return found;
}

/// TAR of each draw, for each rate.
using rate_draws = std::vector<std::vector<double>>;

std::vector<rate_figures> rates_over(const all_pairs& pairs, const plan& what,
                                     const people_draws& drawn, rate_draws& tars) {
    std::vector<rate_figures> found;
    if (pairs.genuine.empty() || pairs.impostors_all == 0) return found;
    for (const double far : what.rates) {
        tars.push_back(tar_of_draws(pairs, far, drawn));
        const float distance = distance_at_far(pairs, far);
        found.push_back({far, distance, *tar_at(pairs, distance), middle_95(tars.back()), {}, {}});
    }
    return found;
}

}  // namespace

std::vector<scored_pair> pair_distances(const pair_list& list, const std::vector<photo_id>& photos,
                                        const std::vector<std::optional<raw_face>>& faces,
                                        const std::string& which) {
    return material(list, photos, faces).scored(which);
}

run_figures evaluate(const pair_list& list, const std::vector<photo_id>& photos,
                     const std::vector<std::optional<raw_face>>& faces, const plan& what) {
    VULTUS_REQUIRE(!what.variants.empty(), "a kind");
    const material all(list, photos, faces);
    run_figures run;
    run.photos = photos.size();
    run.missed = static_cast<std::size_t>(std::count(faces.begin(), faces.end(), std::nullopt));
    run.pairs = list.pairs.size();
    for (std::size_t i = 0; i < all.pairs.size(); ++i) {
        if (faces[all.pairs[i].first] && faces[all.pairs[i].second]) continue;
        ++(list.pairs[i].same() ? run.genuine_missed : run.impostors_missed);
    }
    people_draws drawn;
    rate_draws base;
    for (const std::string& which : what.variants) {
        variant_figures found;
        found.which = which;
        found.list = figures_of_list(all.scored(which), list.folds);
        const all_pairs pairs = compare_all(all.found(which, true));
        if (drawn.empty()) drawn = draw_people(pairs, what.draws, what.seed);
        found.genuine = pairs.genuine.size();
        found.impostors = pairs.impostors_all;
        rate_draws tars;
        found.rates = rates_over(pairs, what, drawn, tars);
        for (std::size_t i = 0; i < found.rates.size() && !run.variants.empty(); ++i) {
            found.rates[i].gain = found.rates[i].tar - run.variants.front().rates[i].tar;
            found.rates[i].gain_95 = middle_95(differences(tars[i], base[i]));
        }
        if (run.variants.empty()) base = std::move(tars);
        found.roc = roc_of(pairs, 1e-5, 1e-2, 61);
        if (what.calibrate) found.calibration = calibrated(all.found(which, false), which, what);
        run.variants.push_back(std::move(found));
    }
    return run;
}

}  // namespace vultus::lfw
