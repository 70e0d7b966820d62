// The calibration table of one kind of embedding (workers/calibration/calibration.hpp) from all
// pairs of faces. Pure.
#pragma once

#include <string>

#include "workers/calibration/all_pairs.hpp"
#include "workers/calibration/calibration.hpp"

namespace vultus {

/// Rates per comparison from 1e-6 to 0.02 that at least 10 pairs stand for; galleries of 1 to 1,000
/// people with one face each, as far as there are people, at rates from 0.001 to 0.9. Distances are
/// rounded down to 0.0001. What the pairs cannot tell is left out.
/// requires  at least two people
calibration_table table_of(const all_pairs&, std::string detector, std::string embedder,
                           std::string data);

}  // namespace vultus
