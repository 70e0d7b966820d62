// See turned_face.hpp.
#include "workers/vision/turned_face.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

#include "shared/base/require.hpp"
#include "workers/geometry/overlap.hpp"
#include "workers/geometry/turn.hpp"

namespace vultus {
namespace {

/// The part of a photo that a chip of the box may need, whole pixels: on each side once the box's
/// longer side, which is twice the chip's padding.
box around(const box& where, const image& photo) {
    const std::int64_t room = std::max(where.width(), where.height());
    const auto within = [](std::int64_t edge, std::uint32_t side) {
        return static_cast<std::int32_t>(std::clamp<std::int64_t>(edge, 0, std::int64_t{side} - 1));
    };
    return {within(where.left - room, photo.width), within(where.top - room, photo.height),
            within(where.right + room, photo.width), within(where.bottom + room, photo.height)};
}

image part_of(const image& photo, const box& where) {
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

aligned_face align_face(const aligner& straightener, const image& photo, const detected_face& face,
                        const predictor_fit& fit) {
    if (fit.side == 0 && face.quarters == 0) return straightener.align(photo, face.where);
    if (face.quarters == 0) {
        return straightener.align(photo, box_of(fit(rectangle_of(face.where))));
    }
    const box cut = around(face.where, photo);
    const double width = static_cast<double>(cut.width());
    const double height = static_cast<double>(cut.height());
    const rectangle where = rectangle_of(face.where);
    const rectangle inside{where.left - cut.left, where.top - cut.top, where.right - cut.left,
                           where.bottom - cut.top};
    const image upright = turned(part_of(photo, cut), face.quarters);
    aligned_face aligned =
        straightener.align(upright, box_of(fit(turned(inside, width, height, face.quarters))));
    for (point& one : aligned.points) {
        // A predictor's point is a pixel; its place is that pixel's middle.
        const point middle{one.x + 0.5f, one.y + 0.5f};
        const point back = turned(middle, upright.width, upright.height, 4 - face.quarters);
        one = {back.x - 0.5f + static_cast<float>(cut.left),
               back.y - 0.5f + static_cast<float>(cut.top)};
    }
    return aligned;
}

}  // namespace vultus
