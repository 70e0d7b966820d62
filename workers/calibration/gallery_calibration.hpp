// Statistics of the distances in one collection: how far apart photos of one person are, how near
// different people are, and which faces are nearer to another person than to their own. The job
// `calibrate`. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "shared/base/result.hpp"
#include "workers/calibration/calibration.hpp"
#include "workers/gallery/gallery.hpp"

namespace vultus {

struct gallery_calibration {
    struct point {
        double rate = 0;  ///< false matches of a comparison, or strangers named
        double distance = 0;
        double true_match_rate = 0;  ///< share of pairs of one person within it
        bool operator==(const point&) const = default;
    };
    struct suspicious_face {
        std::string label, face_id;
        double distance = 0;  ///< to the nearest other face of its own person
        std::string other_label, other_face_id;
        double other_distance = 0;  ///< to the nearest face of anybody else; smaller
        bool operator==(const suspicious_face&) const = default;
    };

    static constexpr double bin_width = 0.02;

    gallery_version version = 0;
    std::string embedding_model;
    std::size_t people = 0, faces = 0;  ///< of the collection
    std::size_t people_compared = 0, faces_compared = 0;
    std::size_t people_with_two = 0;  ///< of those compared: with two faces or more
    /// Pairs by distance: how many lie from i * bin_width on and below the next. The last one that
    /// is not 0 ends the list.
    std::vector<std::uint64_t> genuine, impostors;
    std::uint64_t genuine_pairs = 0, impostor_pairs = 0;
    std::vector<point> comparisons;  ///< rates that at least 10 pairs stand for
    /// Each person as a stranger to all others, with one face a person.
    std::vector<point> strangers;
    double distance_max = 0;  ///< the worker's own, and what it means here:
    std::optional<double> false_match_rate, true_match_rate, stranger_rate;
    std::vector<suspicious_face> suspicious;  ///< the most certain first
    std::size_t suspicious_left_out = 0;
};

struct calibration_limits {
    std::size_t people_with_two = 20;  ///< at least; fewer say little about genuine pairs
    std::size_t faces = 6'000;         ///< compared: 18,000,000 pairs, about a second of one core
    std::size_t faces_a_person = 50;
    std::size_t suspicious = 100;  ///< listed
};

/// Compares all faces with one another. Of a larger collection some people are sampled, the same
/// for the same labels: first those with two faces or more, then the others, with the first
/// `faces_a_person` of each.
/// `rule`    determines the distance that the collection is matched with
/// errors    too_few_people, with how many there are and must be
/// threads   any; blocks a second or two
result<gallery_calibration> calibrate(const gallery&, const threshold_rule& rule,
                                      const calibration_limits& = {});

}  // namespace vultus
