// See resize.hpp.
#include "workers/geometry/resize.hpp"

#include <opencv2/core.hpp>
#include <opencv2/imgproc.hpp>

#include "shared/base/require.hpp"

namespace vultus {
namespace {

/// The same memory as OpenCV sees it. It has no const view; callers only read through this one.
cv::Mat view_of(const image& picture) {
    return cv::Mat(static_cast<int>(picture.height), static_cast<int>(picture.width), CV_8UC3,
                   const_cast<std::uint8_t*>(picture.rgb.data()));
}

}  // namespace

image resized(const image& picture, std::uint32_t width, std::uint32_t height) {
    VULTUS_REQUIRE(picture.width > 0 && picture.height > 0 && width > 0 && height > 0,
                   "both pictures have pixels");
    cv::setNumThreads(0);  // the worker is parallel over photos
    image scaled(width, height);
    cv::Mat target = view_of(scaled);
    const bool smaller = width < picture.width || height < picture.height;
    cv::resize(view_of(picture), target, target.size(), 0, 0,
               smaller ? cv::INTER_AREA : cv::INTER_LINEAR);
    VULTUS_REQUIRE(target.data == scaled.rgb.data(), "OpenCV writes where it is told");
    return scaled;
}

}  // namespace vultus
