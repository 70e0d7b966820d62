// What a user's manifest says, what is refused, and an ONNX file that becomes an embedder.
#include "workers/calibration/own_models.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "shared/base/ids.hpp"
#include "tests/support/temporary_folder.hpp"
#include "tests/workers/calibration/tiny_onnx.hpp"
#include "workers/calibration/vision_models.hpp"

namespace vultus {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using vultus::testing::tiny_onnx;

class own_models : public ::testing::Test {
 protected:
    std::string write(const std::string& name, const std::string& text) {
        const std::string path = folder.path() + "/" + name;
        std::ofstream(path, std::ios::binary) << text;
        return path;
    }
    std::string refusal(const std::string& manifest) {
        const auto read = read_own_model(write("m.toml", manifest));
        return read ? "accepted" : read.error().detail;
    }
    temporary_folder folder;
    const std::string good = "[embedder]\nname = \"tiny\"\nfile = \"tiny.onnx\"\ndimension = 128\n";
};

TEST_F(own_models, a_manifest_says_how_the_network_is_fed) {
    const auto small = read_own_model(write("a.toml", good));
    ASSERT_TRUE(small) << small.error().detail;
    EXPECT_EQ(small->name, "tiny");
    EXPECT_EQ(small->file, folder.path() + "/tiny.onnx");
    EXPECT_EQ(small->form, (chip_form{alignment::arcface, 112}));
    EXPECT_FALSE(small->bgr);
    EXPECT_EQ(small->mean, 0);
    EXPECT_EQ(small->scale, 1);
    const auto full =
        read_own_model(write("b.toml", good +
                                           "alignment = \"omz\"\norder = \"bgr\"\nmean = 127.5\n"
                                           "scale = 0.0078125\nsha256 = \"" +
                                           std::string(64, 'a') + "\"\n"));
    ASSERT_TRUE(full) << full.error().detail;
    EXPECT_EQ(full->form, (chip_form{alignment::omz, 128}));
    EXPECT_TRUE(full->bgr);
    EXPECT_EQ(full->mean, 127.5);
    EXPECT_EQ(full->scale, 0.0078125);
    EXPECT_EQ(full->sha256, std::string(64, 'a'));
}

TEST_F(own_models, a_bad_manifest_is_refused_with_its_key) {
    EXPECT_EQ(refusal(good), "accepted");
    EXPECT_THAT(refusal("name = 1\n"), HasSubstr("name"));
    EXPECT_THAT(refusal("[embedder]\nfile = \"a.onnx\"\ndimension = 128\n"),
                HasSubstr("embedder.name"));
    for (const auto& [line, key] : {std::pair{"file = \"../a.onnx\"", "embedder.file"},
                                    {"alignment = \"dlib\"", "embedder.alignment"},
                                    {"order = \"hsv\"", "embedder.order"},
                                    {"scale = 0", "embedder.scale"},
                                    {"dimension = 129", "embedder.dimension"},
                                    {"sha256 = \"abc\"", "embedder.sha256"},
                                    {"name = \"a/b\"", "embedder.name"},
                                    {"colour = 1", "embedder.colour"}}) {
        std::string text = good;
        const std::string name = std::string(line).substr(0, std::string(line).find(' '));
        if (const auto at = text.find("\n" + name + " "); at != std::string::npos) {
            text.erase(at, text.find('\n', at + 1) - at);
        }
        EXPECT_THAT(refusal(text + line + "\n"), HasSubstr(key)) << line;
    }
    EXPECT_THAT(refusal("[embedder\n"), HasSubstr("m.toml"));
}

TEST_F(own_models, the_manifests_of_a_folder_have_an_order) {
    write("b.toml", good);
    write("a.toml", good);
    write("a.onnx", "");
    EXPECT_THAT(own_manifests(folder.path()),
                ElementsAre(folder.path() + "/a.toml", folder.path() + "/b.toml"));
    EXPECT_TRUE(own_manifests(folder.path() + "/none").empty());
    for (int i = 0; i < 40; ++i) write("c" + std::to_string(i) + ".toml", good);
    EXPECT_EQ(own_manifests(folder.path()).size(), limits::own_models);
}

TEST_F(own_models, an_onnx_file_becomes_an_embedder) {
    write("tiny.onnx", tiny_onnx());
    const auto model =
        read_own_model(write("m.toml", good + "mean = 127.5\nscale = 0.0078125\nsha256 = \"" +
                                           sha256_hex(tiny_onnx()) + "\"\n"));
    ASSERT_TRUE(model) << model.error().detail;
    const auto made = load_own_model(*model);
    ASSERT_TRUE(made) << made.error().detail;
    EXPECT_EQ((*made)->name(), "tiny/unit");
    EXPECT_EQ((*made)->dimension(), 128u);
    EXPECT_EQ((*made)->form(), (chip_form{alignment::arcface, 112}));
    chip face{std::vector<std::uint8_t>(chip::bytes_of(112), 10), 112};
    for (std::size_t i = 0; i < face.rgb.size(); i += 3) face.rgb[i] = 250;
    const embedding vector = (*made)->embed(std::span(&face, 1)).front();
    embedding wanted(128);
    const float colours[] = {(250 - 127.5f) / 128, (10 - 127.5f) / 128, (10 - 127.5f) / 128};
    for (std::size_t i = 0; i < 128; ++i) {
        wanted[i] = 0.5f;
        for (std::size_t k = 0; k < 3; ++k) {
            const auto weight = static_cast<float>(static_cast<int>(i * 3 + k) * 37 % 11 - 5);
            wanted[i] += weight * colours[k];
        }
    }
    wanted = unit_length(wanted);
    for (std::size_t i = 0; i < 128; ++i) EXPECT_NEAR(vector[i], wanted[i], 1e-5) << i;
}

TEST_F(own_models, without_a_dimension_the_network_says_it) {
    write("tiny.onnx", tiny_onnx(112, 256));
    auto model = read_own_model(write("m.toml",
                                      "[embedder]\nname = \"tiny\"\nfile = "
                                      "\"tiny.onnx\"\n"));
    ASSERT_TRUE(model) << model.error().detail;
    EXPECT_EQ(model->dimension, 0u);
    ASSERT_TRUE(import_own_model(*model));
    EXPECT_EQ(model->dimension, 256u);
    model->dimension = 128;
    EXPECT_THAT(import_own_model(*model).error().detail, HasSubstr("256 numbers"));
    write("tiny.onnx", tiny_onnx(112, 100));
    model->dimension = 0;
    EXPECT_THAT(import_own_model(*model).error().detail,
                HasSubstr("100 numbers of a face of 112x112 pixels, not 128, 256 or 512"));
}

TEST_F(own_models, a_manifest_may_give_the_distance) {
    write("a.toml", good + "distance = 0.75\nlicence = \"MIT\"\ntraining = \"unknown\"\n");
    const auto model = read_own_model(folder.path() + "/a.toml");
    ASSERT_TRUE(model) << model.error().detail;
    EXPECT_EQ(model->licence, "MIT");
    EXPECT_EQ(model->training, "unknown");
    threshold_rules rules;
    add_own_distances(rules, folder.path());
    ASSERT_TRUE(rules.has("tiny/unit"));
    EXPECT_EQ(rules.of("hog", "tiny/unit").distance_max, 0.75);
    threshold_rules set;
    set.add("", "tiny/unit", {0.9, 0, 0, {}});
    add_own_distances(set, folder.path());
    EXPECT_EQ(set.of("hog", "tiny/unit").distance_max, 0.9) << "the settings win";
    EXPECT_THAT(refusal(good + "distance = 3\n"), HasSubstr("embedder.distance"));
}

TEST_F(own_models, what_cannot_run_is_refused) {
    const auto why = [&](const std::string& bytes, const std::string& more = "") {
        write("tiny.onnx", bytes);
        const auto made = load_own_model(read_own_model(write("m.toml", good + more)).value());
        return made ? "accepted" : made.error().detail;
    };
    EXPECT_EQ(why(tiny_onnx()), "accepted");
    EXPECT_THAT(why("no onnx"), HasSubstr("ONNX"));
    EXPECT_THAT(why(tiny_onnx(), "sha256 = \"" + std::string(64, '0') + "\"\n"),
                HasSubstr("different SHA-256"));
    std::filesystem::remove(folder.path() + "/tiny.onnx");
    EXPECT_FALSE(load_own_model(read_own_model(folder.path() + "/m.toml").value()));
}

// A worker offers what has a distance, and serves without the rest.
TEST_F(own_models, an_embedder_without_a_distance_is_not_offered) {
    write("tiny.onnx", tiny_onnx());
    const auto model = read_own_model(write("m.toml", good)).value();
    std::vector<std::unique_ptr<embedder>> all;
    all.push_back(load_own_model(model).value());
    vision_models models{};
    models.embedders = embedder_set(std::move(all));
    threshold_rules rules;
    rules.add("", "tiny/unit", {0.9, 0, 0, {}});
    set_thresholds(models, rules);
    EXPECT_THAT(models.embedders.names(), ElementsAre("tiny/unit"));
    set_thresholds(models, threshold_rules());
    EXPECT_TRUE(models.embedders.names().empty());
}

}  // namespace
}  // namespace vultus
