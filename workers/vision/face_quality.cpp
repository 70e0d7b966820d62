// See face_quality.hpp.
#include "workers/vision/face_quality.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <numbers>
#include <string>
#include <utility>
#include <vector>

#include "shared/base/require.hpp"
#include "workers/geometry/resize.hpp"

namespace vultus {
namespace {

constexpr double degrees = 180 / std::numbers::pi;

// A rigid mean face in units of the distance between the middles of the eyes: how far below them a
// part lies in a frontal picture, and how far in front of them.
struct part {
    double down = 0, ahead = 0;
};
constexpr part nose_base{0.77, 0.40};
constexpr part nose_tip{0.57, 0.55};
constexpr part mouth{1.15, 0.30};

struct place {
    double x = 0, y = 0;
};

place middle(const point& a, const point& b) {
    return {(double{a.x} + b.x) / 2, (double{a.y} + b.y) / 2};
}

/// Whether all numbers are finite, so that no angle is a NaN.
bool are_finite(const std::array<point, 5>& points) {
    return std::ranges::all_of(
        points, [](const point& one) { return std::isfinite(one.x) && std::isfinite(one.y); });
}

/// The axes of a face: along its eyes, and down from their middle.
struct face_axes {
    place between, along{1, 0};
    double eyes = 0;  ///< distance between them
    double roll = 0;  ///< degrees

