// The detector by oneDNN against dlib's: the pyramid's pixels, the boxes, the rules between.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>

#include "tests/workers/engine/dlib_direct_support.hpp"
#include "tests/workers/engine/networks_support.hpp"
#include "tests/workers/image/photo_support.hpp"
#include "workers/engine/dlib_layers.hpp"
#include "workers/engine/engine.hpp"
#include "workers/engine/models.hpp"
#include "workers/engine/onednn/onednn.hpp"
#include "workers/engine/peaks.hpp"
#include "workers/engine/pyramid.hpp"
#include "workers/geometry/overlap.hpp"
#include "workers/geometry/resize.hpp"

namespace vultus {
namespace {

using namespace testing;

const std::string detector_file = models_folder() + "/" + std::string(models_wanted[0].name);
// The detector's picture is the photo itself: 80 px are its window.
const detector_options as_it_is{80, 10'000};

/// One to one: each of dlib's boxes has its own among ours, and there is no other.
void expect_same_faces(detector& ours, const image& picture, double overlap_min, double score_gap) {
    const auto theirs = dlib_cnn(picture, detector_file);
    auto found = ours.detect(picture, as_it_is).faces;
    ASSERT_EQ(found.size(), theirs.size());
    for (const detected_face& face : theirs) {
        const auto nearest =
            std::max_element(found.begin(), found.end(), [&](const auto& a, const auto& b) {
                return overlap(a.where, face.where) < overlap(b.where, face.where);
            });
        EXPECT_GE(overlap(nearest->where, face.where), overlap_min);
        EXPECT_NEAR(nearest->score, face.score, score_gap);
        found.erase(nearest);
    }
}

const std::vector<std::string> photos{"biden.jpg",
                                      "obama.jpg",
                                      "obama2.jpg",
                                      "obama3.jpg",
                                      "32bit.png",
                                      "obama_partial_face.jpg",
                                      "obama_partial_face2.jpg"};

TEST(onednn_detector, boxes_are_dlibs) {
    use_one_blas_thread();
    const auto ours = load_onednn_detector(detector_file, precision::fp32);
    ASSERT_TRUE(ours) << ours.error().detail;
    EXPECT_EQ((*ours)->name(), "cnn");
    std::size_t faces = 0;
    for (const std::string& name : photos) {
        for (const std::uint32_t width : {130u, 320u, 477u}) {
            SCOPED_TRACE(name + " " + std::to_string(width));
            const image picture = as_wide_as(photo(name), width);
            expect_same_faces(**ours, picture, 0.98, 1e-3);
            faces += (*ours)->detect(picture, as_it_is).faces.size();
        }
    }
    EXPECT_GE(faces, 10u) << "nothing was compared";
}

TEST(onednn_detector, many_faces_and_a_lane_of_its_own) {
    const image crowd = many_of(resized(photo("obama2.jpg"), 157, 300), 4, 2);
    const auto replica = load_onednn_detector(detector_file, precision::fp32).value()->clone();
    EXPECT_GE(replica->detect(crowd, as_it_is).faces.size(), 8u);
    expect_same_faces(*replica, crowd, 0.98, 1e-3);
}

// Not its boxes: where two places score nearly the same, the other one may win, 8 px away and more.
TEST(onednn_detector, bf16_finds_the_same_people) {
    if (onednn_cpu().value() != "avx512_bf16") {
        EXPECT_EQ(load_onednn_detector(detector_file, precision::bf16).error().code,
                  errc::bad_option);
        return;
    }
    const auto ours = load_onednn_detector(detector_file, precision::bf16).value();
    expect_same_faces(*ours, as_wide_as(photo("obama2.jpg"), 320), 0.7, 0.1);
    expect_same_faces(*ours, as_wide_as(photo("biden.jpg"), 477), 0.7, 0.1);
}

TEST(onednn_detector, narrow_and_small_pictures_are_no_trouble) {
    const auto ours = load_onednn_detector(detector_file, precision::fp32).value();
    // detect() refuses less than 40 px; from there on every size is computed.
    for (const auto& [width, height] : {std::pair{40u, 40u},
                                        {41u, 40u},
                                        {40u, 47u},
                                        {43u, 400u},
                                        {400u, 43u},
                                        {40u, 2'000u},
                                        {79u, 81u},
                                        {39u, 400u},
                                        {1u, 1u}}) {
        EXPECT_TRUE(ours->detect(quarters(width, height), as_it_is).faces.empty())
            << width << 'x' << height;
    }
}

/// As for the embedder: the library reads the variable once.
void find_with_avx2() {
    setenv("ONEDNN_MAX_CPU_ISA", "AVX2", 1);
    const auto ours = load_onednn_detector(detector_file, precision::fp32).value();
    const image picture = as_wide_as(photo("obama2.jpg"), 320);
    const auto found = ours->detect(picture, as_it_is).faces,
               theirs = dlib_cnn(picture, detector_file);
    for (std::uint32_t side = 40; side < 60; ++side)
        ours->detect(quarters(side, 99 - side), as_it_is);
    const bool same = found.size() == 1 && theirs.size() == 1 &&
                      found[0].where == theirs[0].where &&
                      std::abs(found[0].score - theirs[0].score) <= 1e-3;
    std::fprintf(stderr, "%s %s\n", onednn_cpu()->c_str(), same ? "equal" : "differs");
    std::_Exit(0);
}

TEST(onednn_detector_isa, avx2_finds_the_same) {
    GTEST_FLAG_SET(death_test_style, "threadsafe");
    EXPECT_EXIT(find_with_avx2(), ::testing::ExitedWithCode(0), "avx2 equal");
}

TEST(pyramid, pixels_are_dlibs) {
    const auto rules = load_detector_layers(detector_file);
    ASSERT_TRUE(rules);
    const image original = photo("biden.jpg");
    for (const auto& [width, height] :
         {std::pair{130u, 90u}, {90u, 130u}, {61u, 300u}, {301u, 47u}, {40u, 40u}}) {
        const image picture = resized(original, width, height);
        const auto layout = pyramid_of(height, width, rules->padding, rules->outer_padding);
        std::vector<float> canvas(3 * static_cast<std::size_t>(layout.rows * layout.columns));
        draw_pyramid(picture, layout, rules->net.input, canvas);
        const auto theirs = dlib_detector_layers(picture, detector_file).front();
        ASSERT_EQ(theirs.rows, layout.rows) << width << 'x' << height;
        ASSERT_EQ(theirs.columns, layout.columns);
        EXPECT_TRUE(theirs.numbers == canvas) << width << 'x' << height;
    }
}

TEST(pyramid, every_level_lies_on_the_canvas) {
    for (long columns = 1; columns <= 130; ++columns) {
        for (long rows = 1; rows <= 130; ++rows) {
            for (const long wide : {columns, columns * 9}) {
                const auto layout = pyramid_of(rows, wide, 10, 11);
                ASSERT_GE(layout.levels.size(), 1u);
                for (const box& level : layout.levels) {
                    ASSERT_GE(level.left, 0) << wide << 'x' << rows;
                    ASSERT_GE(level.top, 0) << wide << 'x' << rows;
                    ASSERT_LT(level.right, layout.columns) << wide << 'x' << rows;
                    ASSERT_LT(level.bottom, layout.rows) << wide << 'x' << rows;
                }
            }
        }
    }
}

TEST(peaks, boxes_of_one_face) {
    const box a{0, 0, 99, 99};
    EXPECT_TRUE(same_face(a, a, 0.4, 1.0));
    EXPECT_FALSE(same_face(a, {100, 0, 199, 99}, 0.4, 1.0));
    // 50 of 150 columns are shared: a third of the box around both.
    EXPECT_FALSE(same_face(a, {50, 0, 149, 99}, 0.34, 1.0));
    EXPECT_TRUE(same_face(a, {50, 0, 149, 99}, 0.33, 1.0));
    // A small box within a large one: all of it is covered.
    EXPECT_FALSE(same_face(a, {10, 10, 19, 19}, 0.4, 1.0));
    EXPECT_TRUE(same_face(a, {10, 10, 19, 19}, 0.4, 0.95));
}

TEST(peaks, the_surest_of_neighbours_stays) {
    detector_layers rules;
    rules.window_width = rules.window_height = 80;
    rules.overlap_max = 0.4;
    rules.covered_max = 1.0;
    const auto layout = pyramid_of(200, 400, 10, 0);
    const reach sees{8, 40, 40};
    std::vector<float> scores(5 * 45, -1.0f);
    scores[0] = 0.5f;   // at (40, 40)
    scores[1] = 0.75f;  // at (48, 40): the same face, surer
    scores[30] = 0.25f;
    scores[31] = std::nanf("");
    scores[32] = 0.0f;  // not above it
    const auto found = faces_in(scores, 5, 45, sees, layout, rules);
    ASSERT_EQ(found.size(), 2u);
    EXPECT_EQ(found[0].score, 0.75);
    EXPECT_EQ(found[0].where, (box{9, 1, 88, 80}));
    EXPECT_EQ(found[1].score, 0.25);
}

}  // namespace
}  // namespace vultus
