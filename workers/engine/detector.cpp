// What the detectors share: scale, order, limit; of those with a window also the one resize and the
// way back to the photo's pixels.
#include "workers/engine/detector.hpp"

#include <algorithm>
#include <cmath>
#include <tuple>

#include "shared/base/limits.hpp"
#include "shared/base/require.hpp"
#include "workers/geometry/resize.hpp"

namespace vultus {
namespace {

constexpr double window_px = 80;  ///< both were trained with an 80 x 80 window
/// A picture narrower than half a window shows no face. dlib's pyramid needs some width, too: on a
/// few pixels it throws or writes outside of its picture; from 40 on, none of 7,220 sizes did.
constexpr std::uint32_t side_min_px = 40;

/// An edge of a box, from the detector's picture to the photo. The far edges belong to the box, so
/// they move by the start of the pixel after them.
std::int32_t to_photo(std::int32_t edge, double factor, bool far_edge) {
    const double moved = far_edge ? (edge + 1.0) * factor - 1.0 : edge * factor;
    return static_cast<std::int32_t>(std::lround(moved));
}

}  // namespace

picture_size detection_size(std::uint32_t width, std::uint32_t height,
                            const detector_options& options) {
    VULTUS_REQUIRE(width >= 1 && height >= 1, "a photo has pixels");
    VULTUS_REQUIRE(options.min_face_px >= 10 && options.min_face_px <= 2'000, "10 to 2000 px");
    VULTUS_REQUIRE(options.detect_side_max >= 80, "at least one window");
    const double wanted = window_px / options.min_face_px;
    const double allowed = static_cast<double>(options.detect_side_max) / std::max(width, height);
    const double scale = std::min(wanted, allowed);
    const auto side = [&](std::uint32_t length) {
        return static_cast<std::uint32_t>(std::max(1L, std::lround(length * scale)));
    };
    return {side(width), side(height)};
}

rectangle predictor_fit::operator()(const rectangle& where) const {
    if (side == 0) return where;
    const double root = std::sqrt(where.width() * where.height());
    const double x = (where.left + where.right) / 2 + right * root;
    const double y = (where.top + where.bottom) / 2 + down * root;
    const double half = side * root / 2;
    return {x - half, y - half, x + half, y + half};
}

detection_scale window_detector::scale_for(picture_size photo,
                                           const detector_options& options) const {
    const picture_size seen = detection_size(photo.width, photo.height, options);
    const double longer = std::max(photo.width, photo.height);
    const double scale = options.detect_side_max / longer;
    const bool limited = window_px / options.min_face_px > scale;
    return {seen, limited ? static_cast<int>(std::ceil(window_px / scale)) : options.min_face_px,
            limited};
}

std::vector<detected_face> window_detector::look(const image& picture, picture_size seen) {
    const bool fits = seen == picture_size{picture.width, picture.height};
    return fits ? find(picture) : find(resized(picture, seen.width, seen.height));
}

std::vector<detected_face> window_detector::search(const image& picture, picture_size photo,
                                                   picture_size seen, turning /*turns*/) {
    if (std::min(seen.width, seen.height) < side_min_px) return {};
    std::vector<detected_face> faces = look(picture, seen);
    if (seen == photo) return faces;
    const double across = static_cast<double>(photo.width) / seen.width;
    const double down = static_cast<double>(photo.height) / seen.height;
    for (detected_face& face : faces) {
        face.where = {
            to_photo(face.where.left, across, false), to_photo(face.where.top, down, false),
            to_photo(face.where.right, across, true), to_photo(face.where.bottom, down, true)};
    }
    return faces;
}

detected_faces detector::detect(const image& picture, picture_size photo,
                                const detector_options& options) {
    const detection_scale scale = scale_for(photo, options);
    detected_faces found;
    found.min_face_px = scale.min_face_px;
    found.limited = scale.limited;
    found.faces = search(picture, photo, scale.seen, options.turns);
    std::sort(found.faces.begin(), found.faces.end(),
              [](const detected_face& a, const detected_face& b) {
                  const auto area_a = a.where.width() * a.where.height();
                  const auto area_b = b.where.width() * b.where.height();
                  return std::tuple(-area_a, a.where.left, a.where.top, -a.score) <
                         std::tuple(-area_b, b.where.left, b.where.top, -b.score);
              });
    if (found.faces.size() > limits::faces_per_image) {
        found.faces.resize(limits::faces_per_image);
        found.truncated = true;
    }
    return found;
}

}  // namespace vultus
