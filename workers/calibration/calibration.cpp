#include "workers/calibration/calibration.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <fstream>
#include <iterator>
#include <map>
#include <sstream>

#include "shared/base/require.hpp"
#include "shared/config/settings.hpp"
#include "workers/engine/embedding_kind.hpp"

namespace vultus {
namespace {

constexpr std::string_view first_line = "vultus-calibration 1";
constexpr std::size_t file_bytes_max = 1 << 20;

std::string shown(double value) {
    char text[32];
    return {text, std::to_chars(text, text + sizeof text, value).ptr};
}

/// Between points that rise in both: straight over the logarithm of the rate. `at` within them.
double distance_at(const std::vector<rate_at>& points, double rate) {
    const auto above = std::find_if(points.begin(), points.end(),
                                    [rate](const rate_at& one) { return one.rate >= rate; });
    if (above == points.end()) return points.back().distance;
    if (above == points.begin() || above->rate == rate) return above->distance;
    const rate_at& below = *(above - 1);
    const double part = std::log(rate / below.rate) / std::log(above->rate / below.rate);
    return below.distance + part * (above->distance - below.distance);
}

std::optional<double> rate_of(const std::vector<rate_at>& points, double distance) {
    if (points.empty() || distance < points.front().distance) return std::nullopt;
    const auto above = std::find_if(points.begin(), points.end(), [distance](const rate_at& one) {
        return one.distance >= distance;
    });
    if (above == points.end()) return std::nullopt;
    if (above->distance == distance) return above->rate;
    const rate_at& below = *(above - 1);
    const double part = (distance - below.distance) / (above->distance - below.distance);
    return below.rate * std::exp(part * std::log(above->rate / below.rate));
}

double distance_of_gallery(const calibration_table& table, double rate, double faces) {
    const auto& rows = table.galleries;
    faces = std::min(faces, rows.back().faces * extrapolated_galleries);
    auto above = std::find_if(rows.begin(), rows.end(),
                              [faces](const gallery_rates& one) { return one.faces >= faces; });
    if (above == rows.begin() || rows.size() == 1) return distance_at(rows.front().rates, rate);
    if (above == rows.end()) --above;  // the last line goes on, for a while
    const gallery_rates& below = *(above - 1);
    const double part = std::log(faces / below.faces) / std::log(above->faces / below.faces);
    const double low = distance_at(below.rates, rate), high = distance_at(above->rates, rate);
    return std::clamp(low + part * (high - low), 0.01, 2.0);
}

bool rises(const std::vector<rate_at>& points) {
    for (std::size_t i = 0; i < points.size(); ++i) {
        const rate_at& one = points[i];
        if (!(one.rate > 0 && one.rate < 1 && one.distance > 0 && one.distance <= 2)) return false;
        if (i == 0) continue;
        if (one.rate <= points[i - 1].rate || one.distance < points[i - 1].distance) return false;
    }
    return !points.empty();
}

bool is_whole(const calibration_table& table) {
    if (!rises(table.comparisons) || table.galleries.empty()) return false;
    for (std::size_t i = 0; i < table.galleries.size(); ++i) {
        const gallery_rates& row = table.galleries[i];
        if (!rises(row.rates) || row.faces < 1) return false;
        if (i > 0 && row.faces <= table.galleries[i - 1].faces) return false;
    }
    return true;
}

/// One line into the tables. False if it is none.
bool read_line(const std::string& line, std::vector<calibration_table>& tables) {
    std::istringstream words(line);
    std::string first;
    words >> first;
    if (first == "pair") {
        calibration_table& made = tables.emplace_back();
        return static_cast<bool>(words >> made.detector >> made.embedder) && words.eof();
    }
    if (first == "kind") {
        std::string kind;
        const bool good = static_cast<bool>(words >> kind) && words.eof();
        calibration_table& made = tables.emplace_back();
        made.detector = "hog";
        made.embedder = dlib_embedder(kind);
        return good;
    }
    if (tables.empty()) return false;
    calibration_table& table = tables.back();
    rate_at one;
    if (first == "data") {
        table.data = line.substr(std::min(line.size(), first.size() + 1));
        return !table.data.empty();
    }
    if (first == "comparison") {
        words >> one.rate >> one.distance;
        table.comparisons.push_back(one);
    } else if (first == "strangers") {
        double faces = 0;
        words >> faces >> one.rate >> one.distance;
        if (table.galleries.empty() || table.galleries.back().faces != faces) {
            table.galleries.push_back({faces, {}});
        }
        table.galleries.back().rates.push_back(one);
    } else {
        return false;
    }
    return !words.fail() && (words >> std::ws).eof();
}

error bad(std::string_view path, std::size_t line, const char* why) {
    return {errc::malformed, std::string(path) + ":" + std::to_string(line) + ": " + why};
}

error refused(std::string why) {
    return {errc::bad_option, std::move(why)};
}

}  // namespace

std::string text_of(const std::vector<calibration_table>& tables) {
    std::string text(first_line);
    text +=
        "\n# Made by vultus-lfw --calibrate --table (clients/lfw/README.md). `pair DETECTOR"
        " EMBEDDER` begins a table.\n# `comparison RATE DISTANCE`: that share of pairs of two "
        "people"
        " are within the distance.\n# `strangers FACES RATE DISTANCE`: a gallery of so many faces"
        " names that share of strangers.\n";
    for (const calibration_table& table : tables) {
        text += "\npair " + table.detector + " " + table.embedder + "\ndata " + table.data + "\n";
        for (const rate_at& one : table.comparisons) {
            text += "comparison " + shown(one.rate) + " " + shown(one.distance) + "\n";
        }
        for (const gallery_rates& row : table.galleries) {
            for (const rate_at& one : row.rates) {
                text += "strangers " + shown(row.faces) + " " + shown(one.rate) + " " +
                        shown(one.distance) + "\n";
            }
        }
    }
    return text + "\nend\n";
}

result<std::vector<calibration_table>> read_calibration(std::string_view text,
                                                        std::string_view path) {
    std::vector<calibration_table> tables;
    std::istringstream lines{std::string(text)};
    std::string line;
    std::size_t number = 0;
    bool ended = false;
    while (std::getline(lines, line)) {
        ++number;
        if (number == 1 && line != first_line) {
            return fail(bad(path, number, "not a calibration table of version 1"));
        }
        if (number == 1 || line.empty() || line[0] == '#') continue;
        if (ended) return fail(bad(path, number, "unexpected data after the end"));
        ended = line == "end";
        if (!ended && !read_line(line, tables)) {
            return fail(bad(path, number, "expected pair, data, comparison or strangers"));
        }
    }
    if (!ended) return fail(bad(path, number, "table is truncated: no `end`"));
    for (const calibration_table& table : tables) {
        if (is_whole(table)) continue;
        return fail(errc::malformed, std::string(path) + ": table " + table.detector + " " +
                                         table.embedder + " lacks values, or they do not increase");
    }
    return tables;
}

std::optional<double> distance_for_false_match(const calibration_table& table, double rate) {
    const auto& points = table.comparisons;
    if (points.empty() || rate < points.front().rate || rate > points.back().rate) {
        return std::nullopt;
    }
    return distance_at(points, rate);
}

std::optional<double> distance_for_strangers(const calibration_table& table, double rate,
                                             std::size_t faces) {
    const bool measured = std::any_of(
        table.galleries.begin(), table.galleries.end(), [rate](const gallery_rates& row) {
            return rate >= row.rates.front().rate && rate <= row.rates.back().rate;
        });
    if (!measured) return std::nullopt;
    return distance_of_gallery(table, rate, std::max(1.0, static_cast<double>(faces)));
}

std::optional<double> false_match_rate_at(const calibration_table& table, double distance) {
    return rate_of(table.comparisons, distance);
}

std::optional<double> stranger_rate_at(const calibration_table& table, double distance,
                                       std::size_t faces) {
    if (table.galleries.empty()) return std::nullopt;
    const double most = table.galleries.back().faces * extrapolated_galleries;
    if (static_cast<double>(faces) > most) return std::nullopt;
    std::vector<rate_at> row;  // of a gallery of this size
    for (const rate_at& one : table.galleries.back().rates) {
        row.push_back({one.rate, distance_of_gallery(table, one.rate,
                                                     std::max(1.0, static_cast<double>(faces)))});
    }
    return rate_of(row, distance);
}

bool is_extrapolated(const calibration_table& table, std::size_t faces) {
    return !table.galleries.empty() && static_cast<double>(faces) > table.galleries.back().faces;
}

double threshold_rule::distance_for(std::size_t faces) const {
    if (distance_max > 0) return distance_max;
    const auto found = stranger_rate > 0 ? distance_for_strangers(table, stranger_rate, faces)
                                         : distance_for_false_match(table, false_match_rate);
    VULTUS_REQUIRE(found, "a rate within the table");
    return *found;
}

void threshold_rules::add(std::string detector, std::string embedder, threshold_rule rule) {
    all_.push_back({std::move(detector), std::move(embedder), std::move(rule)});
}

bool threshold_rules::has(std::string_view embedder) const {
    return std::ranges::any_of(all_, [&](const entry& one) { return one.embedder == embedder; });
}

const threshold_rule& threshold_rules::of(std::string_view detector,
                                          std::string_view embedder) const {
    const threshold_rule* found = nullptr;
    for (const entry& one : all_) {
        if (one.embedder != embedder) continue;
        if (one.detector == detector) return one.rule;
        if (found == nullptr) found = &one.rule;
    }
    return found == nullptr ? otherwise_ : *found;
}

namespace {

/// The distances that the settings fix, by embedder.
std::map<std::string, double, std::less<>> fixed_distances(const worker_settings& settings) {
    std::map<std::string, double, std::less<>> fixed;
    if (settings.distance_max > 0) {
        fixed.emplace(dlib_embedder(settings.embedding), settings.distance_max);
    }
    for (const auto& [embedder, distance] : settings.distances) fixed[embedder] = distance;
    return fixed;
}

/// The rule by a rate. Nothing if the table does not have it.
std::optional<threshold_rule> rule_of(const worker_settings& settings, calibration_table table) {
    threshold_rule rule{0, settings.false_match_rate, settings.stranger_rate, std::move(table)};
    if (rule.false_match_rate == 0 && rule.stranger_rate == 0) {
        rule.false_match_rate = usual_false_match_rate;
    }
    const bool known =
        rule.stranger_rate > 0
            ? distance_for_strangers(rule.table, rule.stranger_rate, 1).has_value()
            : distance_for_false_match(rule.table, rule.false_match_rate).has_value();
    if (!known) return std::nullopt;
    return rule;
}

}  // namespace

result<threshold_rules> load_thresholds(const worker_settings& settings) {
    std::ifstream file(settings.calibration, std::ios::binary);
    std::string text(file_bytes_max, '\0');
    file.read(text.data(), static_cast<std::streamsize>(text.size()));
    text.resize(static_cast<std::size_t>(file.gcount()));
    if (text.empty()) {
        return fail(refused("worker.calibration: " + settings.calibration + " cannot be read"));
    }
    auto tables = read_calibration(text, settings.calibration);
    if (!tables) return fail(refused("worker.calibration: " + tables.error().detail));

    const std::string own = dlib_embedder(settings.embedding);
    const bool has_table = std::ranges::any_of(
        *tables, [&](const calibration_table& table) { return table.embedder == own; });
    if (!has_table) {
        return fail(refused("worker.calibration: " + settings.calibration +
                            " has no table for worker.embedding = " + settings.embedding));
    }
    const auto fixed = fixed_distances(settings);
    threshold_rules rules(threshold_rule{1.0, 0, 0, {}});
    for (calibration_table& table : *tables) {
        const std::string detector = table.detector, embedder = table.embedder;
        if (const auto distance = fixed.find(embedder); distance != fixed.end()) {
            rules.add(detector, embedder, {distance->second, 0, 0, std::move(table)});
        } else if (auto rule = rule_of(settings, std::move(table))) {
            rules.add(detector, embedder, std::move(*rule));
        }
    }
    for (const auto& [embedder, distance] : fixed) {
        if (!rules.has(embedder)) rules.add("", embedder, {distance, 0, 0, {}});
    }
    if (!rules.has(own)) {
        return fail(refused(std::string("worker.") +
                            (settings.stranger_rate > 0 ? "stranger_rate" : "false_match_rate") +
                            ": not measured by " + settings.calibration));
    }
    return rules;
}

}  // namespace vultus
