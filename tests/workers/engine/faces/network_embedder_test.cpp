// An embedder on a made-up network, and omz_0095 on the files that may be there.
#include "workers/engine/faces/network_embedder.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <deque>
#include <limits>

#include "tests/workers/image/photo_support.hpp"
#include "workers/engine/importers/importers.hpp"
#include "workers/engine/models.hpp"
#include "workers/engine/onednn/onednn.hpp"
#include "workers/gallery/matcher.hpp"

namespace vultus {
namespace {

using namespace testing;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

/// Its vector is 3 and 4 times the first byte of the picture, then zeros.
class first_byte final : public runner {
 public:
    struct behaviour {
        std::deque<std::size_t> batches;
        long floats = 256;
        std::size_t outputs = 1;
        float value = 1;
        long side = 0;
    };
    explicit first_byte(behaviour* how) : how_(how) {}
    std::unique_ptr<runner> clone() const override { return std::make_unique<first_byte>(how_); }
    const network& of() const override { return none_; }
    result<std::span<const output_tensor>> run(std::span<const picture_view> pictures, long rows,
                                               long columns) override {
        if (how_->side != 0 && rows != how_->side) return fail(errc::bad_option, "another size");
        EXPECT_EQ(rows, columns);
        how_->batches.push_back(pictures.size());
        values_.assign(pictures.size() * static_cast<std::size_t>(how_->floats), 0);
        for (std::size_t i = 0; i < pictures.size(); ++i) {
            EXPECT_EQ(pictures[i].rows, rows);
            const float byte = pictures[i].rgb[0] * how_->value;
            values_[i * static_cast<std::size_t>(how_->floats)] = 3 * byte;
            values_[i * static_cast<std::size_t>(how_->floats) + 1] = 4 * (255 - byte);
        }
        outputs_.assign(how_->outputs, {"out", {how_->floats, 1, 1}, values_});
        return std::span<const output_tensor>(outputs_);
    }

