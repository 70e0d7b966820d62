// The parts that results have in common, as JSON text. Pure.
#pragma once

#include <map>
#include <optional>
#include <string>

#include "workers/geometry/geometry.hpp"
#include "workers/vision/face_quality.hpp"

namespace vultus::result_text {

/// Numbers are written here and not by the JSON library, which prints 0.42 as 4.2E-1: people read
/// these texts with redis-cli. "null" if it is not finite.
std::string number(double value, int decimals = 4);

template <class Values, class Write>
std::string list_of(const Values& values, Write write) {
    std::string text = "[";
    for (const auto& value : values) {
        if (text.size() > 1) text += ',';
        text += write(value);
    }
    return text + "]";
}

std::string box_text(const box& where);
std::string points_text(const landmarks& points);
std::string vector_text(const embedding& vector);
std::string quality_text(const face_quality& of);
std::string rate_text(std::optional<double> rate);
/// "distance" and "similarity", after a comma: a distance and what it means with the threshold of
/// its model.
std::string distance_text(std::optional<double> distance, double threshold);
std::string timing_text(const std::map<std::string, double>& stages_ms);

}  // namespace vultus::result_text
