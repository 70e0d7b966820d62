#include "clients/camera/source.hpp"

#include <algorithm>
#include <filesystem>
#include <opencv2/imgcodecs.hpp>
#include <opencv2/videoio.hpp>
#include <set>
#include <utility>

namespace vultus::camera {
namespace {

namespace fs = std::filesystem;
using std::chrono::milliseconds;

constexpr double folder_rate = 2;
constexpr milliseconds back_off_first{1'000}, back_off_most{30'000}, nap{20};

bool is_photo(const fs::path& file) {
    static const std::set<std::string> suffixes{".jpg", ".jpeg", ".png", ".bmp", ".webp"};
    std::string suffix = file.extension().string();
    std::transform(suffix.begin(), suffix.end(), suffix.begin(),
                   [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    return suffixes.contains(suffix);
}

bool opened(cv::VideoCapture& capture, const std::string& text) {
    if (kind_of(text) != source_kind::camera) return capture.open(text);
    if (!capture.open(std::stoi(text))) return false;
    capture.set(cv::CAP_PROP_BUFFERSIZE, 1);  // the newest picture, not one from a second ago
    return true;
}

}  // namespace

source_kind kind_of(const std::string& text) {
    const bool digits = !text.empty() && text.size() <= 3 &&
                        text.find_first_not_of("0123456789") == std::string::npos;
    if (digits) return source_kind::camera;
    if (text.find("://") != std::string::npos) return source_kind::url;
    std::error_code bad;
    if (fs::is_directory(text, bad)) return source_kind::folder;
    return is_photo(text) ? source_kind::photo : source_kind::file;
}

std::vector<std::string> pictures_of(const std::string& folder) {
    std::vector<std::string> files;
    std::error_code bad;
    for (fs::directory_iterator one(folder, bad), end; !bad && one != end; one.increment(bad)) {
        if (is_photo(one->path())) files.push_back(one->path().string());
    }
    std::sort(files.begin(), files.end());
    return files;
}

source::source(std::string text, double rate, take on_picture, complain on_trouble)
    : text_(std::move(text)),
      rate_(rate),
      take_(std::move(on_picture)),
      complain_(std::move(on_trouble)) {
    thread_ = std::thread([this] { run(); });
}

source::~source() {
    stop_ = true;
    thread_.join();
}

void source::wait_until(steady::time_point when) {
    while (!stop_ && steady::now() < when) {
        std::this_thread::sleep_for(std::min<steady::duration>(nap, when - steady::now()));
    }
}

void source::give(cv::Mat pixels) {
    take_({++count_, steady::now(), std::make_shared<const cv::Mat>(std::move(pixels))});
}

void source::run() {
    const source_kind kind = kind_of(text_);
    const bool live = kind == source_kind::camera || kind == source_kind::url;
    milliseconds back_off = back_off_first;
    if (kind == source_kind::folder || kind == source_kind::photo) {
        show_all(kind == source_kind::photo ? std::vector{text_} : pictures_of(text_));
    } else {
        while (!stop_) {
            double pace = live ? 0 : rate_;
            const std::uint64_t before = count_;
            const bool was_open = play(pace);
            if (!live) {
                failed_ = count_ == 0;
                if (failed_) complain_("cannot read images from " + text_);
                break;
            }
            if (stop_) break;
            if (count_ > before) back_off = back_off_first;
            complain_(std::string(was_open ? "no more images from " : "cannot open ") +
                      (kind == source_kind::camera ? "camera " : "") + text_ + "; retry in " +
                      std::to_string(back_off.count() / 1'000) + " s");
            wait_until(steady::now() + back_off);
            back_off = std::min(2 * back_off, back_off_most);
        }
    }
    ended_ = true;
}

/// Reads until it ends. Returns whether it could be opened. `pace` 0: the file's own; ignored for
/// cameras.
bool source::play(double& pace) {
    cv::VideoCapture capture;
    try {
        if (!opened(capture, text_)) return false;
        const bool file = kind_of(text_) == source_kind::file;
        if (file && pace <= 0) pace = capture.get(cv::CAP_PROP_FPS);
        if (file && !(pace >= 0.1 && pace <= 240)) pace = 25;
        auto due = steady::now();
        while (!stop_) {
            cv::Mat pixels;  // a new one: other threads still use the last
            if (!capture.read(pixels) || pixels.empty()) return true;
            if (held_ && !file) continue;
            while (held_ && !stop_) wait_until(steady::now() + nap);
            give(std::move(pixels));
            if (!file) continue;
            due = std::max(due + std::chrono::duration_cast<steady::duration>(
                                     std::chrono::duration<double>(1 / pace)),
                           steady::now() - nap);
            wait_until(due);
        }
    } catch (const cv::Exception&) {
        return capture.isOpened();
    }
    return true;
}

bool source::show(const std::string& photo) {
    cv::Mat pixels;
    try {
        pixels = cv::imread(photo, cv::IMREAD_COLOR);
    } catch (const cv::Exception&) {
    }
    if (pixels.empty()) return false;
    give(std::move(pixels));
    return true;
}

void source::show_all(const std::vector<std::string>& photos) {
    const double pace = rate_ > 0 ? rate_ : folder_rate;
    for (const std::string& photo : photos) {
        while (held_ && !stop_) wait_until(steady::now() + nap);
        if (stop_) return;
        if (!show(photo)) {
            complain_("not an image: " + photo);
            continue;
        }
        wait_until(steady::now() + std::chrono::duration_cast<steady::duration>(
                                       std::chrono::duration<double>(1 / pace)));
    }
    failed_ = count_ == 0;
    if (failed_) complain_("cannot read images from " + text_);
}

}  // namespace vultus::camera
