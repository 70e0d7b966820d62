// The pose of a face from its points: signs, turns, bounds.
#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <limits>
#include <numbers>
#include <vector>

#include "workers/vision/face_quality.hpp"

namespace vultus {
namespace {

/// A face that looks straight ahead, eyes 100 px apart, its middle at (500, 400); in the order of
/// each predictor. The numbers are those of the templates, not of face_quality.cpp.
constexpr landmarks straight{{{575, 400}, {525, 400}, {425, 400}, {475, 400}, {500, 477}}};
constexpr face_points straight_five{{{450, 400}, {550, 400}, {500, 457}, {464, 515}, {536, 515}}};

template <class Points>
Points changed(Points points, const std::function<point(point)>& where) {
    for (point& one : points) one = where(one);
    return points;
}

/// Turned clockwise about the middle of the eyes.
std::function<point(point)> turn_by(double angle) {
    const double c = std::cos(angle * std::numbers::pi / 180);
    const double s = std::sin(angle * std::numbers::pi / 180);
    return [=](point at) {
        const double x = double{at.x} - 500, y = double{at.y} - 400;
        return point{static_cast<float>(500 + x * c - y * s),
                     static_cast<float>(400 + x * s + y * c)};
    };
}

point mirror(point at) {
    return {1000 - at.x, at.y};
}
landmarks mirrored_points(landmarks points) {
    points = changed(points, mirror);
    return {points[2], points[3], points[0], points[1], points[4]};
}
face_points mirrored_five(face_points points) {
    points = changed(points, mirror);
    return {points[1], points[0], points[2], points[4], points[3]};
}

face_pose pose_of(const landmarks& points) {
    return pose_of_landmarks(points);
}

void expect_pose(const face_pose& found, const face_pose& wanted, double degrees) {
    EXPECT_NEAR(found.yaw, wanted.yaw, degrees);
    EXPECT_NEAR(found.pitch, wanted.pitch, degrees);
    EXPECT_NEAR(found.roll, wanted.roll, degrees);
}

TEST(face_pose, a_straight_face_has_no_angle) {
    expect_pose(pose_of(straight), {}, 0.5);
    expect_pose(pose_of_points(straight_five), {}, 0.5);
}

TEST(face_pose, the_roll_is_the_turn_of_the_picture_and_the_rest_stays) {
    for (const double angle : {-170.0, -90.0, -20.0, 5.0, 45.0, 90.0, 179.0}) {
        expect_pose(pose_of(changed(straight, turn_by(angle))), {0, 0, angle}, 0.5);
        expect_pose(pose_of_points(changed(straight_five, turn_by(angle))), {0, 0, angle}, 0.5);
    }
}

TEST(face_pose, a_nose_aside_is_a_yaw_to_that_side_and_the_mirror_changes_its_sign) {
    double last = 0, last_five = 0;
    for (const float aside : {5.0f, 10.0f, 20.0f, 40.0f, 80.0f}) {
        landmarks points = straight;
        points[4].x += aside;
        face_points five = straight_five;
        five[2].x += aside;
        const face_pose seen = pose_of(points), seen_five = pose_of_points(five);
        EXPECT_GT(seen.yaw, last);
        EXPECT_GT(seen_five.yaw, last_five);
        last = seen.yaw;
        last_five = seen_five.yaw;
        const face_pose other = pose_of(mirrored_points(points));
        expect_pose(other, {-seen.yaw, seen.pitch, -seen.roll}, 1e-3);
        const face_pose other_five = pose_of_points(mirrored_five(five));
        expect_pose(other_five, {-seen_five.yaw, seen_five.pitch, -seen_five.roll}, 1e-3);
    }
    EXPECT_LT(last, 90);
    EXPECT_GT(last, 45);
}

TEST(face_pose, who_looks_up_has_the_nose_nearer_to_the_eyes) {
    for (const float nearer : {4.0f, 8.0f, 16.0f}) {
        landmarks up = straight, down = straight;
        up[4].y -= nearer;
        down[4].y += nearer / 2;
        EXPECT_GT(pose_of(up).pitch, 2);
        EXPECT_LT(pose_of(down).pitch, -2);
        face_points up_five = straight_five, down_five = straight_five;
        up_five[2].y -= nearer;
        down_five[2].y += nearer;
        EXPECT_GT(pose_of_points(up_five).pitch, 2);
        EXPECT_LT(pose_of_points(down_five).pitch, -2);
    }
}

TEST(face_pose, is_finite_and_within_its_range_for_any_points) {
    constexpr float nothing = std::numeric_limits<float>::quiet_NaN();
    constexpr float endless = std::numeric_limits<float>::infinity();
    const std::vector<landmarks> odd{
        landmarks{},
        {{{3, 3}, {3, 3}, {3, 3}, {3, 3}, {3, 3}}},
        {{{3, 3}, {3, 3}, {3, 3}, {3, 3}, {9, 1}}},
        {{{1, 1}, {2, 2}, {3, 3}, {4, 4}, {5, 5}}},
        {{{-1e30f, 0}, {0, 1e30f}, {1e30f, 0}, {0, -1e30f}, {1e30f, 1e30f}}},
        {{{nothing, 0}, {1, 0}, {2, 0}, {3, 0}, {4, 0}}},
        {{{0, 0}, {1, 0}, {2, endless}, {3, 0}, {4, 0}}},
        {{{0, 0}, {10, 0}, {0, 0}, {10, 0}, {5, -900}}},
    };
    for (const landmarks& points : odd) {
        for (const face_pose& seen : {pose_of(points), pose_of_points(points)}) {
            EXPECT_LE(std::abs(seen.yaw), 90);
            EXPECT_LE(std::abs(seen.pitch), 90);
            EXPECT_LE(std::abs(seen.roll), 180);
        }
    }
}

}  // namespace
}  // namespace vultus
