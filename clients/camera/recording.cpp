// See recording.hpp.
#include "clients/camera/recording.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include "clients/camera/drawing.hpp"

namespace vultus::camera {
namespace {

constexpr double rate = 15;

}  // namespace

recording::~recording() {
    if (!place_) return;
    video_.release();
    if (!place_->final_path.empty()) ::unlink(place_->path.c_str());
}

result<void> recording::begin(cv::Size size) {
    const bool mp4 = path_.ends_with(".mp4");
    auto place = place_for_output(path_, readers::owner, mp4 ? ".mp4" : ".avi");
    if (!place) return fail(place.error());
    place_ = *std::move(place);
    const int code = mp4 ? cv::VideoWriter::fourcc('m', 'p', '4', 'v')
                         : cv::VideoWriter::fourcc('M', 'J', 'P', 'G');
    if (!video_.open(place_->path, code, rate, size)) {
        return fail(errc::malformed, path_ + " cannot be written");
    }
    size_ = size;
    return {};
}

result<void> recording::add(const cv::Mat& picture) {
    if (!place_) {
        if (auto good = begin(picture.size()); !good) return good;
    }
    video_.write(fitted(picture, size_));
    return {};
}

result<void> recording::finish() {
    if (!place_) return {};
    video_.release();
    const output_place written = *std::exchange(place_, std::nullopt);
    // OpenCV does not report a full disk; a video that could not be started has no bytes.
    struct stat what {};
    const bool some = written.final_path.empty() ||
                      (::stat(written.path.c_str(), &what) == 0 && what.st_size > 0);
    if (some) return commit_place(written);
    ::unlink(written.path.c_str());
    return fail(errc::malformed, path_ + " cannot be written: disk full");
}

}  // namespace vultus::camera
