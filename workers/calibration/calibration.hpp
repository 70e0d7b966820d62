// What a distance means: how likely two faces of different people are within it, and how likely a
// stranger is named by a gallery of so many faces. Measured by vultus-lfw --calibrate --table, kept
// in config/calibration.txt, read by the worker at start. Pure.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "shared/base/result.hpp"

namespace vultus {

/// The last line is extrapolated up to this multiple of the largest measured gallery. An unlimited
/// straight line would reach a distance at which nobody is recognized.
inline constexpr double extrapolated_galleries = 4;

/// At most this share of comparisons, or of strangers, at this distance.
struct rate_at {
    double rate = 0;      ///< 0 < rate < 1
    double distance = 0;  ///< 0 < distance <= 2
    bool operator==(const rate_at&) const = default;
};

struct gallery_rates {
    double faces = 1;  ///< in the gallery, of as many people
    std::vector<rate_at> rates;
    bool operator==(const gallery_rates&) const = default;
};

/// Of the faces that one detector finds, with one embedder. Rates and distances rise together; the
/// galleries by their faces.
struct calibration_table {
    std::string detector;
    std::string embedder;  ///< its full name, "dlib_resnet_v1/mirror_unit"
    std::string data;      ///< one line: what it was measured on
    std::vector<rate_at> comparisons;
    std::vector<gallery_rates> galleries;
    bool operator==(const calibration_table&) const = default;
};

/// The text of config/calibration.txt, and back. A table of an older file, which names only a kind
/// of dlib's network, is that of `hog` with it.
std::string text_of(const std::vector<calibration_table>&);
/// errors    malformed, with `path`:line, if it is not such a text, whole
result<std::vector<calibration_table>> read_calibration(std::string_view text,
                                                        std::string_view path);

/// The distance that accepts this share of comparisons of two people. Nothing outside of the table.
std::optional<double> distance_for_false_match(const calibration_table&, double rate);
/// The distance at which this share of strangers is named. Between galleries and rates measured it
/// follows straight lines over their logarithms; beyond the largest gallery the last line goes on
/// up to extrapolated_galleries times its faces, an estimate (is_extrapolated()). For larger ones
/// the distance falls no further: they name more strangers than `rate` says, but go on
/// recognising whom they know. A rate too high to have been measured for a small gallery gives the
/// largest distance that was, which names fewer. Nothing if `rate` is in no row of the table.
std::optional<double> distance_for_strangers(const calibration_table&, double rate,
                                             std::size_t faces);

/// The inverse. Nothing for distances outside the table, nor, for strangers, for galleries that are
/// too large for it.
std::optional<double> false_match_rate_at(const calibration_table&, double distance);
std::optional<double> stranger_rate_at(const calibration_table&, double distance,
                                       std::size_t faces);
/// Whether a gallery is larger than what was measured, so that its rate is an estimate at best.
bool is_extrapolated(const calibration_table&, std::size_t faces);

/// The threshold that a worker uses if a request sets none: one of the three numbers is not 0.
struct threshold_rule {
    double distance_max = 0.55;
    double false_match_rate = 0;
    double stranger_rate = 0;
    calibration_table table;  ///< may be empty if distance_max is given: then no rate is known

    /// requires  the rate lies within the table
    double distance_for(std::size_t faces) const;
};

/// The default false match rate: one comparison in a thousand.
inline constexpr double usual_false_match_rate = 0.001;

/// The thresholds of a worker, by detector and embedder: distances of two embedders mean different
/// things, and faces that another detector finds are aligned a little differently.
class threshold_rules {
 public:
    /// One rule for all.
    threshold_rules(threshold_rule for_all = {}) : otherwise_(std::move(for_all)) {}
    /// An empty detector stands for each that has no rule of its own.
    void add(std::string detector, std::string embedder, threshold_rule rule);

    /// Whether there is a rule for that embedder, with any detector.
    bool has(std::string_view embedder) const;
    /// That of the pair; else the first of the embedder; else the one for all.
    const threshold_rule& of(std::string_view detector, std::string_view embedder) const;

 private:
    struct entry {
        std::string detector, embedder;
        threshold_rule rule;
    };
    std::vector<entry> all_;
    threshold_rule otherwise_;
};

struct worker_settings;
/// One rule for each table of worker.calibration, by worker.false_match_rate or stranger_rate, or
/// for the fixed distance of that embedder: worker.distances, and worker.distance_max for dlib's
/// network with worker.embedding. Tables that do not have the rate are left out.
/// errors    bad_option: the file cannot be read or is malformed, or nothing is left for dlib's
///           network with worker.embedding; the detail says which
result<threshold_rules> load_thresholds(const worker_settings&);

}  // namespace vultus
