#include "clients/camera/drawing.hpp"

#include <algorithm>
#include <opencv2/imgcodecs.hpp>
#include <opencv2/imgproc.hpp>

#include "shared/base/limits.hpp"

namespace vultus::camera {
namespace {

constexpr int font = cv::FONT_HERSHEY_SIMPLEX;
constexpr double font_scale = 0.5;
constexpr int line_px = 20;

cv::Scalar colour_of(const face& one) {  // blue, green, red
    if (one.status == "known") return {80, 200, 60};
    if (one.status == "ambiguous") return {40, 170, 250};
    return {180, 180, 180};
}

void write(cv::Mat& on, const std::string& text, cv::Point at, const cv::Scalar& colour) {
    cv::putText(on, text, at, font, font_scale, {0, 0, 0}, 3, cv::LINE_AA);
    cv::putText(on, text, at, font, font_scale, colour, 1, cv::LINE_AA);
}

}  // namespace

std::string ascii_of(std::string_view text) {
    std::string shown;
    for (const char c : text) {
        const auto byte = static_cast<unsigned char>(c);
        if (byte >= 0x20 && byte < 0x7f)
            shown += c;
        else if ((byte & 0xC0U) != 0x80U)
            shown += '?';  // one for each character
    }
    return shown;
}

void draw_faces(cv::Mat& picture, const std::vector<face>& faces) {
    const cv::Rect whole(0, 0, picture.cols, picture.rows);
    for (const face& one : faces) {
        cv::Rect where(cv::Point(one.left, one.top), cv::Point(one.right + 1, one.bottom + 1));
        if (one.blur) {
            const int more = where.width / 4;  // so that the hair is included
            cv::Rect wide(where.x - more, where.y - more, where.width + 2 * more,
                          where.height + 2 * more);
            wide &= whole;
            if (wide.empty()) continue;
            cv::Mat part = picture(wide), small;
            cv::resize(part, small, {6, 6}, 0, 0, cv::INTER_AREA);
            cv::resize(small, part, part.size(), 0, 0, cv::INTER_LINEAR);
        }
        cv::rectangle(picture, where, colour_of(one), 2);
        std::string text = one.label.empty() ? "unknown" : ascii_of(one.label);
        if (one.status == "ambiguous") text += "?";
        if (one.blur) text = "-";
        write(picture, text, {std::max(where.x, 2), std::max(where.y - 6, line_px)},
              colour_of(one));
    }
}

void hide_all(cv::Mat& picture) {
    if (picture.empty()) return;
    cv::Mat small;
    cv::resize(picture, small, {6, 6}, 0, 0, cv::INTER_AREA);
    cv::resize(small, picture, picture.size(), 0, 0, cv::INTER_LINEAR);
}

cv::Mat fitted(const cv::Mat& picture, cv::Size size) {
    if (picture.size() == size) return picture;
    const double scale = std::min(static_cast<double>(size.width) / picture.cols,
                                  static_cast<double>(size.height) / picture.rows);
    const cv::Size inner(std::clamp(static_cast<int>(picture.cols * scale), 1, size.width),
                         std::clamp(static_cast<int>(picture.rows * scale), 1, size.height));
    cv::Mat canvas(size, picture.type(), cv::Scalar(0, 0, 0));
    cv::Mat part = canvas({(size.width - inner.width) / 2, (size.height - inner.height) / 2,
                           inner.width, inner.height});
    cv::resize(picture, part, inner, 0, 0, cv::INTER_AREA);
    return canvas;
}

void draw_lines(cv::Mat& picture, const std::vector<std::string>& lines, bool at_bottom) {
    const int count = static_cast<int>(lines.size());
    int y = at_bottom ? picture.rows - 8 - line_px * (count - 1) : line_px;
    for (const std::string& line : lines) {
        write(picture, ascii_of(line), {8, y}, {255, 255, 255});
        y += line_px;
    }
}

std::string jpeg_of(const cv::Mat& picture) {
    cv::Mat smaller = picture;
    for (int quality = 85;; quality -= 15) {
        std::vector<unsigned char> bytes;
        cv::imencode(".jpg", smaller, bytes, {cv::IMWRITE_JPEG_QUALITY, quality});
        if (bytes.size() <= limits::live_frame_bytes) return {bytes.begin(), bytes.end()};
        if (quality <= 55) {
            cv::resize(smaller, smaller, {}, 0.5, 0.5, cv::INTER_AREA);
            quality = 100;
        }
    }
}

cv::Mat picture_of(const std::string& jpeg) {
    const std::vector<unsigned char> bytes(jpeg.begin(), jpeg.end());
    return cv::imdecode(bytes, cv::IMREAD_COLOR);
}

std::string summary_of(const std::vector<face>& faces) {
    std::string names;
    std::size_t others = 0;
    for (const face& one : faces) {
        if (one.label.empty())
            ++others;
        else
            names += (names.empty() ? "" : ", ") + one.label;
    }
    if (others > 0) names += (names.empty() ? "" : ", ") + std::to_string(others) + " unknown";
    return std::to_string(faces.size()) + (faces.size() == 1 ? " face" : " faces") +
           (names.empty() ? "" : ": " + names);
}

}  // namespace vultus::camera
