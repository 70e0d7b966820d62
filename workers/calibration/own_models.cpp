// See own_models.hpp.
#include "workers/calibration/own_models.hpp"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "shared/base/ids.hpp"
#include "shared/base/limits.hpp"
#include "shared/config/settings.hpp"
#include "shared/config/settings_reader.hpp"
#include "shared/model/model_names.hpp"
#include "workers/engine/faces/network_embedder.hpp"
#include "workers/engine/importers/importers.hpp"

namespace vultus {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t name_bytes = 32, file_bytes = 255, words_bytes = 300;
constexpr double distance_max = 2;  // of two vectors of length 1

bool is_sha256(const std::string& text) {
    return text.size() == 64 && text.find_first_not_of("0123456789abcdef") == std::string::npos;
}

result<void> check_sha256(const own_model& model) {
    if (model.sha256.empty()) return {};
    std::error_code why;
    if (fs::file_size(model.file, why) > model_bytes_max || why) {
        return fail(errc::not_found, model.file + " cannot be read, or is too large");
    }
    std::ifstream stream(model.file, std::ios::binary);
    const std::string bytes{std::istreambuf_iterator<char>(stream), {}};
    if (sha256_hex(bytes) == model.sha256) return {};
    return fail(errc::malformed, model.file + " has a different SHA-256 than its manifest");
}

}  // namespace

std::vector<std::string> own_manifests(const std::string& folder) {
    std::vector<std::string> found;
    std::error_code why;
    for (fs::directory_iterator file(folder, why), end; !why && file != end; file.increment(why)) {
        if (file->path().extension() == ".toml") found.push_back(file->path().string());
    }
    std::sort(found.begin(), found.end());
    if (found.size() > limits::own_models) found.resize(limits::own_models);
    return found;
}

result<own_model> read_own_model(const std::string& manifest) {
    auto reader = settings_reader::open({manifest, {}});
    if (!reader) return fail(reader.error());
    own_model model;
    std::string alignment_word = "arcface112", order = "rgb";
    reader->section("embedder");
    reader->text("name", model.name, name_bytes);
    if (!is_model_name(model.name) || model.name.find('/') != std::string::npos) {
        reader->refuse("name", "must be letters, digits, '-', '_' and '.'");
    }
    reader->text("file", model.file, file_bytes);
    if (model.file.empty() || model.file.find('/') != std::string::npos) {
        reader->refuse("file", "must be the name of an ONNX file in the same folder");
    }
    reader->text("sha256", model.sha256, 64);
    if (!model.sha256.empty() && !is_sha256(model.sha256)) {
        reader->refuse("sha256", "must be 64 lower case hexadecimal digits");
    }
    reader->choice("alignment", alignment_word, {"arcface112", "omz"});
    reader->choice("order", order, {"rgb", "bgr"});
    reader->number("mean", model.mean, -255, 255);
    reader->number("scale", model.scale, 1e-6, 1e3);
    reader->integer("dimension", model.dimension, 0, 65'536);
    if (model.dimension != 0 && !limits::is_embedding_dimension(model.dimension)) {
        reader->refuse("dimension", "must be 128, 256 or 512");
    }
    reader->number("distance", model.distance, 0, distance_max);
    reader->text("licence", model.licence, words_bytes);
    reader->text("training", model.training, words_bytes);
    if (auto good = reader->finish(); !good) return fail(good.error());
    model.file = (fs::path(manifest).parent_path() / model.file).string();
    model.form = usual_form(*parse_alignment(alignment_word));
    model.bgr = order == "bgr";
    return model;
}

result<network> import_own_model(own_model& model) {
    if (auto good = check_sha256(model); !good) return fail(good.error());
    input_format input;
    input.mean.fill(static_cast<float>(model.mean));
    input.scale.fill(static_cast<float>(model.scale));
    input.bgr = model.bgr;
    auto layers = load_onnx(model.file, input);
    if (!layers) return fail(layers.error());
    const auto side = static_cast<long>(model.form.side);
    const auto shapes = shapes_of(*layers, {3, side, side});
    if (!shapes) return fail(shapes.error());
    const auto outputs = outputs_of(*layers);
    if (outputs.size() != 1) {
        return fail(errc::malformed, "the network has " + std::to_string(outputs.size()) +
                                         " outputs; an embedder has one");
    }
    const std::size_t floats = (*shapes)[outputs.front().value].size();
    if (model.dimension == 0) model.dimension = floats;
    if (floats == model.dimension && limits::is_embedding_dimension(floats)) return layers;
    return fail(
        errc::malformed,
        "the network makes " + std::to_string(floats) + " numbers of a face of " +
            std::to_string(side) + "x" + std::to_string(side) + " pixels, not " +
            (floats == model.dimension ? "128, 256 or 512" : std::to_string(model.dimension)));
}

result<std::unique_ptr<embedder>> load_own_model(own_model model) {
    auto layers = import_own_model(model);
    if (!layers) return fail(layers.error());
    return make_network_embedder(std::move(*layers),
                                 {model.name + "/unit", model.dimension, model.form});
}

void add_own_distances(threshold_rules& rules, const std::string& folder) {
    for (const std::string& manifest : own_manifests(folder)) {
        const auto model = read_own_model(manifest);
        if (!model || model->distance == 0 || rules.has(model->name + "/unit")) continue;
        rules.add("", model->name + "/unit", {model->distance, 0, 0, {}});
    }
}

}  // namespace vultus
