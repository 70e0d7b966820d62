// See similarity.hpp.
#include "workers/geometry/similarity.hpp"

#include <cmath>

#include "shared/base/require.hpp"

namespace vultus {
namespace {

struct mean_of {
    double x = 0, y = 0;
    explicit mean_of(const face_points& points) {
        for (const point& one : points) {
            x += one.x / double(points.size());
            y += one.y / double(points.size());
        }
    }
};

/// One colour of the photo, 0 outside.
double pixel(const image& photo, long x, long y, std::size_t colour) {
    if (x < 0 || y < 0 || x >= long{photo.width} || y >= long{photo.height}) return 0;
    return photo.row(static_cast<std::uint32_t>(y))[static_cast<std::size_t>(x) * 3 + colour];
}

/// Of four neighbouring pixels, by the place between them; rounded.
std::uint8_t between(double left, double right, double lower_left, double lower_right,
                     double right_share, double lower_share) {
    const double above = left * (1 - right_share) + right * right_share;
    const double below = lower_left * (1 - right_share) + lower_right * right_share;
    return static_cast<std::uint8_t>(above * (1 - lower_share) + below * lower_share + 0.5);
}

}  // namespace

point similarity::operator()(point from) const {
    return {static_cast<float>(a * from.x - b * from.y + right),
            static_cast<float>(b * from.x + a * from.y + down)};
}

result<similarity> nearest_similarity(const face_points& from, const face_points& to) {
    const mean_of here(from), there(to);
    double squares = 0, along = 0, across = 0;
    for (std::size_t i = 0; i < from.size(); ++i) {
        const double x = from[i].x - here.x, y = from[i].y - here.y;
        const double u = to[i].x - there.x, v = to[i].y - there.y;
        squares += x * x + y * y;
        along += x * u + y * v;
        across += x * v - y * u;
    }
    if (!(squares > 0) || !std::isfinite(squares) || !std::isfinite(along + across)) {
        return fail(errc::malformed, "five points at one place");
    }
    similarity found;
    found.a = along / squares;
    found.b = across / squares;
    found.right = there.x - found.a * here.x + found.b * here.y;
    found.down = there.y - found.b * here.x - found.a * here.y;
    return found;
}

image cut_out(const image& photo, const similarity& to_crop, std::uint32_t side) {
    VULTUS_REQUIRE(photo.width > 0 && photo.height > 0 && side > 0, "both pictures have pixels");
    const double squared = to_crop.a * to_crop.a + to_crop.b * to_crop.b;
    VULTUS_REQUIRE(squared > 0, "a similarity with a scale");
    image crop(side, side);
    for (std::uint32_t row = 0; row < side; ++row) {
        for (std::uint32_t column = 0; column < side; ++column) {
            const double u = column - to_crop.right, v = row - to_crop.down;
            const double x = (to_crop.a * u + to_crop.b * v) / squared;
            const double y = (to_crop.a * v - to_crop.b * u) / squared;
            // Farther away than any photo is wide there is nothing, and no number that fits.
            if (!(std::abs(x) < 1e6 && std::abs(y) < 1e6)) continue;
            const double left = std::floor(x), top = std::floor(y);
            const double right_share = x - left, lower_share = y - top;
            const auto at_x = static_cast<long>(left), at_y = static_cast<long>(top);
            std::uint8_t* to = crop.row(row) + std::size_t{column} * 3;
            if (at_x >= 0 && at_y >= 0 && at_x + 1 < long{photo.width} &&
                at_y + 1 < long{photo.height}) {
                const std::uint8_t* upper = photo.row(static_cast<std::uint32_t>(at_y)) + 3 * at_x;
                const std::uint8_t* lower =
                    photo.row(static_cast<std::uint32_t>(at_y) + 1) + 3 * at_x;
                for (std::size_t colour = 0; colour < 3; ++colour) {
                    to[colour] = between(upper[colour], upper[colour + 3], lower[colour],
                                         lower[colour + 3], right_share, lower_share);
                }
                continue;
            }
            for (std::size_t colour = 0; colour < 3; ++colour) {
                to[colour] =
                    between(pixel(photo, at_x, at_y, colour), pixel(photo, at_x + 1, at_y, colour),
                            pixel(photo, at_x, at_y + 1, colour),
                            pixel(photo, at_x + 1, at_y + 1, colour), right_share, lower_share);
            }
        }
    }
    return crop;
}

}  // namespace vultus
