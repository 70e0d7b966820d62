// The source of pictures: a camera, a video file, an RTSP URL, a folder or one photo. A thread
// reads them at their rate, independent of the consumers; a lost camera or URL is reopened with a
// back-off.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <opencv2/core.hpp>
#include <string>
#include <thread>
#include <vector>

#include "clients/camera/live_link.hpp"

namespace vultus::camera {

struct picture {
    std::uint64_t number = 0;  ///< counts from 1
    steady::time_point taken{};
    std::shared_ptr<const cv::Mat> pixels;
};

/// The kind of a source, by its text.
enum class source_kind { camera, url, file, folder, photo };
source_kind kind_of(const std::string& text);

/// The pictures of a folder by name: .jpg, .jpeg, .png, .bmp, .webp.
std::vector<std::string> pictures_of(const std::string& folder);

class source {
 public:
    using take = std::function<void(picture)>;
    using complain = std::function<void(std::string)>;
    /// The source's thread calls both functions. `rate`: of a file or folder; 0: its own.
    source(std::string text, double rate, take on_picture, complain on_trouble);
    ~source();
    source(const source&) = delete;
    source& operator=(const source&) = delete;

    /// Inserts a photo as the next picture; false if the file is not one. Any thread.
    bool show(const std::string& photo);
    void hold(bool still) { held_ = still; }        ///< pause and resume
    bool ended() const { return ended_; }           ///< no more pictures; never for a camera or URL
    bool failed() const { return failed_; }         ///< ended without any picture
    std::uint64_t count() const { return count_; }  ///< pictures so far

 private:
    void run();
    bool play(double& pictures_a_second);
    void show_all(const std::vector<std::string>& photos);
    void give(cv::Mat pixels);
    void wait_until(steady::time_point when);

    const std::string text_;
    const double rate_;
    take take_;
    complain complain_;
    std::atomic<std::uint64_t> count_{0};
    std::atomic<bool> held_{false}, stop_{false}, ended_{false}, failed_{false};
    std::thread thread_;
};

}  // namespace vultus::camera
