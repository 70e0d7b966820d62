// The figures of a run as tables for a terminal and as one JSON object, and the curves as an SVG.
// Pure.
#pragma once

#include <string>

#include "clients/lfw/evaluation.hpp"

namespace vultus::lfw {

std::string text_report(const run_figures&);

/// One line. The keys of a run, then those of its only variant, or "embeddings": an object with
/// those of each variant by its name. README.md lists them. A missing number is null.
std::string json_report(const run_figures&);

/// An SVG file: TAR (0 to 1) over FAR (1e-5 to 1e-2, logarithmic) of all pairs, one curve per
/// variant.
std::string roc_drawing(const run_figures&);

/// The number with that many decimals; "-" for nothing, infinity and NaN.
std::string fixed(std::optional<double> value, int digits);

/// "1e-3", "2.35e-4": a rate with the digits that it has, at most three.
std::string power(double value);

}  // namespace vultus::lfw
