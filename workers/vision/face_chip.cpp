// See face_chip.hpp.
#include "workers/vision/face_chip.hpp"

#include <algorithm>
#include <cmath>
#include <complex>
#include <optional>

#include "shared/base/require.hpp"
#include "workers/geometry/overlap.hpp"
#include "workers/geometry/resize.hpp"

namespace vultus {
namespace {

/// Two estimates of a chip that differ by more than this tell of different faces: 20 degrees; twice
/// as large.
constexpr double turn_max = 0.35, size_ratio_max = 2;

/// dlib's five landmarks, in pixels of the photo, however the face is turned.
landmarks marks_of(const aligner& straightener, const image& photo, const detected_face& face,
                   const predictor_fit& fit) {
    if (face.quarters != 0) return align_face(straightener, photo, face, fit).points;
    return straightener.points_of(photo, box_of(fit(rectangle_of(face.where))));
}

/// Halfway between two estimates of where the chip lies, if they agree on how the face is turned
/// and how large it is: for a face that dlib's predictor does not follow it says nothing.
similarity steadied(const similarity& by_points, const similarity& by_marks) {
    const std::complex<double> one(by_points.a, by_points.b), other(by_marks.a, by_marks.b);
    const double turn = std::abs(std::arg(other / one)), size = std::abs(other) / std::abs(one);
    if (turn > turn_max || size > size_ratio_max || size < 1 / size_ratio_max) return by_points;
    similarity both;
    both.a = (by_points.a + by_marks.a) / 2;
    both.b = (by_points.b + by_marks.b) / 2;
    both.right = (by_points.right + by_marks.right) / 2;
    both.down = (by_points.down + by_marks.down) / 2;
    return both;
}

/// For points at one place, which say nothing: the box fills the chip.
similarity fill_with(const box& where, std::uint32_t side) {
    const double longest = static_cast<double>(std::max(where.width(), where.height()));
    similarity to_chip;
    to_chip.a = side / std::max(longest, 1.0);
    to_chip.right = side / 2.0 - to_chip.a * (where.left + static_cast<double>(where.width()) / 2);
    to_chip.down = side / 2.0 - to_chip.a * (where.top + static_cast<double>(where.height()) / 2);
    return to_chip;
}

double scale_of(const similarity& one) {
    return std::hypot(one.a, one.b);
}

/// The part of the photo that the chip shows, whole pixels and one more on each side; clipped, so
/// it may be empty.
rectangle seen_part(const image& photo, const similarity& to_chip, std::uint32_t side) {
    const double squared = to_chip.a * to_chip.a + to_chip.b * to_chip.b;
    rectangle part{1e9, 1e9, -1e9, -1e9};
    for (const double u : {0.0, double(side)}) {
        for (const double v : {0.0, double(side)}) {
            const double across = u - to_chip.right, down = v - to_chip.down;
            const double x = (to_chip.a * across + to_chip.b * down) / squared;
            const double y = (to_chip.a * down - to_chip.b * across) / squared;
            part = {std::min(part.left, x), std::min(part.top, y), std::max(part.right, x),
                    std::max(part.bottom, y)};
        }
    }
    return {std::clamp(std::floor(part.left) - 1, 0.0, double(photo.width)),
            std::clamp(std::floor(part.top) - 1, 0.0, double(photo.height)),
            std::clamp(std::ceil(part.right) + 2, 0.0, double(photo.width)),
            std::clamp(std::ceil(part.bottom) + 2, 0.0, double(photo.height))};
}

image part_of(const image& photo, const rectangle& where) {
    image part(static_cast<std::uint32_t>(where.width()),
               static_cast<std::uint32_t>(where.height()));
    for (std::uint32_t row = 0; row < part.height; ++row) {
        const auto* from = photo.row(static_cast<std::uint32_t>(where.top) + row);
        std::copy_n(from + static_cast<std::size_t>(where.left) * 3, std::size_t{part.width} * 3,
                    part.row(row));
    }
    return part;
}

}  // namespace

chip cut_chip(const image& photo, const similarity& to_chip, std::uint32_t side) {
    const double scale = scale_of(to_chip);
    VULTUS_REQUIRE(scale > 0, "a similarity with a scale");
    const rectangle part = seen_part(photo, to_chip, side);
    if (scale >= 0.5 || part.width() < 2 || part.height() < 2) {
        return {std::move(cut_out(photo, to_chip, side).rgb), side};
    }
    const auto smaller = [&](double length) {
        return static_cast<std::uint32_t>(std::max(1L, std::lround(length * scale)));
    };
    const image reduced =
        resized(part_of(photo, part), smaller(part.width()), smaller(part.height()));
    // The middle of its pixel x is at (x + 0.5) / factor - 0.5 of the part.
    const double factor = (reduced.width + reduced.height) / (part.width() + part.height());
    const double right = 0.5 / factor - 0.5 + part.left, down = 0.5 / factor - 0.5 + part.top;
    similarity rest;
    rest.a = to_chip.a / factor;
    rest.b = to_chip.b / factor;
    rest.right = to_chip.a * right - to_chip.b * down + to_chip.right;
    rest.down = to_chip.b * right + to_chip.a * down + to_chip.down;
    return {std::move(cut_out(reduced, rest, side).rgb), side};
}

aligned_face align_face(const aligner& straightener, const image& photo, const detected_face& face,
                        const predictor_fit& fit, const chip_form& form) {
    if (form.how == alignment::dlib) {
        VULTUS_REQUIRE(form.side == limits::chip_side, "the side of dlib's chips");
        return align_face(straightener, photo, face, fit);
    }
    std::optional<landmarks> marks;
    if (!face.points || fit.beside_points) marks = marks_of(straightener, photo, face, fit);
    auto to_chip = face.points ? nearest_similarity(*face.points, points_in(form))
                               : nearest_similarity(*marks, landmarks_in(form));
    if (!to_chip || !(scale_of(*to_chip) > 0)) {
        to_chip = fill_with(face.where, form.side);
    } else if (face.points && marks) {
        if (const auto other = nearest_similarity(*marks, landmarks_in(form))) {
            to_chip = steadied(*to_chip, *other);
        }
    }
    return {face.points ? *face.points : *marks, cut_chip(photo, *to_chip, form.side)};
}

}  // namespace vultus
