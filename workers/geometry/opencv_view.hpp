// A picture as OpenCV sees it, for the sources that call OpenCV and for nothing else.
#pragma once

#include <cstdint>
#include <opencv2/core.hpp>

#include "workers/image/image.hpp"

namespace vultus {

/// The same memory. OpenCV has no const view: whoever gives a const picture only reads through it.
inline cv::Mat view_of(const image& picture) {
    return cv::Mat(static_cast<int>(picture.height), static_cast<int>(picture.width), CV_8UC3,
                   const_cast<std::uint8_t*>(picture.rgb.data()));
}

}  // namespace vultus
