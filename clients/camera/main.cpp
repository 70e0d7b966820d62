// vultus-camera: three threads that never wait for one another. The source reads pictures at their
// rate, the link sends the newest one when the service has room, and this one displays and records.
#include <algorithm>
#include <atomic>
#include <csignal>
#include <cstdio>
#include <opencv2/highgui.hpp>
#include <optional>

#include "clients/camera/arguments.hpp"
#include "clients/camera/chooser.hpp"
#include "clients/camera/drawing.hpp"
#include "clients/camera/live_link.hpp"
#include "clients/camera/newest.hpp"
#include "clients/camera/recording.hpp"
#include "clients/camera/source.hpp"

namespace {

using namespace vultus::camera;
using std::chrono::milliseconds;

constexpr const char* window = "Vultus";
constexpr const char* keys = "q quit  space stop/go  o open photo  b blur  t tracks";
constexpr milliseconds last_answer_in{5'000};

// A signal handler and not shared/stop_signal: OpenCV's libraries start threads before main, and a
// signal that main blocks would be delivered to one of them and end the program.
std::atomic<bool> asked_to_stop{false};
static_assert(std::atomic<bool>::is_always_lock_free);

void print(const std::string& line) {
    std::puts(line.c_str());
    // Flush each line for its reader; if it cannot be written, stop.
    if (std::fflush(stdout) != 0) asked_to_stop = true;
}

/// The window, the recording and the state of the keys.
class stage {
 public:
    stage(arguments asked, live_link& link) : asked_(std::move(asked)), link_(link) {
        if (!asked_.out.empty()) video_.emplace(asked_.out);
    }

    void handle(news what) {
        if (auto* answer = std::get_if<answered>(&what)) {
            last_ = std::move(*answer);
            trouble_.clear();
            ++answers_;
            if (asked_.json) print(line_of(last_.reply, last_.what.number, last_.latency_ms));
            // An answer under earlier settings does not tell whom to hide now.
            const bool hides_less = last_.what.settings < chosen_ && asked_.blur != "none";
            if (video_ && !hides_less) record();
            fresh_ = !hides_less;
        } else {
            const auto& word = std::get<link_state>(what);
            if (word.word != "connected") return complain(word.word, word.detail);
            trouble_.clear();
            if (asked_.json)
                print(state_line(word.word));
            else
                std::fprintf(stderr, "vultus-camera: connected\n");
        }
    }

    void complain(const std::string& word, const std::string& detail) {
        trouble_ = detail.empty() ? word : detail;
        if (asked_.json)
            print(line_of(word, detail));
        else
            std::fprintf(stderr, "vultus-camera: %s\n", trouble_.c_str());
    }

    /// Draws the newest picture. With blur only answered pictures are shown, so that no face is
    /// visible before it is blurred.
    void show(const std::optional<picture>& newest, bool held) {
        const bool hides = asked_.blur != "none";
        if (hides ? !fresh_ : !newest && !fresh_) return;
        if (newest && !hides) shown_ = newest->pixels->clone();
        if (hides) shown_ = picture_of(*last_.what.jpeg);
        if (shown_.empty()) return;
        fresh_ = false;
        cv::Mat canvas = shown_.clone();
        draw_faces(canvas, last_.reply.faces);
        draw_lines(canvas, status_lines(held), false);
        draw_lines(canvas, {keys}, true);
        cv::imshow(window, canvas);
    }

    /// False: the user quits.
    bool press(int key, source& from, bool& held) {
        if (key == 'q' || key == 27) return false;
        if (key == ' ') from.hold(held = !held);
        if (key == 'o' && !dialog_.open()) {
            complain("no_dialog", "install zenity or kdialog to open a photo");
        }
        if (const auto photo = dialog_.chosen()) {
            from.hold(held = true);  // until the space bar
            if (!from.show(*photo)) complain("no_picture", "not an image: " + *photo);
        }
        if (key == 't') asked_.tracks = !asked_.tracks;
        if (key == 'b') {
            asked_.blur = asked_.blur == "none"      ? "unknown"
                          : asked_.blur == "unknown" ? "known"
                          : asked_.blur == "known"   ? "all"
                                                     : "none";
        }
        if (key == 'b' || key == 't') {
            chosen_ = link_.choose(settings_text(asked_));
            if (answers_ > 0) link_.offer(last_.what);  // send the held picture again
        }
        if (key == 'b' && asked_.blur != "none") {  // until the first answer with it
            fresh_ = false;
            hide_all(shown_);
            if (!shown_.empty()) cv::imshow(window, shown_);
        }
        return true;
    }

    /// Gives the video its name. False: the video or the output could not be written.
    bool finish() {
        if (video_) {
            if (auto done = video_->finish(); !done) {
                complain("cannot_write", done.error().detail);
                wrote_ = false;
            }
        }
        return wrote_ && vultus::output_was_written();
    }
    std::uint64_t answers() const { return answers_; }

 private:
    std::vector<std::string> status_lines(bool held) const {
        char text[160];
        std::snprintf(
            text, sizeof text, "%.0f ms  dropped %llu  blur %s%s%s", last_.latency_ms,
            static_cast<unsigned long long>(std::max(last_.what.number, answers_) - answers_),
            asked_.blur.c_str(), asked_.tracks ? "" : "  no tracks", held ? "  stopped" : "");
        std::vector<std::string> lines{summary_of(last_.reply.faces), text};
        if (!trouble_.empty()) lines.push_back(trouble_);
        return lines;
    }

    void record() {
        cv::Mat canvas = picture_of(*last_.what.jpeg);
        if (canvas.empty()) return;
        draw_faces(canvas, last_.reply.faces);
        if (auto done = video_->add(canvas); !done) {
            complain("cannot_write", done.error().detail);
            video_.reset();
            wrote_ = false;
        }
    }

    arguments asked_;
    live_link& link_;
    chooser dialog_;
    answered last_;
    std::uint64_t answers_ = 0;
    bool fresh_ = false;  ///< the last answer was not shown yet
    std::string trouble_;
    cv::Mat shown_;
    std::optional<recording> video_;
    std::uint64_t chosen_ = 0;  ///< the settings that the last key chose
    bool wrote_ = true;
};

/// 1 if no picture could be read or written, or there was no answer.
int exit_code(stage& show, bool failed, std::uint64_t pictures) {
    const bool written = show.finish();
    const bool unanswered = pictures > 0 && show.answers() == 0;
    if (unanswered) {
        show.complain("no_answer", "none of " + std::to_string(pictures) + " images were answered");
    }
    return failed || unanswered || !written ? 1 : 0;
}

}  // namespace

int main(int argc, char** argv) {
    const arguments asked = parse_arguments(argc, argv);
    if (asked.exit_code >= 0) return asked.exit_code;
    for (const int one : {SIGINT, SIGTERM}) std::signal(one, [](int) { asked_to_stop = true; });
    auto trusted = vultus::net::trust(asked.url, asked.authorities);
    if (!trusted) {
        std::fprintf(stderr, "vultus-camera: %s\n", trusted.error().detail.c_str());
        return 2;
    }
    live_link link({asked.url, asked.collection, asked.key, *std::move(trusted)},
                   settings_text(asked));
    stage show(asked, link);
    newest<picture> pictures;
    vultus::bounded_queue<std::string> troubles(16);
    source from(
        asked.source, asked.rate,
        [&](picture one) {
            // Encode only if the service has room soon.
            if (link.on_their_way() < 3) {
                auto jpeg = std::make_shared<const std::string>(jpeg_of(*one.pixels));
                link.offer({one.number, one.taken, std::move(jpeg)});
            }
            pictures.put(std::move(one));
        },
        [&](std::string why) { troubles.try_push(why); });
    if (!asked.headless) cv::namedWindow(window, cv::WINDOW_NORMAL | cv::WINDOW_KEEPRATIO);
    const bool stays = !asked.headless && kind_of(asked.source) == source_kind::photo;
    bool held = false;
    steady::time_point last_news = steady::now();
    while (!asked_to_stop) {
        const bool no_more = from.ended();  // read before the last messages
        while (auto why = troubles.try_pop()) show.complain("no_picture", *why);
        while (auto what = link.next(milliseconds(asked.headless ? 20 : 0))) {
            if (std::holds_alternative<answered>(*what)) last_news = steady::now();
            show.handle(std::move(*what));
        }
        if (!asked.headless) {
            show.show(pictures.take(milliseconds(5)), held);
            if (!show.press(cv::waitKey(5), from, held)) break;
            const bool closed = cv::getWindowProperty(window, cv::WND_PROP_VISIBLE) < 1;
            if (closed && show.answers() > 0) break;
        }
        if (no_more && from.failed()) break;
        if (!no_more || stays) continue;
        if (link.on_their_way() == 0 || steady::now() > last_news + last_answer_in) break;
    }
    pictures.close();
    return exit_code(show, from.failed(), from.count());
}
