// See resize.hpp.
#include "workers/geometry/resize.hpp"

#include <opencv2/core.hpp>
#include <opencv2/imgproc.hpp>

#include "shared/base/require.hpp"
#include "workers/geometry/opencv_view.hpp"

namespace vultus {

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
