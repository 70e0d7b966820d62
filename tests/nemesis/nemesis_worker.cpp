// The worker of the nemesis: everything is the shipped code but the two networks and the landmarks'
// search for a face. A photo of one colour is one face, its colour the person: so thousands of jobs
// run on two cores, and who must be recognised is known beforehand.
#include <cstdio>
#include <cstdlib>
#include <thread>
#include <utility>

#include "shared/base/log.hpp"
#include "shared/base/stop_signal.hpp"
#include "shared/config/settings.hpp"
#include "workers/engine/models.hpp"
#include "workers/pipeline/startup.hpp"
#include "workers/session/serve.hpp"

namespace {

using namespace vultus;

/// So that a worker that is killed has work in hand; long for the tests, short for a detector.
std::chrono::milliseconds look_time() {
    const char* const asked = std::getenv("VULTUS_LOOK_MS");
    return std::chrono::milliseconds(asked == nullptr ? 25 : std::atoi(asked));
}

class one_face final : public window_detector {
 public:
    explicit one_face(std::string_view name) : name_(name) {}
    std::string_view name() const noexcept override { return name_; }
    std::unique_ptr<detector> clone() const override { return std::make_unique<one_face>(name_); }

 protected:
    std::vector<detected_face> find(const image& picture) override {
        std::this_thread::sleep_for(look_time());
        const auto width = static_cast<std::int32_t>(picture.width);
        const auto height = static_cast<std::int32_t>(picture.height);
        return {{{width / 4, height / 4, 3 * width / 4, 3 * height / 4}, 1.0}};
    }

 private:
    std::string_view name_;  ///< of static storage
};

/// The mean colour of the chip's middle, each of red, green and blue from 0 to 8. The other one has
/// the same distances, but its numbers mean other things.
class colour_embedder final : public embedder {
 public:
    explicit colour_embedder(bool other) : other_(other) {}
    std::string_view name() const noexcept override {
        return other_ ? "colour/other" : "colour/plain";
    }
    std::size_t dimension() const noexcept override { return other_ ? 256 : 128; }
    std::unique_ptr<embedder> clone() const override {
        return std::make_unique<colour_embedder>(other_);
    }
    std::vector<embedding> embed(std::span<const chip> chips) override {
        constexpr std::size_t side = limits::chip_side, from = side / 3, to = 2 * side / 3;
        std::vector<embedding> all(chips.size(), embedding(dimension()));
        for (std::size_t i = 0; i < chips.size(); ++i) {
            for (std::size_t row = from; row < to; ++row) {
                for (std::size_t column = from; column < to; ++column) {
                    for (std::size_t colour = 0; colour < 3; ++colour) {
                        all[i][colour] += chips[i].rgb[(row * side + column) * 3 + colour];
                    }
                }
            }
            constexpr float pixels = (to - from) * (to - from);
            for (std::size_t colour = 0; colour < 3; ++colour) {
                float& number = all[i][colour];
                number *= 8 / 255.0f / pixels;
                if (other_) all[i][dimension() - 1 - colour] = 8 - std::exchange(number, 0.0f);
            }
        }
        return all;
    }

 private:
    bool other_;
};

}  // namespace

int main(int argc, char** argv) {
    const command_line line = parse_command_line(argc, argv, "nemesis_worker");
    if (line.exit_code >= 0) return line.exit_code;
    const auto settings = read_worker_settings(line.source);
    if (!settings) {
        std::fprintf(stderr, "nemesis_worker: %s\n", settings.error().detail.c_str());
        return 2;
    }
    log::start("worker", settings->common.log_level);
    end_without_memory();
    stop_signal stop;
    route_signals_here();
    const auto files = find_models(settings->models);
    if (!files) return 3;
    auto straightener = aligner::load(files->landmarks);
    if (!straightener) return 3;
    std::vector<std::unique_ptr<detector>> detectors;
    for (const std::string_view name : detector_names) {
        detectors.push_back(std::make_unique<one_face>(name));
    }
    std::vector<std::unique_ptr<embedder>> embedders;
    for (const bool other : {false, true}) {
        embedders.push_back(std::make_unique<colour_embedder>(other));
    }
    vision_models models;
    models.detectors = detector_set(std::move(detectors));
    models.landmarks = std::make_unique<const aligner>(std::move(*straightener));
    models.embedders = embedder_set(std::move(embedders));
    return serve(*settings, std::move(models), "cpu", "nemesis", stop);
}
