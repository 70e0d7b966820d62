// The figures of a run as tables for a terminal, as one JSON object, and the curves as a drawing.
// Pure.
#pragma once

#include <string>

#include "clients/lfw/evaluation.hpp"

namespace vultus::lfw {

std::string text_report(const run_figures&);

/// One line. The keys of a run, then those of its only kind, or "embeddings": an object with those
/// of each kind by its name. README.md lists them. What there is no number for is null.
std::string json_report(const run_figures&);

/// An SVG file: TAR (0 to 1) over FAR (1e-5 to 1e-2, logarithmic) of all pairs, one curve a kind.
std::string roc_drawing(const run_figures&);

/// The number with that many digits after the point; "-" for nothing, infinity, or no number.
std::string fixed(std::optional<double> value, int digits);

/// "1e-3", "2.35e-4": a rate with the digits that it has, at most three.
std::string power(double value);

}  // namespace vultus::lfw
