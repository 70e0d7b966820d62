// Scales a picture.
#pragma once

#include <cstdint>

#include "workers/image/image.hpp"

namespace vultus {

/// The picture in another size: area means when it shrinks, bilinear when it grows.
/// requires  both pictures have pixels
image resized(const image&, std::uint32_t width, std::uint32_t height);

}  // namespace vultus
