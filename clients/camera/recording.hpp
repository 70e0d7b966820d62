// The video that --out writes: answered pictures with their boxes and names. It shows faces, so it
// is readable by its owner only, and gets its name when it is complete
// (shared/security/output_file.hpp).
#pragma once

#include <opencv2/videoio.hpp>
#include <optional>
#include <string>

#include "shared/security/output_file.hpp"

namespace vultus::camera {

/// threads   one owner
class recording {
 public:
    /// `path`    .mp4; any other name is an .avi
    explicit recording(std::string path) : path_(std::move(path)) {}
    ~recording();  ///< an unfinished video leaves no file

    /// The first picture determines the size; others are scaled into it.
    /// errors    those of place_for_output(); malformed: OpenCV cannot write such a file
    result<void> add(const cv::Mat& picture);
    /// Succeeds also without any picture. errors malformed: it could not be written
    result<void> finish();

 private:
    result<void> begin(cv::Size size);

    const std::string path_;
    std::optional<output_place> place_;
    cv::VideoWriter video_;
    cv::Size size_;
};

}  // namespace vultus::camera