 private:
    behaviour* how_;
    network none_;
    std::vector<float> values_;
    std::vector<output_tensor> outputs_;
};

const network_embedder_rules rules{"test/unit", 256, {alignment::arcface, 112}};

std::vector<chip> chips(std::size_t count, std::uint32_t side = 112) {
    std::vector<chip> all;
    for (std::size_t i = 0; i < count; ++i) {
        all.push_back({std::vector<std::uint8_t>(chip::bytes_of(side)), side});
        all.back().rgb[0] = static_cast<std::uint8_t>(i * 7);
    }
    return all;
}

TEST(network_embedder, tells_its_rules) {
    first_byte::behaviour how;
    const auto made = make_network_embedder(std::make_unique<first_byte>(&how), rules);
    ASSERT_TRUE(made) << made.error().detail;
    for (const embedder* one : {made->get(), (*made)->clone().release()}) {
        EXPECT_EQ(one->name(), "test/unit");
        EXPECT_EQ(one->dimension(), 256u);
        EXPECT_EQ(one->form(), (chip_form{alignment::arcface, 112}));
        if (one != made->get()) delete one;
    }
}

TEST(network_embedder, vectors_have_length_1_and_the_order_of_the_chips) {
    first_byte::behaviour how;
    const auto made = make_network_embedder(std::make_unique<first_byte>(&how), rules).value();
    how.batches.clear();
    const auto faces = chips(15);
    const auto together = made->embed(faces);
    EXPECT_THAT(how.batches, ElementsAre(8, 4, 2, 1));
    ASSERT_EQ(together.size(), 15u);
    for (std::size_t i = 0; i < faces.size(); ++i) {
        ASSERT_EQ(together[i].size(), 256u);
        const float byte = faces[i].rgb[0];
        EXPECT_NEAR(together[i][0], 3 * byte / std::hypot(3 * byte, 4 * (255 - byte)), 1e-6);
        EXPECT_EQ(made->embed(std::span(&faces[i], 1)).front(), together[i]) << "alone";
    }
    EXPECT_EQ(made->embed(chips(limits::batch_max)).size(), limits::batch_max);
    const auto wide =
        make_network_embedder(std::make_unique<first_byte>(&how), rules, limits::batch_max).value();
    how.batches.clear();
    EXPECT_EQ(wide->embed(faces), together);
    wide->embed(chips(limits::batch_max));
    EXPECT_THAT(how.batches, ElementsAre(8, 4, 2, 1, limits::batch_max));
}

TEST(network_embedder, the_mean_of_several_pictures_has_length_1) {
    first_byte::behaviour how;
    const auto made = make_network_embedder(std::make_unique<first_byte>(&how), rules).value();
    embedding one(256), other(256);
    one[0] = other[7] = 1;
    const embedding both = made->combined({one, other});
    EXPECT_NEAR(both[0], std::sqrt(0.5), 1e-6);
    EXPECT_NEAR(both[7], std::sqrt(0.5), 1e-6);
}

TEST(network_embedder, a_network_that_is_another_is_refused_at_once) {
    const auto refusal = [](first_byte::behaviour how) {
        const auto made = make_network_embedder(std::make_unique<first_byte>(&how), rules);
        return made ? std::string("accepted") : made.error().detail;
    };
    EXPECT_EQ(refusal({}), "accepted");
    EXPECT_THAT(refusal({{}, 128}), HasSubstr("vector of 256 floats"));
    EXPECT_THAT(refusal({{}, 256, 2}), HasSubstr("vector of 256 floats"));
    EXPECT_THAT(refusal({{}, 256, 1, std::numeric_limits<float>::infinity()}),
                HasSubstr("not finite"));
    EXPECT_THAT(refusal({{}, 256, 1, 1, 128}), HasSubstr("another size"));
}

TEST(network_embedder_death, a_chip_for_another_network_is_a_bug) {
    first_byte::behaviour how;
    const auto made = make_network_embedder(std::make_unique<first_byte>(&how), rules).value();
    EXPECT_DEATH(made->embed(chips(1, 128)), "a chip for this network");
}

TEST(network_embedder, omz_0095_embeds_pictures) {
    const auto files = find_models(models_folder());
    ASSERT_TRUE(files) << files.error().detail;
    if (files->omz_0095[0].empty()) GTEST_SKIP() << "its files are not there";
    auto layers = load_openvino(files->omz_0095[0], files->omz_0095[1], omz_0095_input());
    ASSERT_TRUE(layers) << layers.error().detail;
    const auto made = make_network_embedder(std::move(*layers), omz_0095_rules);
    ASSERT_TRUE(made) << made.error().detail;
    EXPECT_EQ((*made)->name(), "omz_0095/unit");
    auto faces = chips(3, 128);
    for (std::size_t i = 0; i < faces[1].rgb.size(); ++i) {
        faces[1].rgb[i] = static_cast<std::uint8_t>(i * 2654435761u >> 24);
    }
    faces[2] = faces[1];
    const auto vectors = (*made)->embed(faces);
    double squares = 0;
    for (const float value : vectors[0]) squares += double{value} * value;
    EXPECT_NEAR(squares, 1, 1e-5);
    EXPECT_GT(distance_between(vectors[0], vectors[1]), 0.3f);
    EXPECT_LT(distance_between(vectors[2], vectors[1]), 1e-5f) << "in a pass of two, and alone";
    if (onednn_cpu().value() != "avx512_bf16") return;
    layers = load_openvino(files->omz_0095[0], files->omz_0095[1], omz_0095_input());
    const auto half = make_network_embedder(std::move(*layers), omz_0095_rules, precision::bf16);
    ASSERT_TRUE(half) << half.error().detail;
    const auto nearly = (*half)->embed(faces);
    EXPECT_NE(nearly[1], vectors[1]) << "not bf16 at all";
    EXPECT_LT(distance_between(nearly[1], vectors[1]), 0.05f);
}

}  // namespace
}  // namespace vultus
