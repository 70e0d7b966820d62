#include "workers/vision/face_picture.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <utility>

#include "shared/base/require.hpp"
#include "workers/geometry/resize.hpp"
#include "workers/geometry/turn.hpp"

namespace vultus {
namespace {

/// The part of the photo around the face; without pixels if they do not meet.
image around(const image& photo, const box& where) {
    const double side =
        picture_margin * static_cast<double>(std::max(where.width(), where.height()));
    const double x = (double{1} + where.left + where.right) / 2;
    const double y = (double{1} + where.top + where.bottom) / 2;
    const auto within = [](double at, std::uint32_t most) {
        return static_cast<std::uint32_t>(std::clamp(std::round(at), 0.0, double{1} * most));
    };
    const std::uint32_t left = within(x - side / 2, photo.width);
    const std::uint32_t right = within(x + side / 2, photo.width);
    const std::uint32_t top = within(y - side / 2, photo.height);
    const std::uint32_t bottom = within(y + side / 2, photo.height);
    if (left >= right || top >= bottom) return {};
    image part(right - left, bottom - top);
    for (std::uint32_t row = 0; row < part.height; ++row) {
        std::memcpy(part.row(row), photo.row(top + row) + std::size_t{left} * 3,
                    std::size_t{part.width} * 3);
    }
    return part;
}

image at_most(image picture, std::uint32_t side) {
    const std::uint32_t longer = std::max(picture.width, picture.height);
    if (longer <= side) return picture;
    const auto scaled = [&](std::uint32_t length) {
        return std::max<std::uint32_t>(1, (length * side + longer / 2) / longer);
    };
    return resized(picture, scaled(picture.width), scaled(picture.height));
}

constexpr std::uint32_t older_side = 112;

}  // namespace

bool is_older_picture(const image& picture) {
    return picture.width == older_side && picture.height == older_side;
}

result<std::string> face_picture(const image& photo, const detected_face& face) {
    VULTUS_REQUIRE(photo.width > 0 && photo.height > 0, "a photo with pixels");
    image part = around(photo, face.where);
    if (part.width == 0) return fail(errc::no_face, "the face lies outside of the photo");
    part = turned(at_most(std::move(part), limits::picture_side), face.quarters);
    for (std::uint32_t side = limits::picture_side; side > 16; side = side * 3 / 4) {
        part = at_most(std::move(part), side);
        if (is_older_picture(part)) part = resized(part, older_side, older_side - 1);
        for (const int quality : {92, 85}) {
            auto file = encode_jpeg(part, quality);
            if (!file || file->size() <= limits::picture_bytes) return file;
        }
    }
    return fail(errc::internal, "picture of a face exceeds its size limit");
}

}  // namespace vultus
