// See measures.hpp.
#include "api/compat/common/measures.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>

namespace vultus::api::compat {

double logistic_similarity(double distance, double threshold, double middle) {
    constexpr double steepness = 14;  // as the surfaces' own models have it: 12.5 to 16.3
    if (!(threshold > 0)) return 0;
    return 1 / (1 + std::exp(-(middle + steepness * (1 - distance / threshold))));
}

double probability_of(double score, std::string_view detector) {
    const bool open = detector == "hog" || detector == "cnn";
    const double value = open ? 1 / (1 + std::exp(-(0.8473 + 2 * score))) : score;
    return std::clamp(value, 0.0, 1.0);
}

double rounded(double value) {
    return std::floor(value * 1e5 + 0.5) / 1e5;
}

std::string_view detector_in(const json_value& told) {
    const auto* models = told.find("models");
    return models == nullptr ? std::string_view{} : models->text_of("detector");
}

std::vector<found_face> faces_in(const json_value& told, std::string_view detector) {
    std::vector<found_face> found;
    const auto* faces = told.find("faces");
    if (faces == nullptr) return found;
    for (const auto& one : faces->items) {
        found_face face;
        face.told = &one;
        face.probability = probability_of(one.number_of("detection_score"), detector);
        if (const auto* box = one.find("box")) {
            const auto side = [&](const char* name) {
                return static_cast<int>(std::lround(box->number_of(name)));
            };
            face.left = side("left");
            face.top = side("top");
            face.right = side("right");
            face.bottom = side("bottom");
        }
        found.push_back(face);
    }
    std::stable_sort(found.begin(), found.end(),
                     [](const auto& a, const auto& b) { return a.area() > b.area(); });
    return found;
}

double distance_between(const std::vector<double>& a, const std::vector<double>& b) {
    if (a.empty() || a.size() != b.size()) return std::numeric_limits<double>::infinity();
    double sum = 0;
    for (std::size_t i = 0; i < a.size(); ++i) {
        sum += (a[i] - b[i]) * (a[i] - b[i]);
    }
    return std::sqrt(sum);
}

std::vector<double> numbers_of(std::string_view bytes) {
    std::vector<double> numbers;
    for (std::size_t at = 0; at + 4 <= bytes.size(); at += 4) {
        std::uint32_t bits = 0;
        for (std::size_t i = 0; i < 4; ++i) {
            bits |= std::uint32_t{static_cast<unsigned char>(bytes[at + i])} << (8 * i);
        }
        numbers.push_back(double{std::bit_cast<float>(bits)});
    }
    return numbers;
}

}  // namespace vultus::api::compat
