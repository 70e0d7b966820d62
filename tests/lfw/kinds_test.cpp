// The four embeddings of a face and its mirror image.
#include "clients/lfw/kinds.hpp"

#include <gtest/gtest.h>

namespace vultus::lfw {
namespace {

raw_face sample() {
    raw_face face;
    face.chip[0] = 3;
    face.chip[1] = 4;
    face.mirror[0] = -3;
    face.mirror[2] = 8;
    return face;
}

TEST(kinds, are_made_of_both_outputs) {
    const std::vector<std::pair<kind, std::array<float, 3>>> cases{
        {kind::plain, {3, 4, 0}},
        {kind::mirror, {0, 2, 4}},
        {kind::unit, {0.6F, 0.8F, 0}},
        {kind::mirror_unit, {0, 0.44721360F, 0.89442719F}}};
    for (const auto& [which, wanted] : cases) {
        const embedding found = of_kind(which, sample());
        for (std::size_t i = 0; i < 3; ++i) {
            EXPECT_FLOAT_EQ(found[i], wanted[i]) << name_of(which) << " " << i;
        }
        EXPECT_EQ(found[127], 0);
    }
    EXPECT_EQ(of_kind(kind::unit, {}), embedding{});  // nothing to scale
}

TEST(kinds, have_names) {
    for (const kind which : all_kinds) EXPECT_EQ(kind_named(name_of(which)), which);
    EXPECT_EQ(name_of(kind::mirror_unit), "mirror_unit");
    EXPECT_FALSE(kind_named("all").has_value());
    EXPECT_FALSE(kind_named("").has_value());
    EXPECT_TRUE(needs_mirror(kind::mirror) && needs_mirror(kind::mirror_unit));
    EXPECT_FALSE(needs_mirror(kind::plain) || needs_mirror(kind::unit));
}

TEST(mirrored, exchanges_left_and_right_in_each_row) {
    chip face;
    for (std::size_t i = 0; i < chip::bytes; ++i) {
        face.rgb.push_back(static_cast<std::uint8_t>(i * 7 % 251));
    }
    const chip turned = mirrored(face);
    constexpr std::size_t side = limits::chip_side;
    for (const std::size_t y : {std::size_t{0}, std::size_t{77}, side - 1}) {
        for (const std::size_t x : {std::size_t{0}, std::size_t{1}, side - 1}) {
            for (std::size_t c = 0; c < 3; ++c) {
                EXPECT_EQ(turned.rgb[(y * side + x) * 3 + c],
                          face.rgb[(y * side + side - 1 - x) * 3 + c]);
            }
        }
    }
    EXPECT_EQ(mirrored(turned).rgb, face.rgb);
}

}  // namespace
}  // namespace vultus::lfw