    face_axes(place left, place right) {
        between = {(left.x + right.x) / 2, (left.y + right.y) / 2};
        eyes = std::hypot(right.x - left.x, right.y - left.y);
        if (eyes > 0) along = {(right.x - left.x) / eyes, (right.y - left.y) / eyes};
        roll = std::atan2(along.y, along.x) * degrees;
    }
    place operator()(place of) const {
        const double x = of.x - between.x, y = of.y - between.y;
        return {x * along.x + y * along.y, y * along.x - x * along.y};
    }
};

double within_right_angle(double angle) {
    return std::clamp(angle, -90.0, 90.0);
}

/// A turned face shows its eyes nearer by the cosine and its nose aside by the sine times how far
/// it is ahead.
double yaw_of(double aside, double eyes, double ahead) {
    return aside == 0 ? 0 : std::atan2(aside, ahead * eyes) * degrees;
}

// ---- pixels ------------------------------------------------------------------------------------

constexpr double inner_part = 0.75;  // of each side of the square: without hair and background
constexpr double detail_side = 96;   // pixels of that part when its detail is measured
constexpr double detail_side_most = 4 * detail_side;
// Of 8-bit luma: a face of less contrast, such as a black picture, has no detail but noise.
constexpr double noise_variance = 16;
// What rounding to 8 bits adds to the Laplacian's variance: 20, the sum of its squared weights,
// times a twelfth for each channel, times the squared weights of luma. More than what is left of a
// face after much blur.
constexpr double rounding_detail = 20.0 / 12 * (0.299 * 0.299 + 0.587 * 0.587 + 0.114 * 0.114);
// The share of fine detail at which the sharpness is a half.
constexpr double half_sharp = 0.06;

struct pixels {
    std::uint32_t left = 0, top = 0, width = 0, height = 0;
};

/// The whole pixels of the photo in the inner part of the square; none where they do not meet.
pixels inner_pixels(const image& photo, const rectangle& square) {
    const auto range = [](double from, double to, std::uint32_t side) {
        const double cut = (to - from) * (1 - inner_part) / 2;
        const double first = std::clamp(std::floor(from + cut), 0.0, static_cast<double>(side));
        const double last = std::clamp(std::ceil(to - cut), first, static_cast<double>(side));
        return std::pair(static_cast<std::uint32_t>(first), static_cast<std::uint32_t>(last));
    };
    const auto [left, right] = range(square.left, square.right, photo.width);
    const auto [top, bottom] = range(square.top, square.bottom, photo.height);
    return {left, top, right - left, bottom - top};
}

image part_of(const image& photo, const pixels& where) {
    image cut(where.width, where.height);
    for (std::uint32_t row = 0; row < where.height; ++row) {
        std::copy_n(photo.row(where.top + row) + std::size_t{where.left} * 3,
                    std::size_t{where.width} * 3, cut.row(row));
    }
    return cut;
}

struct luma_picture {
    std::size_t width = 0, height = 0;
    std::vector<double> values;  // 0..255
    double mean = 0, variance = 0;
};

luma_picture luma_of(const image& picture) {
    luma_picture grey{picture.width, picture.height, {}, 0, 0};
    grey.values.reserve(grey.width * grey.height);
    double sum = 0, squares = 0;
    for (std::uint32_t row = 0; row < picture.height; ++row) {
        const std::uint8_t* at = picture.row(row);
        for (std::uint32_t column = 0; column < picture.width; ++column, at += 3) {
            const double luma = 0.299 * at[0] + 0.587 * at[1] + 0.114 * at[2];  // ITU-R BT.601
            grey.values.push_back(luma);
            sum += luma;
            squares += luma * luma;
        }
    }
    const auto count = static_cast<double>(grey.values.size());
    grey.mean = sum / count;
    grey.variance = std::max(0.0, squares / count - grey.mean * grey.mean);
    return grey;
}

/// The variance of the Laplacian: the power of what is finer than a few pixels.
double detail_of(const luma_picture& grey) {
    if (grey.width < 3 || grey.height < 3) return 0;
    double sum = 0, squares = 0;
    for (std::size_t y = 1; y + 1 < grey.height; ++y) {
        const double* row = grey.values.data() + y * grey.width;
        for (std::size_t x = 1; x + 1 < grey.width; ++x) {
            const double bend =
                row[x - 1] + row[x + 1] + row[x - grey.width] + row[x + grey.width] - 4 * row[x];
            sum += bend;
            squares += bend * bend;
        }
    }
    const auto count = static_cast<double>((grey.width - 2) * (grey.height - 2));
    return std::max(0.0, squares / count - (sum / count) * (sum / count));
}

void look_at_pixels(const image& photo, const rectangle& square, face_quality& into) {
    const pixels inner = inner_pixels(photo, square);
    if (inner.width == 0 || inner.height == 0) return;
    const double scale = detail_side / (inner_part * into.size_px);
    const auto scaled = [&](std::uint32_t side) {
        return static_cast<std::uint32_t>(
            std::clamp(std::round(side * scale), 3.0, detail_side_most));
    };
    const luma_picture grey =
        luma_of(resized(part_of(photo, inner), scaled(inner.width), scaled(inner.height)));
    into.brightness = grey.mean / 255;
    const double detail = std::max(0.0, detail_of(grey) - rounding_detail);
    const double share = detail / (grey.variance + noise_variance);
    into.sharpness = share / (share + half_sharp);
}

// ---- score and gate ----------------------------------------------------------------------------

// Where a measure no longer lowers the score.
constexpr double good_size_px = 100, good_sharpness = 0.5;
constexpr double good_dark = 0.3, good_bright = 0.75;

double score_of(const face_quality& face) {
    const double size = std::min(1.0, face.size_px / good_size_px);
    const double sharp = std::min(1.0, face.sharpness / good_sharpness);
    const double light =
        std::min({1.0, face.brightness / good_dark, (1 - face.brightness) / (1 - good_bright)});
    const double aside =
        std::cos(face.pose.yaw / degrees) * std::cos(face.pose.pitch / degrees / 2);
    return std::clamp(std::sqrt(size * sharp) * light * std::max(0.0, aside), 0.0, 1.0);
}

std::string text_of(double value, int decimals) {
    char text[64];
    const auto end =
        std::to_chars(text, text + sizeof text, value, std::chars_format::fixed, decimals);
    return std::string(text, end.ptr);
}

error refusal(errc why, const std::string& what, double value, const std::string& unit,
              const std::string& wanted, double limit, quality_gate level) {
    const int decimals = unit.empty() ? 2 : 0;
    return {why, what + " " + text_of(value, decimals) + unit +
                     "; quality=" + std::string(name_of(level)) + " requires " + wanted + " " +
                     text_of(limit, decimals) + unit};
}

}  // namespace

face_pose pose_of_landmarks(const landmarks& points) noexcept {
    if (!are_finite(points)) return {};
    // The right eye of the picture first (aligner.hpp: dlib's order).
    const face_axes axes(middle(points[2], points[3]), middle(points[0], points[1]));
    const place nose = axes({points[4].x, points[4].y});
    face_pose pose;
    pose.roll = axes.roll;
    pose.yaw = yaw_of(nose.x, axes.eyes, nose_base.ahead);
    // down * cos(pitch) - ahead * sin(pitch) = reach * cos(pitch + lean): how far below the eyes
    // the base of the nose is seen, in units of the eyes' own distance, which a turned face hides.
    const double eyes = std::hypot(axes.eyes, nose.x / nose_base.ahead);
    if (eyes > 0) {
        const double reach = std::hypot(nose_base.down, nose_base.ahead);
        const double lean = std::atan2(nose_base.ahead, nose_base.down);
        const double seen = std::clamp(nose.y / eyes / reach, -1.0, 1.0);
        pose.pitch = within_right_angle((std::acos(seen) - lean) * degrees);
    }
    return pose;
}

face_pose pose_of_points(const face_points& points) noexcept {
    if (!are_finite(points)) return {};
    const face_axes axes({points[0].x, points[0].y}, {points[1].x, points[1].y});
    const place nose = axes({points[2].x, points[2].y});
    const place lips = axes(middle(points[3], points[4]));
    face_pose pose;
    pose.roll = axes.roll;
    pose.yaw = yaw_of(nose.x, axes.eyes, nose_tip.ahead);
    // Looking up brings the tip of the nose, which is farther ahead, nearer to the eyes than the
    // mouth: the angle at which the mean face shows this ratio of the two.
    const double up = nose_tip.down * lips.y - nose.y * mouth.down;
    const double front = nose_tip.ahead * lips.y - nose.y * mouth.ahead;
    if (up != 0 || front != 0) pose.pitch = within_right_angle(std::atan2(up, front) * degrees);
    return pose;
}

face_quality quality_of(const image& photo, const rectangle& square, const landmarks& points,
                        const std::optional<face_points>& detected) {
    VULTUS_REQUIRE(photo.width > 0 && photo.height > 0, "a photo has pixels");
    face_quality face;
    face.pose = detected ? pose_of_points(*detected) : pose_of_landmarks(points);
    const double area = square.width() * square.height();
    if (!(square.width() > 0) || !(square.height() > 0) || !std::isfinite(area)) return face;
    face.size_px = std::sqrt(area);
    look_at_pixels(photo, square, face);
    face.score = score_of(face);
    return face;
}

quality_limits limits_of(quality_gate level) {
    VULTUS_REQUIRE(level != quality_gate::off, "a gate has limits");
    if (level == quality_gate::standard) return {50, 0.1, 0.12, 0.92, 45, 50};
    return {70, 0.2, 0.2, 0.85, 30, 35};
}

result<void> check_quality(const face_quality& face, quality_gate level) {
    if (level == quality_gate::off) return {};
    const quality_limits wanted = limits_of(level);
    if (face.size_px < wanted.size_px) {
        return fail(refusal(errc::too_small, "Face of", face.size_px, " px", "at least",
                            wanted.size_px, level));
    }
    if (face.brightness < wanted.darkest) {
        return fail(refusal(errc::too_dark, "Brightness", face.brightness, "", "at least",
                            wanted.darkest, level));
    }
    if (face.brightness > wanted.brightest) {
        return fail(refusal(errc::too_bright, "Brightness", face.brightness, "", "at most",
                            wanted.brightest, level));
    }
    if (face.sharpness < wanted.sharpness) {
        return fail(refusal(errc::blurred, "Sharpness", face.sharpness, "", "at least",
                            wanted.sharpness, level));
    }
    if (const double yaw = std::abs(face.pose.yaw); yaw > wanted.yaw) {
        return fail(refusal(errc::turned_away, "Turned sideways by", yaw, " degrees", "at most",
                            wanted.yaw, level));
    }
    if (const double pitch = std::abs(face.pose.pitch); pitch > wanted.pitch) {
        return fail(refusal(errc::turned_away, "Turned up or down by", pitch, " degrees", "at most",
                            wanted.pitch, level));
    }
    return {};
}

}  // namespace vultus
