// Boxes, names and the lines of text on a picture; JPEG in and out. Pure but for OpenCV.
#pragma once

#include <opencv2/core.hpp>
#include <string>
#include <vector>

#include "clients/camera/json_message.hpp"

namespace vultus::camera {

/// Boxes and names; faces that are to be hidden are blurred first.
void draw_faces(cv::Mat& picture, const std::vector<face>& faces);

/// The whole picture as a few blurred areas: nobody is seen on it.
void hide_all(cv::Mat& picture);

/// The picture at another size: all of it is seen, with black beside it where the shape differs.
cv::Mat fitted(const cv::Mat& picture, cv::Size size);

/// Lines of text over the picture's upper (or lower) edge. ASCII: other characters become '?'.
void draw_lines(cv::Mat& picture, const std::vector<std::string>& lines, bool at_bottom);

/// The picture as a JPEG that the live channel takes: at most 1 MiB, whatever that costs.
std::string jpeg_of(const cv::Mat& picture);

/// errors    an empty picture if it is none
cv::Mat picture_of(const std::string& jpeg);

/// "3 faces: Ada, Bob, 1 unknown".
std::string summary_of(const std::vector<face>& faces);

/// The visible ASCII of a text.
std::string ascii_of(std::string_view text);

}  // namespace vultus::camera
