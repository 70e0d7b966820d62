// The report as JSON. See report.hpp.
#include <charconv>
#include <cmath>

#include "clients/ctl/output/json_text.hpp"
#include "clients/lfw/report.hpp"

namespace vultus::lfw {
namespace {

using ctl::json_text;

/// Six significant digits: more than any of these figures has.
void number(json_text& out, std::string_view key, std::optional<double> value) {
    out.key(key);
    if (!value || !std::isfinite(*value)) {
        out.null();
        return;
    }
    char text[64];
    const auto end =
        std::to_chars(text, text + sizeof text, *value, std::chars_format::general, 6).ptr;
    out.stored({text, static_cast<std::size_t>(end - text)});
}

void count(json_text& out, std::string_view key, std::uint64_t value) {
    out.key(key).number(value);
}

void range(json_text& out, const std::string& key, const interval& middle) {
    number(out, key + "_low", middle.low);
    number(out, key + "_high", middle.high);
}

std::optional<double> mean_of(const std::optional<fold_accuracy>& accuracy) {
    return accuracy ? std::optional(accuracy->mean) : std::nullopt;
}

std::optional<double> error_of(const std::optional<fold_accuracy>& accuracy) {
    return accuracy ? std::optional(accuracy->standard_error) : std::nullopt;
}

/// "1e-3", without the zero that printf puts before the 3.
std::string rate_name(double far) {
    return "1e-" + std::to_string(std::lround(-std::log10(far)));
}

void write_thresholds(json_text& out, const calibration_figures& found) {
    out.key("thresholds").open_array();
    for (const threshold_row& row : found.thresholds) {
        out.open_object();
        number(out, "far", row.far);
        number(out, "distance", row.distance);
        number(out, "tar", row.tar);
        out.close_object();
    }
    out.close_array().key("galleries").open_array();
    for (const gallery_row& row : found.galleries) {
        out.open_object();
        count(out, "gallery", static_cast<std::uint64_t>(row.gallery));
        number(out, "stranger_named", row.chance);
        number(out, "distance", row.distance);
        number(out, "far", row.far);
        number(out, "tar", row.tar);
        out.close_object();
    }
    out.close_array().key("trials").open_array();
    for (const trial_row& row : found.trials) {
        out.open_object();
        count(out, "gallery", static_cast<std::uint64_t>(row.gallery));
        count(out, "strangers", static_cast<std::uint64_t>(row.strangers));
        count(out, "draws", static_cast<std::uint64_t>(row.draws));
        number(out, "distance", row.distance);
        number(out, "predicted", row.expected);
        number(out, "observed", row.observed);
        number(out, "observed_deviation", row.deviation);
        out.close_object();
    }
    out.close_array();
}

void write_default(json_text& out, const calibration_figures& found) {
    out.key("default");
    if (!found.usually) {
        out.null();
        return;
    }
    out.open_object();
    number(out, "distance", found.usually->distance);
    number(out, "far", found.usually->far);
    number(out, "tar", found.usually->tar);
    out.key("galleries").open_array();
    for (std::size_t i = 0; i < found.usually->stranger_named.size(); ++i) {
        out.open_object();
        count(out, "gallery", static_cast<std::uint64_t>(found.default_galleries[i]));
        number(out, "stranger_named", found.usually->stranger_named[i]);
        out.close_object();
    }
    out.close_array().close_object();
}

void write_variant(json_text& out, const variant_figures& one) {
    number(out, "accuracy", mean_of(one.list.accuracy));
    number(out, "accuracy_se", error_of(one.list.accuracy));
    number(out, "accuracy_without_missed", mean_of(one.list.accuracy_found));
    number(out, "accuracy_without_missed_se", error_of(one.list.accuracy_found));
    number(out, "tar_at_far_1e-2", one.list.tar_at_far_1e2);
    number(out, "tar_at_far_1e-3", one.list.tar_at_far_1e3);
    number(out, "auc", one.list.auc);
    count(out, "all_pairs_genuine", one.genuine);
    count(out, "all_pairs_impostors", one.impostors);
    for (const rate_figures& rate : one.rates) {
        const std::string key = "all_pairs_tar_at_far_" + rate_name(rate.far);
        number(out, key, rate.tar);
        range(out, key, rate.tar_95);
        if (!rate.gain) continue;
        number(out, key + "_gain", rate.gain);
        range(out, key + "_gain", rate.gain_95);
    }
    if (!one.calibration) return;
    out.key("calibration").open_object();
    count(out, "people", one.calibration->people);
    count(out, "faces", one.calibration->faces);
    count(out, "genuine", one.calibration->genuine);
    count(out, "impostors", one.calibration->impostors);
    write_thresholds(out, *one.calibration);
    write_default(out, *one.calibration);
    out.close_object();
}

}  // namespace

std::string json_report(const run_figures& run) {
    json_text out;
    out.open_object().key("detector").text(run.detector);
    count(out, "photos", run.photos);
    count(out, "photos_missed", run.missed);
    number(out, "missed",
           run.photos > 0 ? static_cast<double>(run.missed) / static_cast<double>(run.photos) : 0);
    out.key("photos_refused").open_object();
    for (const auto& [why, photos] : run.refused) count(out, name_of(why), photos);
    out.close_object();
    count(out, "pairs", run.pairs);
    count(out, "pairs_missed_matched", run.genuine_missed);
    count(out, "pairs_missed_mismatched", run.impostors_missed);
    number(out, "ms_per_photo", run.ms_per_photo);
    number(out, "seconds", run.seconds);
    count(out, "threads", static_cast<std::uint64_t>(run.threads));
    if (run.variants.size() == 1) {
        out.key("embedding").text(shown_name(run.variants.front().which));
        out.key("embedder").text(run.variants.front().which);
        write_variant(out, run.variants.front());
    } else {
        out.key("embeddings").open_object();
        for (const variant_figures& one : run.variants) {
            out.key(shown_name(one.which)).open_object();
            write_variant(out, one);
            out.close_object();
        }
        out.close_object();
    }
    return out.close_object().str() + "\n";
}

}  // namespace vultus::lfw
