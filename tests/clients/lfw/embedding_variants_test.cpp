// The variants from one pass for the face and one for its mirror image, compared with the worker's
// own.
#include "clients/lfw/embedding_variants.hpp"

#include <gtest/gtest.h>

namespace vultus::lfw {
namespace {

/// Sums of the left and of the right half, so that a mirror image gives other numbers.
class halves final : public embedder {
 public:
    std::string_view name() const noexcept override { return "halves/plain"; }
    std::size_t dimension() const noexcept override { return 128; }
    std::unique_ptr<embedder> clone() const override { return std::make_unique<halves>(); }
    std::vector<embedding> embed(std::span<const chip> chips) override {
        std::vector<embedding> vectors;
        for (const chip& face : chips) {
            embedding vector(128);
            constexpr std::size_t row = limits::chip_side * 3;
            for (std::size_t i = 0; i < chip::bytes; ++i) {
                vector[i % row < row / 2 ? 0 : 1] += face.rgb[i] / 1e6F;
            }
            vector[2] = 0.5F;
            vectors.push_back(vector);
        }
        return vectors;
    }
};

TEST(embedding_variants, are_those_of_the_worker) {
    chip face;
    for (std::size_t i = 0; i < chip::bytes; ++i) {
        face.rgb.push_back(static_cast<std::uint8_t>(i % 450 * 200 / 450));
    }
    const std::array both{face, mirrored(face)};
    const auto raw = halves().embed(both);
    ASSERT_NE(raw[0], raw[1]);
    for (const embedding_kind kind : all_variants) {
        const auto wanted = with_kind(std::make_unique<halves>(), kind)->embed({&face, 1}).front();
        EXPECT_EQ(of_kind(kind, {raw[0], raw[1]}), wanted) << name_of(kind);
    }
}

TEST(embedding_variants, know_whether_they_need_the_mirror_image) {
    embedding chip(128), other(128);
    chip[0] = 1;
    other[0] = 5;
    other[1] = 6;
    for (const embedding_kind kind : all_variants) {
        const bool differs = of_kind(kind, {chip, embedding(128)}) != of_kind(kind, {chip, other});
        EXPECT_EQ(needs_mirror(kind), differs) << name_of(kind);
    }
}

}  // namespace
}  // namespace vultus::lfw
