// The report as tables. See report.hpp.
#include <cmath>
#include <cstdio>

#include "clients/ctl/output/table.hpp"
#include "clients/lfw/report.hpp"

namespace vultus::lfw {
namespace {

using ctl::side;
using ctl::table;

std::string text_of(std::size_t count) {
    return std::to_string(count);
}

std::string percent(double share) {
    return fixed(share * 100, 2) + " %";
}

std::string range(const interval& middle) {
    return fixed(middle.low, 4) + " .. " + fixed(middle.high, 4);
}

std::string with_error(const std::optional<fold_accuracy>& accuracy) {
    if (!accuracy) return "-";
    return fixed(accuracy->mean, 4) + " +- " + fixed(accuracy->standard_error, 4);
}

std::string head(const run_figures& run) {
    const double share =
        run.photos > 0 ? static_cast<double>(run.missed) / static_cast<double>(run.photos) : 0;
    std::string text = text_of(run.photos) + " photos, detector " + run.detector + ": " +
                       text_of(run.missed) + " without a face (" + percent(share) + ")\n";
    for (const auto& [why, photos] : run.refused) {
        text += text_of(photos) +
                " photos refused by the quality gate: " + std::string(name_of(why)) + "\n";
    }
    text += fixed(run.ms_per_photo, 1) +
            (run.of_a_service ? " ms from request to answer; " : " ms of one core per photo; ") +
            fixed(run.seconds, 1) + " s in total on " + std::to_string(run.threads) +
            (run.of_a_service ? " connections\n" : " threads\n");
    text += text_of(run.pairs) + " pairs; a photo has no face in " + text_of(run.genuine_missed) +
            " matched and " + text_of(run.impostors_missed) +
            " mismatched: counted as wrong in the accuracy, excluded otherwise\n";
    return text;
}

std::string list_table(const run_figures& run) {
    table rows{{{"embedding"},
                {"accuracy", side::right},
                {"without missed", side::right},
                {"TAR at FAR 1e-2", side::right},
                {"1e-3", side::right},
                {"AUC", side::right}},
               {}};
    for (const variant_figures& one : run.variants) {
        rows.rows.push_back({shown_name(one.which), with_error(one.list.accuracy),
                             with_error(one.list.accuracy_found), fixed(one.list.tar_at_far_1e2, 4),
                             fixed(one.list.tar_at_far_1e3, 4), fixed(one.list.auc, 5)});
    }
    return "\nThe pairs of the list\n" + print(rows);
}

std::string rate_table(const run_figures& run) {
    const variant_figures& first = run.variants.front();
    table rows{{{"embedding"},
                {"FAR", side::right},
                {"distance", side::right},
                {"TAR", side::right},
                {"95 %", side::right}},
               {}};
    const bool gains = run.variants.size() > 1;
    if (gains) {
        rows.header.push_back({"gain over " + shown_name(first.which), side::right});
        rows.header.push_back({"95 %", side::right});
    }
    for (const variant_figures& one : run.variants) {
        for (const rate_figures& rate : one.rates) {
            std::vector<std::string> row{shown_name(one.which), power(rate.far),
                                         fixed(rate.distance, 4), fixed(rate.tar, 4),
                                         range(rate.tar_95)};
            if (rate.gain) {
                row.push_back(fixed(rate.gain, 4));
                row.push_back(range(rate.gain_95));
            }
            rows.rows.push_back(std::move(row));
        }
    }
    return "\nAll pairs of the listed photos: " + text_of(first.genuine) + " of one person, " +
           std::to_string(first.impostors) + " of two\n" + print(rows);
}

/// The points of the curve at whole powers of ten.
std::string roc_table(const run_figures& run) {
    table rows{{{"FAR", side::right}}, {}};
    for (const variant_figures& one : run.variants) {
        rows.header.push_back({"TAR " + shown_name(one.which), side::right});
    }
    const auto& curve = run.variants.front().roc;
    for (std::size_t i = 0; i < curve.size(); ++i) {
        const double exponent = std::log10(curve[i].far);
        if (std::abs(exponent - std::round(exponent)) > 1e-6) continue;
        rows.rows.push_back({power(curve[i].far)});
        for (const variant_figures& one : run.variants) {
            rows.rows.back().push_back(fixed(one.roc[i].tar, 4));
        }
    }
    return "\nROC of all these pairs\n" + print(rows);
}

std::string threshold_table(const run_figures& run) {
    table rows{
        {{"embedding"}, {"FAR", side::right}, {"distance", side::right}, {"TAR", side::right}}, {}};
    for (const variant_figures& one : run.variants) {
        for (const threshold_row& row : one.calibration->thresholds) {
            rows.rows.push_back(
                {shown_name(one.which), power(row.far), fixed(row.distance, 4), fixed(row.tar, 4)});
        }
    }
    const calibration_figures& size = *run.variants.front().calibration;
    return "\nCalibration on " + text_of(size.people) + " people, " + text_of(size.faces) +
           " faces: " + text_of(size.genuine) + " pairs of one person, " +
           std::to_string(size.impostors) + " of two\n" + print(rows);
}

std::string gallery_table(const run_figures& run) {
    table rows{{{"embedding"},
                {"gallery", side::right},
                {"stranger named", side::right},
                {"distance", side::right},
                {"FAR", side::right},
                {"TAR", side::right}},
               {}};
    for (const variant_figures& one : run.variants) {
        for (const gallery_row& row : one.calibration->galleries) {
            rows.rows.push_back({shown_name(one.which), std::to_string(row.gallery),
                                 percent(row.chance), fixed(row.distance, 4), power(row.far),
                                 fixed(row.tar, 4)});
        }
    }
    return "\nDistance at which a gallery names a stranger with a given chance\n" + print(rows);
}

std::string default_table(const run_figures& run) {
    table rows{
        {{"embedding"}, {"distance", side::right}, {"FAR", side::right}, {"TAR", side::right}}, {}};
    for (const int gallery : run.variants.front().calibration->default_galleries) {
        rows.header.push_back({"by " + std::to_string(gallery), side::right});
    }
    for (const variant_figures& one : run.variants) {
        if (!one.calibration->usually) continue;
        const default_figures& usual = *one.calibration->usually;
        rows.rows.push_back({shown_name(one.which), fixed(usual.distance, 4), power(usual.far),
                             fixed(usual.tar, 4)});
        for (const double chance : usual.stranger_named) {
            rows.rows.back().push_back(percent(chance));
        }
    }
    return "\nDefault distance of the service, and strangers named by gallery size\n" + print(rows);
}

std::string trial_table(const run_figures& run) {
    table rows{{{"embedding"},
                {"gallery", side::right},
                {"strangers", side::right},
                {"draws", side::right},
                {"distance", side::right},
                {"predicted", side::right},
                {"observed", side::right},
                {"deviation of a draw", side::right}},
               {}};
    for (const variant_figures& one : run.variants) {
        for (const trial_row& row : one.calibration->trials) {
            rows.rows.push_back({shown_name(one.which), std::to_string(row.gallery),
                                 std::to_string(row.strangers), std::to_string(row.draws),
                                 fixed(row.distance, 4), percent(row.expected),
                                 percent(row.observed), percent(row.deviation)});
        }
    }
    return "\nStrangers named when half of the people are calibrated and the others tested\n" +
           print(rows);
}

}  // namespace

std::string fixed(std::optional<double> value, int digits) {
    if (!value || !std::isfinite(*value)) return "-";
    char text[64];
    std::snprintf(text, sizeof text, "%.*f", digits, *value);
    return text;
}

std::string power(double value) {
    if (!(value > 0) || !std::isfinite(value)) return fixed(value, 0);
    double exponent = std::floor(std::log10(value) + 1e-9);
    double digits = value / std::pow(10, exponent);
    if (digits >= 9.995) {
        digits = 1;
        exponent += 1;
    }
    const bool whole = std::abs(digits - std::round(digits)) < 1e-6;
    return fixed(digits, whole ? 0 : 2) + "e" + fixed(exponent, 0);
}

std::string text_report(const run_figures& run) {
    std::string text = head(run) + list_table(run) + rate_table(run) + roc_table(run);
    if (run.variants.front().calibration) {
        text += threshold_table(run) + gallery_table(run) + default_table(run) + trial_table(run);
    }
    return text;
}

}  // namespace vultus::lfw
