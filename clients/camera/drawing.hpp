// Draws boxes, names and lines of text on a picture; decodes and encodes JPEG. Pure.
#pragma once

#include <opencv2/core.hpp>
#include <string>
#include <vector>

#include "clients/camera/json_message.hpp"

namespace vultus::camera {

/// Boxes and names; faces with `blur` are blurred first.
void draw_faces(cv::Mat& picture, const std::vector<face>& faces);

/// The whole picture blurred, so that nobody can be recognized.
void hide_all(cv::Mat& picture);

/// The picture scaled into another size, with black bars where the aspect ratio differs.
cv::Mat fitted(const cv::Mat& picture, cv::Size size);

/// Lines of text over the picture's upper (or lower) edge. ASCII: other characters become '?'.
void draw_lines(cv::Mat& picture, const std::vector<std::string>& lines, bool at_bottom);

/// The picture as a JPEG for the live channel: at most 1 MiB, at the cost of quality.
std::string jpeg_of(const cv::Mat& picture);

/// errors    an empty picture if it cannot be decoded
cv::Mat picture_of(const std::string& jpeg);

/// "3 faces: Ada, Bob, 1 unknown".
std::string summary_of(const std::vector<face>& faces);

/// The visible ASCII of a text.
std::string ascii_of(std::string_view text);

}  // namespace vultus::camera
