// Our pictures as dlib's, shared by the files that include dlib and by nothing else.
#pragma once

#include <dlib/array2d.h>
#include <dlib/matrix.h>
#include <dlib/pixel.h>

#include <cstring>

#include "workers/geometry/geometry.hpp"
#include "workers/image/image.hpp"

namespace vultus {

static_assert(sizeof(dlib::rgb_pixel) == 3, "rows can be copied whole");

using dlib_picture = dlib::matrix<dlib::rgb_pixel>;

inline dlib_picture dlib_picture_of(const std::uint8_t* rgb, std::size_t width,
                                    std::size_t height) {
    dlib_picture picture(static_cast<long>(height), static_cast<long>(width));
    std::memcpy(&picture(0, 0), rgb, width * height * 3);
    return picture;
}

/// requires  as many rows as columns
inline chip chip_of(const dlib_picture& picture) {
    chip face{{}, static_cast<std::uint32_t>(picture.nr())};
    face.rgb.resize(chip::bytes_of(face.side));
    std::memcpy(face.rgb.data(), &picture(0, 0), face.rgb.size());
    return face;
}

inline box box_of(const dlib::rectangle& where) {
    return {static_cast<std::int32_t>(where.left()), static_cast<std::int32_t>(where.top()),
            static_cast<std::int32_t>(where.right()), static_cast<std::int32_t>(where.bottom())};
}

}  // namespace vultus
