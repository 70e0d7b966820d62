// See result_text.hpp.
#include "workers/pipeline/result_text.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>

#include "shared/base/json_quoted.hpp"
#include "workers/calibration/similarity.hpp"

namespace vultus::result_text {

std::string number(double value, int decimals) {
    if (!std::isfinite(value)) return "null";
    char text[64];
    const auto end =
        std::to_chars(text, text + sizeof text, value, std::chars_format::fixed, decimals);
    std::string_view shown(text, static_cast<std::size_t>(end.ptr - text));
    while (shown.back() == '0') shown.remove_suffix(1);
    if (shown.back() == '.') shown.remove_suffix(1);
    return std::string(shown == "-0" ? "0" : shown);
}

std::string box_text(const box& where) {
    return "{\"left\":" + std::to_string(where.left) + ",\"top\":" + std::to_string(where.top) +
           ",\"right\":" + std::to_string(where.right) +
           ",\"bottom\":" + std::to_string(where.bottom) + "}";
}

std::string quality_text(const face_quality& of) {
    return "{\"score\":" + number(of.score, 3) + ",\"size_px\":" + number(of.size_px, 1) +
           ",\"sharpness\":" + number(of.sharpness, 3) +
           ",\"brightness\":" + number(of.brightness, 3) + ",\"yaw\":" + number(of.pose.yaw, 1) +
           ",\"pitch\":" + number(of.pose.pitch, 1) + ",\"roll\":" + number(of.pose.roll, 1) + "}";
}

std::string rate_text(std::optional<double> rate) {
    return rate ? number(*rate, 6) : "null";
}

std::string distance_text(std::optional<double> distance, double threshold) {
    if (!distance) return ",\"distance\":null,\"similarity\":null";
    return ",\"distance\":" + number(*distance) +
           ",\"similarity\":" + number(similarity_at(*distance, threshold));
}

std::string points_text(const landmarks& points) {
    return list_of(points, [](const point& at) {
        return "[" + number(at.x, 1) + "," + number(at.y, 1) + "]";
    });
}

std::string vector_text(const embedding& vector) {
    return list_of(vector, [](float value) { return number(double{value}, 8); });
}

std::string timing_text(const std::map<std::string, double>& stages_ms) {
    std::string text = "{";
    for (const auto& [stage, milliseconds] : stages_ms) {
        if (text.size() > 1) text += ',';
        text += json_quoted(stage) + ":" + number(std::max(milliseconds, 0.0), 2);
    }
    return text + "}";
}

}  // namespace vultus::result_text
