// Where the points of a face are to lie in a chip: in proportion to its side, and the same by a
// detector's points as by dlib's landmarks.
#include "workers/geometry/face_template.hpp"

#include <gtest/gtest.h>

#include "workers/geometry/similarity.hpp"

namespace vultus {
namespace {

TEST(face_template, has_the_sides_that_the_networks_were_trained_with) {
    EXPECT_EQ(usual_form(alignment::dlib), (chip_form{alignment::dlib, 150}));
    EXPECT_EQ(usual_form(alignment::omz), (chip_form{alignment::omz, 128}));
    EXPECT_EQ(usual_form(alignment::arcface), (chip_form{alignment::arcface, 112}));
    EXPECT_EQ(usual_form(alignment::dlib), chip_form{});
}

TEST(face_template, is_named_in_manifests) {
    EXPECT_EQ(parse_alignment("omz"), alignment::omz);
    EXPECT_EQ(parse_alignment("arcface112"), alignment::arcface);
    EXPECT_EQ(parse_alignment("dlib"), alignment::dlib);
    EXPECT_FALSE(parse_alignment("arcface"));
}

TEST(face_template, has_the_published_points) {
    const face_points omz = points_in({alignment::omz, 128});
    EXPECT_NEAR(omz[0].x, 40.39, 0.01);
    EXPECT_NEAR(omz[2].y, 81.99, 0.01);
    EXPECT_NEAR(omz[4].x, 83.64, 0.01);
    const face_points arcface = points_in({alignment::arcface, 112});
    EXPECT_FLOAT_EQ(arcface[0].x, 38.2946f);
    EXPECT_FLOAT_EQ(arcface[4].y, 92.2041f);
}

TEST(face_template, grows_with_the_side) {
    for (const alignment how : {alignment::omz, alignment::arcface}) {
        const auto small = points_in({how, 56}), large = points_in({how, 112});
        const auto low = landmarks_in({how, 56}), high = landmarks_in({how, 112});
        for (std::size_t i = 0; i < small.size(); ++i) {
            EXPECT_NEAR(large[i].x, 2 * small[i].x, 1e-3);
            EXPECT_NEAR(high[i].y, 2 * low[i].y, 1e-3);
        }
    }
}

// dlib's landmarks are the corners of the eyes, of the picture's right eye first, and the nose.
TEST(face_template, puts_the_eyes_of_both_kinds_of_points_at_one_place) {
    for (const alignment how : {alignment::omz, alignment::arcface}) {
        const chip_form form = usual_form(how);
        const face_points points = points_in(form);
        const landmarks corners = landmarks_in(form);
        const double side = form.side;
        const point right_eye{(corners[0].x + corners[1].x) / 2, (corners[0].y + corners[1].y) / 2};
        const point left_eye{(corners[2].x + corners[3].x) / 2, (corners[2].y + corners[3].y) / 2};
        EXPECT_GT(corners[0].x, corners[1].x) << "outer, then inner corner";
        EXPECT_NEAR(right_eye.x, points[1].x, side * 0.03);
        EXPECT_NEAR(right_eye.y, points[1].y, side * 0.03);
        EXPECT_NEAR(left_eye.x, points[0].x, side * 0.03);
        EXPECT_NEAR(left_eye.y, points[0].y, side * 0.03);
        EXPECT_NEAR(corners[4].x, points[2].x, side * 0.02);
        EXPECT_GT(corners[4].y, points[2].y) << "the base of the nose is below its tip";
    }
}

}  // namespace
}  // namespace vultus
