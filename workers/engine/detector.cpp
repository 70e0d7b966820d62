// What both detectors share: the one resize, and the way back to the photo's pixels.
#include "workers/engine/detector.hpp"

#include <algorithm>
#include <cmath>
#include <tuple>

#include "shared/base/limits.hpp"
#include "shared/base/require.hpp"
#include "workers/geometry/resize.hpp"

namespace vultus {
namespace {

constexpr double window_px = 80;  ///< both detectors were trained with an 80 x 80 window
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

std::vector<detected_face> detector::look(const image& picture, picture_size seen) {
    const bool fits = seen == picture_size{picture.width, picture.height};
    return fits ? find(picture) : find(resized(picture, seen.width, seen.height));
}

detected_faces detector::detect(const image& picture, picture_size photo,
                                const detector_options& options) {
    const picture_size size = detection_size(photo.width, photo.height, options);
    detected_faces found;
    if (std::min(size.width, size.height) < side_min_px) return found;
    found.faces = look(picture, size);
    if (size != photo) {
        const double across = static_cast<double>(photo.width) / size.width;
        const double down = static_cast<double>(photo.height) / size.height;
        for (detected_face& face : found.faces) {
            face.where = {
                to_photo(face.where.left, across, false), to_photo(face.where.top, down, false),
                to_photo(face.where.right, across, true), to_photo(face.where.bottom, down, true)};
        }
    }
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
