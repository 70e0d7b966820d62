// See model_check.hpp.
#include "workers/calibration/model_check.hpp"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <filesystem>
#include <functional>
#include <memory>
#include <string_view>
#include <utility>

#include "shared/config/known_models.hpp"
#include "workers/engine/dlib_layers.hpp"
#include "workers/engine/embedding_kind.hpp"
#include "workers/engine/faces/network_detector.hpp"
#include "workers/engine/faces/network_embedder.hpp"
#include "workers/engine/importers/importers.hpp"
#include "workers/engine/models.hpp"
#include "workers/vision/aligner.hpp"

namespace vultus {
namespace {

namespace fs = std::filesystem;

constexpr std::uint32_t picture_width = 640, picture_height = 480;
constexpr std::size_t chips_of_a_pass = 8;
constexpr std::chrono::milliseconds measured_for{300};

/// The mean of as many calls as fit into measured_for, after one that makes programs ready.
double milliseconds_of(const std::function<void()>& call) {
    using clock = std::chrono::steady_clock;
    call();
    const auto begin = clock::now();
    double calls = 0;
    do {
        call();
        ++calls;
    } while (clock::now() - begin < measured_for);
    return std::chrono::duration<double, std::milli>(clock::now() - begin).count() / calls;
}

/// Pixels without a pattern, the same each time.
void fill(std::vector<std::uint8_t>& pixels) {
    std::uint32_t state = 1;
    for (std::uint8_t& byte : pixels) {
        state = state * 1'664'525u + 1'013'904'223u;
        byte = static_cast<std::uint8_t>(state >> 24);
    }
}

void time_it(model_verdict& verdict, detector& finder) {
    image picture(picture_width, picture_height);
    fill(picture.rgb);
    verdict.milliseconds = milliseconds_of([&] { finder.detect(picture, detector_options{}); });
}

void time_it(model_verdict& verdict, embedder& network) {
    const auto side = network.form().side;
    std::vector<chip> chips;
    for (std::size_t i = 0; i < chips_of_a_pass; ++i) {
        chip one{std::vector<std::uint8_t>(chip::bytes_of(side)), side};
        fill(one.rgb);
        chips.push_back(std::move(one));
    }
    verdict.milliseconds =
        milliseconds_of([&] { network.embed(chips); }) / static_cast<double>(chips_of_a_pass);
}

std::string chip_in_words(std::size_t side, bool bgr) {
    const std::string pixels = std::to_string(side);
    return pixels + "x" + pixels + (bgr ? " BGR" : " RGB");
}

/// What loads a model and fills the rest of its verdict.
using trial = std::function<result<void>(model_verdict&, bool timed)>;

/// The detector of the rules, from the file of the verdict.
trial network_detector_trial(const network_detector_rules& rules, const char* input) {
    return [&rules, input](model_verdict& verdict, bool timed) -> result<void> {
        input_format plain;
        const auto layers = load_onnx(verdict.file, plain);
        if (!layers) return fail(layers.error());
        verdict.layers = layers->layers.size();
        verdict.input = input;
        auto made = load_network_detector(verdict.file, rules);
        if (!made) return fail(made.error());
        if (timed) time_it(verdict, **made);
        return {};
    };
}

result<void> try_cnn(model_verdict& verdict, bool timed) {
    const auto layers = load_detector_layers(verdict.file);
    if (!layers) return fail(layers.error());
    verdict.layers = layers->net.layers.size();
    verdict.input = "any size RGB";
    auto made = load_onednn_detector(verdict.file, precision::fp32);
    if (!made) return fail(made.error());
    if (timed) time_it(verdict, **made);
    return {};
}

result<void> try_dlib_resnet(model_verdict& verdict, bool timed) {
    const auto layers = load_embedding_layers(verdict.file);
    if (!layers) return fail(layers.error());
    verdict.layers = layers->layers.size();
    auto made = load_onednn_embedder(verdict.file, precision::fp32);
    if (!made) return fail(made.error());
    verdict.dimension = (*made)->dimension();
    verdict.input = chip_in_words((*made)->form().side, false);
    if (timed) time_it(verdict, **made);
    return {};
}

result<void> try_landmarks(model_verdict& verdict, bool) {
    verdict.input = "any size RGB and a box";
    const auto made = aligner::load(verdict.file);
    if (!made) return fail(made.error());
    return {};
}

result<void> try_omz_0095(model_verdict& verdict, bool timed) {
    const std::string weights =
        (fs::path(verdict.file).parent_path() / omz_0095_files[1].name).string();
    auto layers = load_openvino(verdict.file, weights, omz_0095_input());
    if (!layers) return fail(layers.error());
    verdict.layers = layers->layers.size();
    verdict.dimension = omz_0095_rules.dimension;
    verdict.input = chip_in_words(omz_0095_rules.form.side, true);
    auto made = make_network_embedder(std::move(*layers), omz_0095_rules);
    if (!made) return fail(made.error());
    if (timed) time_it(verdict, **made);
    return {};
}

struct known_trial {
    std::string_view name;  ///< of known_models()
    std::vector<const model_file*> files;
    trial run;
};

std::vector<known_trial> known_trials() {
    const auto of_detector = [](std::size_t index) {
        return std::vector<const model_file*>{&detector_files[index].file};
    };
    return {
        {"cnn", {&models_wanted[0]}, try_cnn},
        {"landmarks", {&models_wanted[1]}, try_landmarks},
        {"dlib_resnet_v1", {&models_wanted[2]}, try_dlib_resnet},
        {"centerface", of_detector(0), network_detector_trial(centerface_rules, "any size RGB")},
        {"yunet", of_detector(1), network_detector_trial(yunet_rules, "any size BGR")},
        {"omz_0095", {&omz_0095_files[0], &omz_0095_files[1]}, try_omz_0095}};
}

void refuse(model_verdict& verdict, const error& why, model_state state = model_state::refused) {
    verdict.state = state;
    verdict.why = why.detail.empty() ? std::string(name_of(why.code)) : why.detail;
}

/// The files of the model, then what reads them.
void run(model_verdict& verdict, const known_trial& known, const std::string& folder, bool timed) {
    verdict.file = (fs::path(folder) / known.files.front()->name).string();
    for (const model_file* file : known.files) {
        const auto checked = check_model((fs::path(folder) / file->name).string(), *file);
        if (checked) continue;
        return refuse(
            verdict, checked.error(),
            checked.error().code == errc::not_found ? model_state::missing : model_state::refused);
    }
    if (const auto runs = known.run(verdict, timed); !runs) refuse(verdict, runs.error());
}

}  // namespace

std::vector<model_verdict> check_models(const std::string& folder, bool timed) {
    const std::vector<known_trial> trials = known_trials();
    std::vector<model_verdict> all;
    for (const known_model& known : known_models()) {
        model_verdict one;
        one.name = known.name;
        one.kind = known.kind;
        one.required = known.required;
        one.licence = known.licence;
        one.training = known.training;
        const auto found =
            std::ranges::find(trials, known.name, [](const known_trial& t) { return t.name; });
        if (found != trials.end()) {
            run(one, *found, folder, timed);
        } else {  // hog
            one.input = "any size RGB";
            if (timed) time_it(one, *make_hog_detector());
        }
        all.push_back(std::move(one));
    }
    for (const std::string& manifest : own_manifests(folder)) {
        all.push_back(check_own_model(manifest, timed));
    }
    return all;
}

model_verdict check_own_model(const std::string& manifest, bool timed) {
    model_verdict verdict;
    verdict.name = fs::path(manifest).stem().string();
    verdict.kind = "embedder";
    verdict.file = manifest;
    auto model = read_own_model(manifest);
    if (!model) {
        refuse(verdict, model.error());
        return verdict;
    }
    verdict.name = model->name + "/unit";
    verdict.file = model->file;
    verdict.licence = model->licence;
    verdict.training = model->training;
    verdict.input = chip_in_words(model->form.side, model->bgr);
    auto layers = import_own_model(*model);
    if (!layers) {
        refuse(
            verdict, layers.error(),
            layers.error().code == errc::not_found ? model_state::missing : model_state::refused);
        return verdict;
    }
    verdict.layers = layers->layers.size();
    verdict.dimension = model->dimension;
    auto made =
        make_network_embedder(std::move(*layers), {verdict.name, model->dimension, model->form});
    if (!made) {
        refuse(verdict, made.error());
    } else if (timed) {
        time_it(verdict, **made);
    }
    return verdict;
}

std::string line_of(const model_verdict& verdict) {
    std::string line;
    const auto put = [&](std::string_view key, const std::string& value) {
        if (value.empty()) return;
        if (!line.empty()) line += '\t';
        line.append(key).append("=");
        for (const char c : value) line += static_cast<unsigned char>(c) < 0x20 ? ' ' : c;
    };
    const auto number = [](std::size_t value) {
        return value == 0 ? std::string() : std::to_string(value);
    };
    put("model", verdict.name);
    put("kind", verdict.kind);
    put("state", verdict.state == model_state::runs      ? "runs"
                 : verdict.state == model_state::missing ? "missing"
                                                         : "refused");
    put("why", verdict.why);
    put("required", verdict.required ? "yes" : "");
    put("layers", number(verdict.layers));
    put("input", verdict.input);
    put("dimension", number(verdict.dimension));
    if (verdict.milliseconds) {
        char text[32];
        std::snprintf(text, sizeof text, "%.2f", *verdict.milliseconds);
        put("ms", text);
    }
    put("file", verdict.file);
    put("licence", verdict.licence);
    put("training", verdict.training);
    return line;
}

std::optional<int> model_check_command(int argc, char** argv) {
    constexpr int found_none = 0, found_some = 1, wrong_usage = 2;
    const std::string_view what = argc > 1 ? argv[1] : "";
    const bool one = what == "--check-model";
    if (!one && what != "--check-models") return std::nullopt;
    const bool timed = argc == 4 && std::string_view(argv[3]) == "--timed";
    if (argc != (timed ? 4 : 3)) {
        std::fputs("vultus-worker: --check-models FOLDER, or --check-model MANIFEST; [--timed]\n",
                   stderr);
        return wrong_usage;
    }
    use_one_blas_thread();
    const auto verdicts =
        one ? std::vector{check_own_model(argv[2], timed)} : check_models(argv[2], timed);
    bool bad = false;
    for (const model_verdict& verdict : verdicts) {
        std::puts(line_of(verdict).c_str());
        bad = bad || verdict.state == model_state::refused ||
              (verdict.state == model_state::missing && (one || verdict.required));
    }
    return bad ? found_some : found_none;
}

}  // namespace vultus
