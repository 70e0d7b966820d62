// Numbers as other services' clients expect them: similarities between 0 and 1, probabilities of
// detections, boxes. Pure.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "api/compat/common/json_value.hpp"

namespace vultus::api::compat {

/// 1 / (1 + exp(-(middle + 14 (1 - distance / threshold)))): at the distance up to which the
/// service names people it is 0.5 with a middle of 0, and 0.67 with one of 0.708.
double logistic_similarity(double distance, double threshold, double middle = 0);

/// The score of a detector as a probability. `hog` and `cnn` have scores around 0 to 3: 0, which
/// is where they begin to say face, becomes 0.7.
double probability_of(double score, std::string_view detector);

/// Rounded half up to five decimals.
double rounded(double value);

struct found_face {
    int left = 0, top = 0, right = 0, bottom = 0;
    double probability = 0;
    const json_value* told = nullptr;  ///< as the native answer has it, which must outlive this
    double area() const { return double(right - left) * double(bottom - top); }
};

/// The faces of a native answer (or of one photo of it), the largest first.
std::vector<found_face> faces_in(const json_value& told, std::string_view detector);
/// The detector that a native answer names.
std::string_view detector_in(const json_value& told);

/// Euclidean. Infinite where one has no numbers, or others than the other: nobody is the same then.
double distance_between(const std::vector<double>& a, const std::vector<double>& b);

/// float32, little-endian, as Redis has a vector.
std::vector<double> numbers_of(std::string_view bytes);

}  // namespace vultus::api::compat
