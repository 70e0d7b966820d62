// See turn.hpp.
#include "workers/geometry/turn.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <numbers>
#include <utility>

#include "shared/base/require.hpp"

namespace vultus {
namespace {

std::pair<double, double> turned(double x, double y, double width, double height, int quarters) {
    switch (quarters) {
        case 0:
            return {x, y};
        case 1:
            return {height - y, x};
        case 2:
            return {width - x, height - y};
        case 3:
            return {y, width - x};
        default:
            VULTUS_REQUIRE(false, "0 to 3 quarters");
    }
}

}  // namespace

image turned(image picture, int quarters) {
    VULTUS_REQUIRE(quarters >= 0 && quarters <= 3, "0 to 3 quarters");
    constexpr std::array orientations{1, 6, 3, 8};  // EXIF's words for it
    return turned_upright(std::move(picture), orientations[static_cast<std::size_t>(quarters)]);
}

point turned(point at, double width, double height, int quarters) {
    const auto [x, y] = turned(double{at.x}, double{at.y}, width, height, quarters);
    return {static_cast<float>(x), static_cast<float>(y)};
}

rectangle turned(const rectangle& where, double width, double height, int quarters) {
    const auto [x1, y1] = turned(where.left, where.top, width, height, quarters);
    const auto [x2, y2] = turned(where.right, where.bottom, width, height, quarters);
    return {std::min(x1, x2), std::min(y1, y2), std::max(x1, x2), std::max(y1, y2)};
}

int quarters_to_upright(const face_points& points) {
    const auto& [eye, other_eye, nose, corner, other_corner] = points;
    const double across = (corner.x + other_corner.x) - (eye.x + other_eye.x);
    const double down = (corner.y + other_corner.y) - (eye.y + other_eye.y);
    const long quarters = std::lround(std::atan2(across, down) / (std::numbers::pi / 2));
    return static_cast<int>((quarters + 4) % 4);
}

}  // namespace vultus
