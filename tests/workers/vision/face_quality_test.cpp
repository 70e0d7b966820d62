// The quality of a face: each measure moves the right way and stays in its bounds, whatever the
// photo and the points are.
#include "workers/vision/face_quality.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>

#include "tests/workers/image/photo_support.hpp"
#include "workers/engine/detector.hpp"
#include "workers/engine/models.hpp"
#include "workers/geometry/overlap.hpp"
#include "workers/geometry/resize.hpp"
#include "workers/vision/aligner.hpp"

namespace vultus {
namespace {

using ::testing::HasSubstr;

/// A face that looks straight ahead, eyes 100 px apart, its middle at (500, 400).
constexpr landmarks straight{{{575, 400}, {525, 400}, {425, 400}, {475, 400}, {500, 477}}};

struct looked {
    rectangle square;
    landmarks points;
};

/// hog and the predictor, loaded once.
looked look_at(const image& photo) {
    static const auto hog = make_hog_detector();
    static const aligner straightener =
        aligner::load(find_models(testing::models_folder())->landmarks).value();
    const auto found = hog->detect(photo, {40, 2'000});
    if (found.faces.size() != 1) throw std::runtime_error("one face is expected");
    const box where = found.faces.front().where;
    return {rectangle_of(where), straightener.points_of(photo, where)};
}

image photo_of(const std::string& name) {
    auto decoded = decode_image(testing::sample(name));
    if (!decoded) throw std::runtime_error(name);
    return resized(decoded->picture, decoded->picture.width * 480 / decoded->picture.height, 480);
}

face_quality quality_in(const image& photo) {
    const looked seen = look_at(photo);
    return quality_of(photo, seen.square, seen.points);
}

/// Gaussian, sigma in pixels.
image blurred(const image& from, double sigma) {
    const int reach = static_cast<int>(std::ceil(3 * sigma));
    std::vector<double> weights;
    double sum = 0;
    for (int i = -reach; i <= reach; ++i) {
        weights.push_back(std::exp(-i * i / (2 * sigma * sigma)));
        sum += weights.back();
    }
    const auto pass = [&](const image& picture, int right, int down) {
        image made(picture.width, picture.height);
        for (int y = 0; y < static_cast<int>(picture.height); ++y) {
            for (int x = 0; x < static_cast<int>(picture.width); ++x) {
                for (int channel = 0; channel < 3; ++channel) {
                    double value = 0;
                    for (int i = -reach; i <= reach; ++i) {
                        const int at_x =
                            std::clamp(x + i * right, 0, static_cast<int>(picture.width) - 1);
                        const int at_y =
                            std::clamp(y + i * down, 0, static_cast<int>(picture.height) - 1);
                        value += weights[static_cast<std::size_t>(i + reach)] *
                                 picture.row(static_cast<std::uint32_t>(at_y))[at_x * 3 + channel];
                    }
                    made.row(static_cast<std::uint32_t>(y))[x * 3 + channel] =
                        static_cast<std::uint8_t>(value / sum + 0.5);
                }
            }
        }
        return made;
    };
    return pass(pass(from, 1, 0), 0, 1);
}

image lit(const image& from, double factor, double more = 0) {
    image made = from.copy();
    for (std::uint8_t& one : made.rgb) {
        one = static_cast<std::uint8_t>(std::clamp(one * factor + more, 0.0, 255.0));
    }
    return made;
}

image mirrored(const image& from) {
    image made(from.width, from.height);
    for (std::uint32_t y = 0; y < from.height; ++y) {
        for (std::uint32_t x = 0; x < from.width; ++x) {
            std::copy_n(from.row(y) + x * 3, 3, made.row(y) + (from.width - 1 - x) * 3);
        }
    }
    return made;
}

const std::vector<std::string> people{"obama.jpg", "obama2.jpg", "biden.jpg"};

TEST(face_quality, a_good_portrait_is_good) {
    for (const std::string& name : people) {
        const face_quality seen = quality_in(photo_of(name));
        EXPECT_GT(seen.score, 0.5) << name;
        EXPECT_GT(seen.size_px, 60) << name;
        EXPECT_LT(std::abs(seen.pose.yaw), 30) << name;
        EXPECT_LT(std::abs(seen.pose.roll), 15) << name;
        EXPECT_TRUE(check_quality(seen, quality_gate::strict)) << name;
    }
}

TEST(face_quality, blur_lowers_sharpness_and_score_and_nothing_else) {
    for (const std::string& name : people) {
        const image photo = photo_of(name);
        const looked seen = look_at(photo);
        face_quality last = quality_of(photo, seen.square, seen.points);
        const face_quality sharp = last;
        for (const double sigma : {1.0, 2.0, 4.0}) {
            const face_quality now = quality_of(blurred(photo, sigma), seen.square, seen.points);
            EXPECT_LT(now.sharpness, last.sharpness) << name << " " << sigma;
            EXPECT_LE(now.score, last.score) << name << " " << sigma;
            EXPECT_NEAR(now.brightness, sharp.brightness, 0.03);
            EXPECT_EQ(now.size_px, sharp.size_px);
            EXPECT_EQ(now.pose, sharp.pose);
            last = now;
        }
        EXPECT_LT(last.score, sharp.score / 2) << name;
        // Where nothing of the face is left the rest may move by a hundredth.
        EXPECT_LT(quality_of(blurred(photo, 8), seen.square, seen.points).sharpness, 0.03) << name;
    }
}

TEST(face_quality, a_small_face_that_was_enlarged_is_not_sharp) {
    for (const std::string& name : people) {
        const image photo = photo_of(name);
        const looked seen = look_at(photo);
        double last = quality_of(photo, seen.square, seen.points).sharpness;
        for (const std::uint32_t times : {3u, 6u, 12u}) {
            const image small = resized(photo, photo.width / times, photo.height / times);
            const face_quality now =
                quality_of(resized(small, photo.width, photo.height), seen.square, seen.points);
            EXPECT_LT(now.sharpness, last) << name << " " << times;
            last = now.sharpness;
        }
    }
}

TEST(face_quality, light_moves_brightness_and_not_sharpness) {
    const image photo = photo_of("obama.jpg");
    const looked seen = look_at(photo);
    const face_quality usual = quality_of(photo, seen.square, seen.points);
    double last = usual.brightness, last_score = usual.score;
    for (const double factor : {0.7, 0.4, 0.2, 0.1, 0.0}) {
        const face_quality now = quality_of(lit(photo, factor), seen.square, seen.points);
        EXPECT_NEAR(now.brightness, usual.brightness * factor, 0.01);
        EXPECT_LT(now.brightness, last);
        EXPECT_LE(now.score, last_score);
        if (factor >= 0.4) {
            EXPECT_NEAR(now.sharpness, usual.sharpness, 0.1);
        }
        last = now.brightness;
        last_score = now.score;
    }
    EXPECT_EQ(last_score, 0) << "a black picture";
    const face_quality glaring = quality_of(lit(photo, 0.2, 200), seen.square, seen.points);
    EXPECT_GT(glaring.brightness, 0.85);
    EXPECT_LT(glaring.score, usual.score);
}

TEST(face_quality, the_size_is_in_pixels_of_the_photo) {
    const image photo = photo_of("obama.jpg");
    const double usual = quality_in(photo).size_px;
    const face_quality half = quality_in(resized(photo, photo.width / 2, photo.height / 2));
    EXPECT_NEAR(half.size_px, usual / 2, usual * 0.06);
    EXPECT_EQ(quality_of(photo, {10, 10, 30, 90}, straight).size_px, 40) << "root of the area";
}

TEST(face_quality, a_mirrored_photo_has_the_opposite_yaw_and_roll) {
    for (const std::string& name : people) {
        const image photo = photo_of(name);
        const face_quality seen = quality_in(photo), other = quality_in(mirrored(photo));
        EXPECT_NEAR(other.pose.yaw, -seen.pose.yaw, 8) << name;
        EXPECT_NEAR(other.pose.roll, -seen.pose.roll, 4) << name;
        EXPECT_NEAR(other.pose.pitch, seen.pose.pitch, 10) << name;
        EXPECT_NEAR(other.brightness, seen.brightness, 0.05) << name;
        EXPECT_NEAR(other.sharpness, seen.sharpness, 0.12) << name;
    }
}

TEST(face_quality, no_photo_and_no_square_gives_a_number_that_is_none) {
    constexpr double endless = std::numeric_limits<double>::infinity();
    const image photo = photo_of("obama.jpg");
    const image dot(1, 1);
    const std::vector<rectangle> squares{
        {0, 0, 1, 1},         {0, 0, 0, 0},           {5, 5, 3, 3},
        {-50, -50, -10, -10}, {1e6, 1e6, 2e6, 2e6},   {-1e9, -1e9, 1e9, 1e9},
        {0, 0, endless, 5},   {-3, 200, 60'000, 201}, {100.25, 99.5, 100.5, 99.75},
        {600, 400, 900, 900},
    };
    for (const image* one : {&photo, &dot}) {
        for (const rectangle& square : squares) {
            for (const landmarks& points : {straight, landmarks{}}) {
                const face_quality seen = quality_of(*one, square, points);
                for (const double share : {seen.score, seen.sharpness, seen.brightness}) {
                    EXPECT_GE(share, 0);
                    EXPECT_LE(share, 1);
                }
                EXPECT_GE(seen.size_px, 0);
                EXPECT_TRUE(std::isfinite(seen.size_px));
            }
        }
    }
}

TEST(face_quality, the_score_falls_with_each_measure) {
    const image photo = photo_of("obama.jpg");
    const looked seen = look_at(photo);
    const face_quality usual = quality_of(photo, seen.square, seen.points);
    double last = usual.score;
    for (const float aside : {20.0f, 40.0f, 80.0f}) {  // no more than the nose of this one
        landmarks turned = straight;
        turned[4].x += aside;
        const double now = quality_of(photo, seen.square, turned).score;
        EXPECT_LT(now, last);
        last = now;
    }
}

// ---- the gate ----------------------------------------------------------------------------------

face_quality good() {
    face_quality face;
    face.score = 1;
    face.size_px = 200;
    face.sharpness = 0.7;
    face.brightness = 0.5;
    return face;
}

std::string refusal(const face_quality& face, quality_gate level) {
    const auto checked = check_quality(face, level);
    if (checked) return "";
    return std::string(name_of(checked.error().code)) + ": " + checked.error().detail;
}

TEST(quality_gate, refuses_at_each_limit_and_says_what_it_wants) {
    for (const quality_gate level : {quality_gate::standard, quality_gate::strict}) {
        const quality_limits wanted = limits_of(level);
        const std::string name(name_of(level));
        EXPECT_EQ(refusal(good(), level), "");
        struct change {
            std::function<void(face_quality&, double)> set;
            double limit, step;  ///< the step leads over the limit
            std::string word;
        };
        const std::vector<change> changes{
            {[](face_quality& f, double v) { f.size_px = v; }, wanted.size_px, -1, "too_small"},
            {[](face_quality& f, double v) { f.sharpness = v; }, wanted.sharpness, -0.01,
             "blurred"},
            {[](face_quality& f, double v) { f.brightness = v; }, wanted.darkest, -0.01,
             "too_dark"},
            {[](face_quality& f, double v) { f.brightness = v; }, wanted.brightest, 0.01,
             "too_bright"},
            {[](face_quality& f, double v) { f.pose.yaw = v; }, wanted.yaw, 1, "turned_away"},
            {[](face_quality& f, double v) { f.pose.yaw = -v; }, wanted.yaw, 1, "turned_away"},
            {[](face_quality& f, double v) { f.pose.pitch = v; }, wanted.pitch, 1, "turned_away"},
            {[](face_quality& f, double v) { f.pose.pitch = -v; }, wanted.pitch, 1, "turned_away"},
        };
        for (const change& one : changes) {
            face_quality face = good();
            one.set(face, one.limit);
            EXPECT_EQ(refusal(face, level), "") << one.word;
            one.set(face, one.limit + one.step);
            EXPECT_EQ(refusal(face, level).substr(0, one.word.size() + 1), one.word + ":");
            EXPECT_THAT(refusal(face, level), HasSubstr("quality=" + name + " requires at "));
            EXPECT_TRUE(check_quality(face, quality_gate::off)) << one.word;
        }
    }
    face_quality small = good();
    small.size_px = 31.4;
    EXPECT_EQ(refusal(small, quality_gate::strict),
              "too_small: Face of 31 px; quality=strict requires at least " +
                  std::to_string(static_cast<int>(limits_of(quality_gate::strict).size_px)) +
                  " px");
}

TEST(quality_gate, strict_lets_through_no_more_than_standard) {
    const quality_limits usual = limits_of(quality_gate::standard);
    const quality_limits strict = limits_of(quality_gate::strict);
    EXPECT_GT(strict.size_px, usual.size_px);
    EXPECT_GT(strict.sharpness, usual.sharpness);
    EXPECT_GE(strict.darkest, usual.darkest);
    EXPECT_LE(strict.brightest, usual.brightest);
    EXPECT_LT(strict.yaw, usual.yaw);
    EXPECT_LT(strict.pitch, usual.pitch);
}

}  // namespace
}  // namespace vultus
