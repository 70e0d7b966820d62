// Faces cut out by a template: from points, from dlib's landmarks, turned, far too large, and where
// points say nothing.
#include "workers/vision/face_chip.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <complex>

#include "tests/workers/image/photo_support.hpp"
#include "workers/engine/models.hpp"
#include "workers/geometry/overlap.hpp"
#include "workers/geometry/resize.hpp"
#include "workers/geometry/turn.hpp"

namespace vultus {
namespace {

using namespace testing;

const aligner& dlibs() {
    static const aligner loaded =
        std::move(aligner::load(find_models(models_folder())->landmarks).value());
    return loaded;
}

image photo_named(const std::string& name) {
    return std::move(decode_image(sample(name)).value().picture);
}

constexpr chip_form forms[] = {{alignment::omz, 128}, {alignment::arcface, 112}};

/// A photo with a white dot at each point, on black.
image dots(const face_points& points, std::uint32_t side) {
    image photo(side, side);
    for (const point& one : points) {
        const auto x = static_cast<std::uint32_t>(std::lround(one.x));
        const auto y = static_cast<std::uint32_t>(std::lround(one.y));
        for (std::uint32_t row = y - 2; row <= y + 2; ++row) {
            std::fill_n(photo.row(row) + std::size_t{x - 2} * 3, 15, std::uint8_t{255});
        }
    }
    return photo;
}

int red(const chip& face, const point& at) {
    const auto x = static_cast<std::size_t>(std::lround(at.x));
    const auto y = static_cast<std::size_t>(std::lround(at.y));
    return face.rgb[(y * face.side + x) * 3];
}

face_points moved(const face_points& from, double scale, double degrees, point by) {
    const double angle = degrees / 180 * 3.14159265358979;
    const similarity move{scale * std::cos(angle), scale * std::sin(angle), by.x, by.y};
    face_points to;
    for (std::size_t i = 0; i < to.size(); ++i) to[i] = move(from[i]);
    return to;
}

/// Where a chip's points lie in the photo that it is cut from.
face_points photo_points(const similarity& to_chip, const chip_form& form) {
    const std::complex<double> turn(to_chip.a, to_chip.b), shift(to_chip.right, to_chip.down);
    face_points to = points_in(form);
    for (std::size_t i = 0; i < to.size(); ++i) {
        const auto place = (std::complex<double>(to[i].x, to[i].y) - shift) / turn;
        to[i] = {static_cast<float>(place.real()), static_cast<float>(place.imag())};
    }
    return to;
}

double difference(const chip& a, const chip& b) {
    double sum = 0;
    for (std::size_t i = 0; i < a.rgb.size(); ++i) sum += std::abs(int{a.rgb[i]} - int{b.rgb[i]});
    return sum / static_cast<double>(a.rgb.size());
}

TEST(face_chip, a_detectors_points_come_to_lie_where_the_network_wants_them) {
    for (const chip_form& form : forms) {
        for (const double degrees : {0.0, 20.0, 90.0, 180.0, 271.0}) {
            detected_face face;
            face.points = moved(points_in(form), 1.6, degrees, {250, 240});
            face.quarters = quarters_to_upright(*face.points);
            const aligned_face made = align_face(dlibs(), dots(*face.points, 600), face, {}, form);
            ASSERT_TRUE(made.face.has_side(form.side));
            EXPECT_EQ(made.points, *face.points);
            for (const point& one : points_in(form)) {
                EXPECT_GT(red(made.face, one), 150) << degrees;
            }
            EXPECT_EQ(red(made.face, {5, 5}), 0);
        }
    }
}

TEST(face_chip, dlibs_form_is_dlibs_alignment) {
    const image photo = photo_named("obama2.jpg");
    detected_face face;
    face.where = {170, 290, 440, 560};
    EXPECT_EQ(align_face(dlibs(), photo, face, {}, {}).face.rgb,
              align_face(dlibs(), photo, face, {}).face.rgb);
}

// The same face by its landmarks and by the points of a detector: nearly the same chip.
TEST(face_chip, without_points_dlibs_landmarks_align_it) {
    const image photo = photo_named("obama2.jpg");
    detected_face face;
    face.where = {172, 291, 439, 558};
    const landmarks found = dlibs().points_of(photo, face.where);
    for (const chip_form& form : forms) {
        const aligned_face made = align_face(dlibs(), photo, face, {}, form);
        ASSERT_TRUE(made.face.has_side(form.side));
        EXPECT_EQ(made.points, found);
        const auto to_chip = nearest_similarity(found, landmarks_in(form)).value();
        EXPECT_EQ(made.face.rgb, cut_chip(photo, to_chip, form.side).rgb);
        for (std::size_t i = 0; i < found.size(); ++i) {
            const point there = to_chip(found[i]), wanted = landmarks_in(form)[i];
            EXPECT_NEAR(there.x, wanted.x, form.side * 0.05);
            EXPECT_NEAR(there.y, wanted.y, form.side * 0.05);
        }
    }
}

predictor_fit beside_points() {
    predictor_fit fit;
    fit.beside_points = true;
    return fit;
}

// A detector's points as if its chip were moved, turned or scaled from that of dlib's landmarks.
TEST(face_chip, points_and_landmarks_that_agree_meet_halfway) {
    const image photo = photo_named("obama2.jpg");
    detected_face face;
    face.where = {172, 291, 439, 558};
    const landmarks marks = dlibs().points_of(photo, face.where);
    for (const chip_form& form : forms) {
        const auto by_marks = nearest_similarity(marks, landmarks_in(form)).value();
        const similarity own{by_marks.a * 1.2, by_marks.b + 0.05, by_marks.right - 20,
                             by_marks.down - 30};
        face.points = photo_points(own, form);
        const auto by_points = nearest_similarity(*face.points, points_in(form)).value();
        const similarity halfway{(by_marks.a + by_points.a) / 2, (by_marks.b + by_points.b) / 2,
                                 (by_marks.right + by_points.right) / 2,
                                 (by_marks.down + by_points.down) / 2};
        const auto both = align_face(dlibs(), photo, face, beside_points(), form);
        EXPECT_LT(difference(both.face, cut_chip(photo, halfway, form.side)), 0.1);
        EXPECT_EQ(both.points, *face.points);
        const auto alone = align_face(dlibs(), photo, face, {}, form);
        EXPECT_LT(difference(alone.face, cut_chip(photo, own, form.side)), 0.5);
        EXPECT_GT(difference(alone.face, both.face), 3);
    }
}

TEST(face_chip, landmarks_that_lost_the_face_are_left_out) {
    const image photo = photo_named("obama2.jpg");
    detected_face face;
    face.where = {172, 291, 439, 558};
    const chip_form form = forms[0];
    const auto by_marks =
        nearest_similarity(dlibs().points_of(photo, face.where), landmarks_in(form)).value();
    const std::complex<double> z(by_marks.a, by_marks.b);
    for (const auto factor : {std::polar(1.0, 0.6), std::polar(1.0, -0.6), std::polar(2.2, 0.0),
                              std::polar(0.4, 0.0), std::polar(1.0, 3.1)}) {
        const auto own = z * factor;
        const similarity other{own.real(), own.imag(), by_marks.right, by_marks.down};
        face.points = photo_points(other, form);
        EXPECT_EQ(align_face(dlibs(), photo, face, beside_points(), form).face.rgb,
                  align_face(dlibs(), photo, face, {}, form).face.rgb);
    }
}

TEST(face_chip, a_photo_of_many_pixels_is_not_sampled_but_reduced) {
    const image photo = photo_named("obama2.jpg");
    const image large = resized(photo, photo.width * 3, photo.height * 3);
    for (const double scale : {0.45, 0.3}) {
        const similarity small{scale, 0.05, -60, -90};
        const similarity same{small.a / 3, small.b / 3, small.right, small.down};
        const chip from_photo = cut_chip(photo, small, 128),
                   from_large = cut_chip(large, same, 128);
        EXPECT_LT(difference(from_photo, from_large), 4) << scale;
    }
    // Lines of one pixel, of which sampling every fourth would see one colour only.
    image lines(512, 512);
    for (std::uint32_t y = 0; y < 512; ++y) {
        if (y % 4 != 0) std::fill_n(lines.row(y), 512 * 3, std::uint8_t{200});
    }
    const chip grey = cut_chip(lines, {0.25, 0, 0, 0}, 128);
    for (const std::size_t at : {64 * 128 * 3 + 64 * 3, 90 * 128 * 3 + 30 * 3}) {
        EXPECT_NEAR(grey.rgb[at], 150, 3);
    }
}

TEST(face_chip, points_at_one_place_leave_the_box) {
    image photo(300, 300);
    for (std::uint32_t y = 100; y < 200; ++y) {
        std::fill_n(photo.row(y) + 100 * 3, 300, std::uint8_t{255});
    }
    detected_face face;
    face.where = {100, 100, 199, 199};
    face.points = face_points{};
    const aligned_face made = align_face(dlibs(), photo, face, {}, {alignment::omz, 128});
    EXPECT_EQ(red(made.face, {3, 3}), 255);
    EXPECT_EQ(red(made.face, {124, 124}), 255);
}

TEST(face_chip, outside_of_the_photo_is_black) {
    detected_face face;
    face.where = {-500, -500, -400, -400};
    face.points = moved(points_in({alignment::omz, 128}), 4, 0, {-2'000, -2'000});
    image white(100, 100);
    std::fill(white.rgb.begin(), white.rgb.end(), std::uint8_t{255});
    const aligned_face made = align_face(dlibs(), white, face, {}, {alignment::omz, 128});
    EXPECT_EQ(made.face.rgb, std::vector<std::uint8_t>(chip::bytes_of(128)));
}

}  // namespace
}  // namespace vultus
