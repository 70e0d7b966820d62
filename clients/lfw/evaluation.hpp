// All figures of a run, computed from the embeddings: for the pairs of the list, for all pairs of
// these photos, and for thresholds. Pure; report.hpp prints them.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "clients/lfw/bootstrap.hpp"
#include "clients/lfw/embedding_variants.hpp"
#include "clients/lfw/pairs.hpp"
#include "clients/lfw/trial.hpp"
#include "clients/lfw/verification.hpp"
#include "workers/calibration/all_pairs.hpp"
#include "workers/calibration/calibration.hpp"

namespace vultus::lfw {

/// Figures of the pairs of the list; nothing where the list has no pair for one.
struct list_figures {
    std::optional<fold_accuracy> accuracy;        ///< a pair with a missed photo counts as wrong
    std::optional<fold_accuracy> accuracy_found;  ///< without these pairs
    std::optional<double> tar_at_far_1e2, tar_at_far_1e3, auc;  ///< without these pairs
};

/// TAR at one FAR over all pairs of the photos of the list that show a face.
struct rate_figures {
    double far = 0;
    double distance = 0;
    double tar = 0;
    interval tar_95;             ///< bootstrap over people
    std::optional<double> gain;  ///< tar minus that of the first variant; nothing for the first
    interval gain_95;            ///< with the same draws for both variants
};

/// One row per rate: the distance, and the other rates at that distance.
struct threshold_row {
    double far = 0;  ///< share of all comparisons of different people
    double distance = 0;
    double tar = 0;
};

struct gallery_row {
    int gallery = 0;    ///< people, one face each
    double chance = 0;  ///< that a stranger gets a name
    double distance = 0;
    double far = 0;  ///< per comparison, at this distance
    double tar = 0;
};

/// The behaviour of the service with this variant at the default threshold.
struct default_figures {
    double distance = 0;  ///< of usual_false_match_rate
    double far = 0;       ///< per comparison
    double tar = 0;
    std::vector<double> stranger_named;  ///< chance, for each gallery of the plan
};

struct calibration_figures {
    std::size_t people = 0, faces = 0, genuine = 0;
    std::uint64_t impostors = 0;
    std::vector<threshold_row> thresholds;
    std::vector<gallery_row> galleries;
    std::vector<int> default_galleries;      ///< those of the plan
    std::optional<default_figures> usually;  ///< nothing if beyond the stored pairs
    std::vector<trial_row> trials;
    calibration_table table;
};

struct variant_figures {
    std::string which;  ///< the embedder
    list_figures list;
    std::size_t genuine = 0;      ///< pairs of one person, among all pairs of the list's photos
    std::uint64_t impostors = 0;  ///< pairs of two people, among them
    std::vector<rate_figures> rates;
    std::vector<roc_point> roc;  ///< of all pairs, FAR 1e-5 to 1e-2
    std::optional<calibration_figures> calibration;
};

struct run_figures {
    std::string detector;
    std::size_t photos = 0, missed = 0;   ///< processed; of these without a face
    std::map<errc, std::size_t> refused;  ///< by the quality gate, and left out of all figures
    std::size_t pairs = 0;
    std::size_t genuine_missed = 0, impostors_missed = 0;  ///< pairs of the list with such a photo
    int threads = 1;
    bool of_a_service = false;  ///< measured at a service: ms_per_photo is the time of a request
    double ms_per_photo = 0, seconds = 0;
    std::vector<variant_figures> variants;
};

struct plan {
    std::string detector;  ///< for the table
    /// Embedders; the gains are over the first.
    std::vector<std::string> variants{dlib_embedder("plain")};
    bool calibrate = false;
    int draws = 1'000;  ///< of the bootstrap
    std::uint64_t seed = 1;
    std::vector<double> rates{1e-3, 1e-4};  ///< over all pairs
    std::vector<double> threshold_rates{1e-2, 1e-3, 1e-4, 1e-5};
    std::vector<int> galleries{50, 300, 1'000};
    std::vector<double> chances{0.05, 0.20};
    std::string data;  ///< name of the photos, for the table
    trial_plan trial;
};

/// Computes variants, pairs, photos and missed of run_figures from the list, the photos and their
/// faces; the caller sets the rest (detector, threads, times). `photos` are sorted, `faces` are in
/// the same order. The calibration is over all of them, all else over those of the list.
/// requires  each photo of the list is among `photos`; at least one variant
run_figures evaluate(const pair_list& list, const std::vector<photo_id>& photos,
                     const std::vector<std::optional<raw_face>>& faces, const plan& what);

/// The distance of each pair of the list; nothing where a photo shows no face.
/// requires  as evaluate()
std::vector<scored_pair> pair_distances(const pair_list& list, const std::vector<photo_id>& photos,
                                        const std::vector<std::optional<raw_face>>& faces,
                                        const std::string& which);

}  // namespace vultus::lfw
