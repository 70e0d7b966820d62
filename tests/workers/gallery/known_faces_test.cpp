// Which faces stand where somebody known was.
#include "workers/gallery/known_faces.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace vultus {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

box at(std::int32_t left, std::int32_t top = 0, std::int32_t side = 100) {
    return {left, top, left + side - 1, top + side - 1};
}

std::vector<int> found(std::vector<box> faces, std::vector<box> known) {
    std::vector<detected_face> detected;
    for (const box& where : faces) detected.push_back({where, 1.0});
    return find_known(detected, known);
}

TEST(known_faces, the_nearest_pairs_go_first_and_a_box_is_given_once) {
    EXPECT_THAT(found({at(0), at(300)}, {at(310), at(5)}), ElementsAre(1, 0));
    EXPECT_THAT(found({at(20), at(2)}, {at(0)}), ElementsAre(-1, 0));
    EXPECT_THAT(found({at(0), at(40)}, {at(10), at(0)}), ElementsAre(1, 0));
    EXPECT_THAT(found({at(0)}, {}), ElementsAre(-1));
    EXPECT_THAT(found({}, {at(0)}), IsEmpty());
}

TEST(known_faces, little_overlap_is_none) {
    EXPECT_THAT(found({at(0)}, {at(42)}), ElementsAre(0));   // 58 / 142 = 0.408
    EXPECT_THAT(found({at(0)}, {at(43)}), ElementsAre(-1));  // 57 / 143 = 0.399
}

TEST(known_faces, four_edges_are_a_box) {
    const std::vector<std::int64_t> edges{-3, 4, 96, 103, 1, 2, 3, 4};
    EXPECT_THAT(known_boxes(edges), ElementsAre(box{-3, 4, 96, 103}, box{1, 2, 3, 4}));
    EXPECT_THAT(known_boxes({}), IsEmpty());
}

}  // namespace
}  // namespace vultus
