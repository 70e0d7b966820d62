// Draws boxes and names on a photo, for `annotate`. OpenCV, in image_draw.cpp only.
#pragma once

#include <span>
#include <string>

#include "shared/base/result.hpp"
#include "workers/geometry/geometry.hpp"
#include "workers/image/image.hpp"

namespace vultus {

struct annotation {
    enum class colour { green, amber, grey };  ///< known, ambiguous, unknown
    box where;
    std::string text;  ///< UTF-8, any script that the machine has a font for; cut to the photo
    colour frame = colour::green;
};

/// The photo with boxes and names, as a JPEG of at most limits::annotated_bytes: quality, then
/// size, is lowered until it fits.
/// errors    internal, if the library refuses
result<std::string> annotated_jpeg(image photo, std::span<const annotation>);

}  // namespace vultus
