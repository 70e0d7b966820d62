// The video that --out writes: answered pictures with their boxes and names. It has faces, so it is
// readable by its owner only, and gets its name when it is whole (shared/security/output_file.hpp).
#pragma once

#include <opencv2/videoio.hpp>
#include <optional>
#include <string>

#include "shared/security/output_file.hpp"

namespace vultus::camera {

/// threads   one owner
class recording {
 public:
    /// `path`    .mp4, else it is an .avi
    explicit recording(std::string path) : path_(std::move(path)) {}
    ~recording();  ///< what was not finished leaves nothing

    /// The first picture gives the size; others are fitted into it.
    /// errors    as place_for_output(); malformed: OpenCV writes no such file
    result<void> add(const cv::Mat& picture);
    /// Good too if there was no picture. errors malformed: it could not be written
    result<void> finish();

 private:
    result<void> begin(cv::Size size);

    const std::string path_;
    std::optional<output_place> place_;
    cv::VideoWriter video_;
    cv::Size size_;
};

}  // namespace vultus::camera
