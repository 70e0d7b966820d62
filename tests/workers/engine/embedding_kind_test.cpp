// What is made of the network's output: the mirror image, the mean, the length, and the name that
// keeps kinds apart. A network of two numbers stands in for the real one.
#include "workers/engine/embedding_kind.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

namespace vultus {
namespace {

using ::testing::HasSubstr;

chip pattern() {
    chip one{std::vector<std::uint8_t>(chip::bytes)};
    for (std::size_t i = 0; i < one.rgb.size(); ++i) {
        one.rgb[i] = static_cast<std::uint8_t>((i * 7919) >> 5);
    }
    return one;
}

/// Its output: red of the first and of the last pixel of the first row, then zeros.
class corners final : public embedder {
 public:
    explicit corners(std::size_t* passes) : passes_(passes) {}
    std::string_view name() const noexcept override { return "corners/plain"; }
    std::size_t dimension() const noexcept override { return 128; }
    std::unique_ptr<embedder> clone() const override { return std::make_unique<corners>(passes_); }
    std::vector<embedding> embed(std::span<const chip> chips) override {
        std::vector<embedding> all;
        for (const chip& one : chips) {
            embedding vector(128);
            vector[0] = one.rgb[0];
            vector[1] = one.rgb[(limits::chip_side - 1) * 3];
            all.push_back(vector);
            ++*passes_;
        }
        return all;
    }

 private:
    std::size_t* passes_;
};

class kinds : public ::testing::Test {
 protected:
    std::unique_ptr<embedder> made(embedding_kind kind) {
        return with_kind(std::make_unique<corners>(&passes), kind);
    }
    embedding of(embedding_kind kind, const chip& face) {
        return made(kind)->embed(std::span(&face, 1)).at(0);
    }
    chip face() {
        chip one = pattern();
        one.rgb[0] = 30;
        one.rgb[(limits::chip_side - 1) * 3] = 50;
        return one;
    }
    std::size_t passes = 0;
};

double length(const embedding& vector) {
    double squares = 0;
    for (const float value : vector) squares += static_cast<double>(value) * value;
    return std::sqrt(squares);
}

TEST(mirrored, twice_is_the_same_and_pixels_stay_whole) {
    const chip face = pattern();
    const chip turned = mirrored(face);
    EXPECT_NE(turned.rgb, face.rgb);
    EXPECT_EQ(mirrored(turned).rgb, face.rgb);
    const std::size_t row = 3 * limits::chip_side * 7;
    for (std::size_t colour = 0; colour < 3; ++colour) {
        EXPECT_EQ(turned.rgb[row + colour], face.rgb[row + 3 * (limits::chip_side - 1) + colour]);
    }
}

TEST(mirrored, keeps_the_side_of_the_chip) {
    chip face{std::vector<std::uint8_t>(chip::bytes_of(112)), 112};
    face.rgb[0] = 7;
    const chip turned = mirrored(face);
    EXPECT_TRUE(turned.has_side(112));
    EXPECT_EQ(turned.rgb[111 * 3], 7);
    EXPECT_FALSE((chip{std::vector<std::uint8_t>(chip::bytes), 112}.is_whole()));
}

TEST(unit_length, of_any_vector_but_zeros) {
    embedding vector(128);
    EXPECT_EQ(unit_length(vector), vector);
    vector[3] = -3e20f;
    vector[100] = 4e20f;
    const embedding unit = unit_length(vector);
    EXPECT_FLOAT_EQ(unit[3], -0.6f);
    EXPECT_FLOAT_EQ(unit[100], 0.8f);
}

TEST_F(kinds, are_what_they_say) {
    EXPECT_EQ(of(embedding_kind::plain, face())[0], 30);
    EXPECT_EQ(of(embedding_kind::plain, face())[1], 50);
    EXPECT_EQ(passes, 2u);
    EXPECT_EQ(of(embedding_kind::mirror, face())[0], 40);
    EXPECT_EQ(of(embedding_kind::mirror, face())[1], 40);
    EXPECT_EQ(passes, 6u) << "two passes each";
    EXPECT_NEAR(of(embedding_kind::unit, face())[0], 30 / std::hypot(30, 50), 1e-6);
    EXPECT_NEAR(of(embedding_kind::mirror_unit, face())[1], std::sqrt(0.5), 1e-6);
}

TEST_F(kinds, a_face_and_its_mirror_image_are_the_same_with_mirror) {
    for (const auto kind : {embedding_kind::mirror, embedding_kind::mirror_unit}) {
        EXPECT_EQ(of(kind, face()), of(kind, mirrored(face()))) << name_of(kind);
    }
    EXPECT_NE(of(embedding_kind::unit, face()), of(embedding_kind::unit, mirrored(face())));
}

TEST_F(kinds, the_mean_of_several_pictures_is_of_the_kind_too) {
    embedding one(128), other(128);
    one[0] = other[1] = 1;
    const auto unit = made(embedding_kind::mirror_unit)->clone()->combined({one, other});
    EXPECT_NEAR(length(unit), 1, 1e-6);
    EXPECT_NEAR(length(made(embedding_kind::mirror)->combined({one, other})), std::sqrt(0.5), 1e-6);
    EXPECT_NEAR(length(made(embedding_kind::plain)->combined({one, other})), std::sqrt(0.5), 1e-6);
}

TEST_F(kinds, have_names_that_keep_galleries_apart) {
    for (const std::string word : {"plain", "mirror", "unit", "mirror_unit"}) {
        const auto kind = parse_embedding_kind(word);
        ASSERT_TRUE(kind) << word;
        EXPECT_EQ(name_of(*kind), word);
        EXPECT_EQ(made(*kind)->name(), "corners/" + word);
        EXPECT_EQ(made(*kind)->clone()->name(), "corners/" + word);
    }
    EXPECT_THAT(parse_embedding_kind("both").error().detail, HasSubstr("mirror_unit"));
}

}  // namespace
}  // namespace vultus
