// Which pair of faces answers a verify, and when it is one person.
#include "workers/pipeline/verification.hpp"

#include <gtest/gtest.h>

#include <vector>

#include "workers/gallery/gallery.hpp"

namespace vultus {
namespace {

/// A face on a line: distances are differences.
embedding at(float place) {
    embedding vector(128);
    vector[3] = place;
    return vector;
}

std::shared_ptr<const gallery> three_people() {
    gallery_builder builder(7);
    builder.add("b-1", "Bob", at(0.5f));
    builder.add("a-2", "Ann", at(0.25f));
    builder.add("a-1", "Ann", at(0.25f));
    builder.add("a-3", "Ann", at(0.125f));
    builder.add("c-1", "Cid", at(1.0f));
    return builder.publish();
}

TEST(verification, the_pair_with_the_smallest_distance_answers) {
    const std::vector<embedding> first{at(0), at(0.5f)}, second{at(2), at(0.75f), at(1)};
    const verification found = compare(first, second, 0.3);
    EXPECT_EQ(found.comparisons, 6u);
    EXPECT_EQ(found.face, 1u);
    EXPECT_EQ(found.other_face, 1u);
    EXPECT_EQ(found.distance, 0.25);
    EXPECT_TRUE(found.same);
    EXPECT_TRUE(found.label.empty());
}

TEST(verification, the_distance_itself_is_still_allowed_and_no_more) {
    const std::vector<embedding> first{at(0)}, second{at(0.25f)};
    EXPECT_TRUE(compare(first, second, 0.25).same);
    EXPECT_FALSE(compare(first, second, 0.2499).same);
}

TEST(verification, of_equally_near_pairs_the_first_answers) {
    const std::vector<embedding> first{at(0), at(1)}, second{at(1), at(0)};
    const verification found = compare(first, second, 0.3);
    EXPECT_EQ(found.face, 0u);
    EXPECT_EQ(found.other_face, 1u);
}

TEST(verification, of_a_person_only_the_own_faces_are_compared) {
    const std::vector<embedding> faces{at(0.5f), at(0.25f)};  // the first is Bob's
    const verification found = compare(faces, *three_people(), "Ann", 0.1);
    EXPECT_EQ(found.faces_of_person, 3u);
    EXPECT_EQ(found.comparisons, 6u);
    EXPECT_EQ(found.distance, 0.0);
    EXPECT_EQ(found.face, 1u);
    EXPECT_EQ(found.face_id, "a-1") << "of equally near faces the smaller id";
    EXPECT_TRUE(found.same);
    EXPECT_FALSE(compare(faces, *three_people(), "Cid", 0.1).same);
}

TEST(verification, a_person_who_is_not_there_is_nobody) {
    const std::vector<embedding> faces{at(0.25f)};
    for (const auto& known : {three_people(), gallery_builder(1).publish()}) {
        const verification found = compare(faces, *known, "Dee", 2);
        EXPECT_FALSE(found.same);
        EXPECT_FALSE(found.distance);
        EXPECT_EQ(found.comparisons, 0u);
        EXPECT_EQ(found.faces_of_person, 0u);
    }
}

TEST(verification, a_removed_face_is_not_compared) {
    gallery_builder builder(1);
    builder.add("a-1", "Ann", at(0));
    builder.add("a-2", "Ann", at(1));
    builder.remove("a-1");
    const std::vector<embedding> faces{at(0)};
    const verification found = compare(faces, *builder.publish(), "Ann", 0.5);
    EXPECT_EQ(found.face_id, "a-2");
    EXPECT_FALSE(found.same);
}

}  // namespace
}  // namespace vultus
