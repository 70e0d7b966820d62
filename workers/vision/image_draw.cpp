// See image_draw.hpp.
#include "workers/vision/image_draw.hpp"

#include <algorithm>
#include <cmath>
#include <opencv2/core.hpp>
#include <opencv2/imgproc.hpp>
#include <utility>

#include "shared/base/limits.hpp"
#include "workers/geometry/opencv_view.hpp"
#include "workers/geometry/resize.hpp"
#include "workers/vision/text_draw.hpp"

namespace vultus {
namespace {

cv::Scalar rgb_of(annotation::colour colour) {
    switch (colour) {
        case annotation::colour::green:
            return {46, 160, 67};
        case annotation::colour::amber:
            return {210, 140, 0};
        case annotation::colour::grey:
            return {110, 118, 129};
    }
    return {};
}

/// White text, as much as each pixel is covered. requires it lies inside the canvas
void lay_text(cv::Mat& canvas, const text_picture& text, int left, int top) {
    for (int y = 0; y < text.height; ++y) {
        cv::Vec3b* row = canvas.ptr<cv::Vec3b>(top + y) + left;
        const std::uint8_t* cover = text.cover.data() + std::ptrdiff_t{y} * text.width;
        for (int x = 0; x < text.width; ++x) {
            for (int c = 0; c < 3; ++c) {
                row[x][c] =
                    static_cast<std::uint8_t>(row[x][c] + (255 - row[x][c]) * cover[x] / 255);
            }
        }
    }
}

void draw(cv::Mat& canvas, const annotation& note) {
    const int unit = std::max(1, std::min(canvas.cols, canvas.rows) / 400);
    const cv::Scalar colour = rgb_of(note.frame);
    const cv::Rect frame(cv::Point(note.where.left, note.where.top),
                         cv::Point(note.where.right + 1, note.where.bottom + 1));
    cv::rectangle(canvas, frame, colour, 2 * unit);
    const int pad = 3 * unit, room = canvas.cols - 2 * pad;
    if (room < 1) return;
    const text_picture text = draw_text(note.text, 18 * unit, room);
    const int high = text.height + 2 * pad;
    if (text.cover.empty() || high > canvas.rows) return;
    const int left = std::clamp(frame.x, 0, canvas.cols - text.width - 2 * pad);
    const int below =
        frame.y + frame.height;  // under the box, or inside its end if there is no room
    const int top = std::clamp(below, 0, canvas.rows - high);
    cv::rectangle(canvas, cv::Rect(left, top, text.width + 2 * pad, high), colour, cv::FILLED);
    lay_text(canvas, text, left + pad, top + pad);
}

}  // namespace

result<std::string> annotated_jpeg(image photo, std::span<const annotation> notes) {
    cv::Mat canvas = view_of(photo);
    for (const annotation& note : notes) draw(canvas, note);
    for (;;) {
        for (const int quality : {88, 75, 60}) {
            auto file = encode_jpeg(photo, quality);
            if (!file || file->size() <= limits::annotated_bytes) return file;
        }
        photo = resized(photo, std::max(1u, photo.width / 2), std::max(1u, photo.height / 2));
    }
}

}  // namespace vultus
