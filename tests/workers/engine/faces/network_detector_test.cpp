// `centerface` and `yunet` from a photo to its faces: with a made-up network, and CenterFace's own
// file on the sample photos. Of YuNet's file, which not every machine can fetch, only what is
// common to both is tried here; its decoding is in decoders_test.cpp.
#include "workers/engine/faces/network_detector.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <deque>

#include "tests/workers/engine/networks_support.hpp"
#include "tests/workers/image/photo_support.hpp"
#include "workers/engine/models.hpp"
#include "workers/geometry/overlap.hpp"
#include "workers/geometry/resize.hpp"
#include "workers/geometry/turn.hpp"

namespace vultus {
namespace {

using namespace testing;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::SizeIs;

/// CenterFace's outputs: one face of 40 x 40 px at each bright cell of 4 x 4 px, wherever on the
/// canvas it is.
class bright_cells final : public runner {
 public:
    explicit bright_cells(std::deque<std::pair<long, long>>* sizes, std::string first = "537")
        : sizes_(sizes), first_(std::move(first)) {}
    std::unique_ptr<runner> clone() const override {
        return std::make_unique<bright_cells>(sizes_, first_);
    }
    const network& of() const override { return none_; }
    result<std::span<const output_tensor>> run(std::span<const picture_view> pictures, long rows,
                                               long columns) override {
        sizes_->emplace_back(rows, columns);
        const picture_view& picture = pictures[0];
        const long high = rows / 4, wide = columns / 4;
        numbers_.clear();
        outputs_.clear();
        const std::pair<std::string, long> outputs[] = {
            {first_, 1}, {"538", 2}, {"539", 2}, {"540", 10}};
        for (const auto& [name, channels] : outputs) {
            const tensor_shape shape{channels, high, wide};
            numbers_.emplace_back(shape.size(), name == "538" ? std::log(10.0f) : 0.5f);
            outputs_.push_back({name, shape, numbers_.back()});
        }
        std::fill(numbers_[0].begin(), numbers_[0].end(), 0.0f);
        std::fill(numbers_[2].begin(), numbers_[2].end(), 0.0f);
        for (long row = 0; row < high; ++row) {
            for (long column = 0; column < wide; ++column) {
                const bool inside = row * 4 < picture.rows && column * 4 < picture.columns;
                const long at = (row * 4 * picture.columns + column * 4) * 3;
                if (inside && picture.rgb[at] > 200) {
                    numbers_[0][static_cast<std::size_t>(row * wide + column)] = 0.8f;
                }
            }
        }
        return std::span<const output_tensor>(outputs_);
    }

 private:
    std::deque<std::pair<long, long>>* sizes_;
    std::string first_;
    network none_;
    std::deque<std::vector<float>> numbers_;
    std::vector<output_tensor> outputs_;
};

struct made {
    std::deque<std::pair<long, long>> sizes;  ///< of the canvases
    std::unique_ptr<detector> finder =
        make_network_detector(std::make_unique<bright_cells>(&sizes), centerface_rules).value();
    made() { sizes.clear(); }
};

void light(image& into, std::uint32_t x, std::uint32_t y, std::uint32_t side) {
    for (std::uint32_t row = y; row < y + side; ++row) {
        std::fill_n(into.row(row) + std::size_t{x} * 3, std::size_t{side} * 3, std::uint8_t{255});
    }
}

TEST(network_detector, boxes_and_points_are_in_pixels_of_the_photo) {
    made with;
    image picture(400, 300);
    light(picture, 200, 100, 8);
    const auto found = with.finder->detect(picture, {40, 2'000, turning::upright});
    EXPECT_THAT(with.sizes, ElementsAre(std::pair{160L, 224L})) << "200 x 150, to the next 32";
    ASSERT_THAT(found.faces, SizeIs(1));
    const detected_face& face = found.faces[0];
    EXPECT_NEAR(face.score, 0.8, 1e-6);
    EXPECT_EQ(face.where, (box{164, 68, 243, 147})) << "40 px around (102, 54), twice";
    ASSERT_TRUE(face.points);
    EXPECT_FLOAT_EQ((*face.points)[0].x, 204);
    EXPECT_FLOAT_EQ((*face.points)[0].y, 108);
    EXPECT_EQ(found.min_face_px, 40);
    EXPECT_FALSE(found.limited);
    EXPECT_FALSE(found.truncated);
}

TEST(network_detector, nobody_is_beyond_the_picture) {
    made with;
    image picture(70, 70);
    light(picture, 68, 8, 1);
    EXPECT_THAT(with.finder->detect(picture, {20, 2'000, turning::upright}).faces, SizeIs(0))
        << "its middle is at 70 of 70";
    light(picture, 64, 8, 1);
    EXPECT_THAT(with.finder->detect(picture, {20, 2'000, turning::upright}).faces, SizeIs(1));
}

TEST(network_detector, a_network_of_other_outputs_is_refused_at_once) {
    std::deque<std::pair<long, long>> sizes;
    const auto refused =
        make_network_detector(std::make_unique<bright_cells>(&sizes, "536"), centerface_rules);
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, errc::malformed);
    EXPECT_THAT(refused.error().detail, HasSubstr("\"537\""));
    EXPECT_FALSE(make_network_detector(std::make_unique<bright_cells>(&sizes), yunet_rules));
}

detector& centerface() {
    static const auto loaded = [] {
        const auto files = find_models(models_folder());
        if (!files) throw std::runtime_error(files.error().detail);
        auto made = load_network_detector(files->detectors.at("centerface"), centerface_rules);
        if (!made) throw std::runtime_error(made.error().detail);
        return std::move(*made);
    }();
    return *loaded;
}

struct golden {
    const char* photo;
    box where;
    double score;
    point eye, mouth_corner;  ///< the first and the last point
};

// The publisher's formulas in Python on what ONNX Runtime 1.32 made of the same photos, seen at a
// quarter of their size; another library resized them, so up to a pixel of that size differs.
TEST(centerface, finds_what_onnx_runtime_and_the_formulas_find) {
    const golden expected[] = {
        {"32bit.png", {212, 245, 475, 635}, 0.924, {255.9f, 362.0f}, {349.4f, 515.4f}},
        {"biden.jpg", {428, 180, 710, 572}, 0.878, {530.9f, 317.5f}, {621.4f, 480.4f}},
        {"obama.jpg", {373, 99, 605, 424}, 0.923, {438.2f, 220.5f}, {546.0f, 322.4f}},
        {"obama2.jpg", {212, 245, 474, 635}, 0.924, {256.0f, 362.0f}, {349.4f, 515.3f}},
        {"obama3.jpg", {643, 265, 912, 612}, 0.928, {732.3f, 375.1f}, {847.1f, 505.3f}},
        {"obama_partial_face.jpg", {-8, 81, 184, 444}, 0.893, {17.3f, 200.2f}, {124.5f, 335.4f}},
        {"obama_partial_face2.jpg", {392, 77, 574, 419}, 0.870, {439.4f, 206.7f}, {546.3f, 325.3f}},
    };
    for (const golden& one : expected) {
        SCOPED_TRACE(one.photo);
        const auto found = centerface().detect(photo(one.photo), {80, 2'000, turning::upright});
        ASSERT_THAT(found.faces, SizeIs(1));
        const detected_face& face = found.faces[0];
        EXPECT_GE(overlap(face.where, one.where), 0.95) << face.where.left << " " << face.where.top;
        EXPECT_NEAR(face.score, one.score, 0.03);
        ASSERT_TRUE(face.points);
        EXPECT_NEAR((*face.points)[0].x, one.eye.x, 4);
        EXPECT_NEAR((*face.points)[0].y, one.eye.y, 4);
        EXPECT_NEAR((*face.points)[4].x, one.mouth_corner.x, 4);
        EXPECT_NEAR((*face.points)[4].y, one.mouth_corner.y, 4);
        EXPECT_EQ(face.quarters, 0);
    }
}

TEST(centerface, finds_all_of_forty_in_a_large_photo) {
    const image face = resized(photo("obama2.jpg"), 196, 375);  // 100 px of face
    image crowd(4'032, 3'024);
    for (std::uint32_t k = 0; k < 40; ++k) {
        const std::uint32_t left = 60 + k % 8 * 500 + k / 8 * 13,
                            top = 100 + k / 8 * 580 + k % 8 * 9;
        for (std::uint32_t row = 0; row < face.height; ++row) {
            std::copy_n(face.row(row), std::size_t{face.width} * 3,
                        crowd.row(top + row) + std::size_t{left} * 3);
        }
    }
    const auto found = centerface().detect(crowd, {40, 2'000, turning::upright});
    EXPECT_THAT(found.faces, SizeIs(40));
    EXPECT_EQ(found.min_face_px, 40);
    EXPECT_FALSE(found.limited);
    const auto [smallest, largest] = std::minmax_element(
        found.faces.begin(), found.faces.end(),
        [](const auto& a, const auto& b) { return a.where.width() < b.where.width(); });
    EXPECT_GT(smallest->where.width(), 70) << "whole, not cut at a seam";
    EXPECT_LT(largest->where.width(), 100);
}

TEST(centerface, finds_faces_that_lie_or_stand_on_their_head) {
    const image upright = photo("obama2.jpg");
    for (int quarters = 1; quarters <= 3; ++quarters) {
        const image lying = turned(upright.copy(), 4 - quarters);
        const auto found = centerface().detect(lying, {80, 2'000, turning::all});
        ASSERT_THAT(found.faces, SizeIs(1)) << quarters;
        EXPECT_EQ(found.faces[0].quarters, quarters);
        const rectangle there =
            turned(rectangle{212, 245, 475, 636}, upright.width, upright.height, 4 - quarters);
        EXPECT_GE(overlap(rectangle_of(found.faces[0].where), there), 0.9) << quarters;
    }
}

TEST(centerface, a_copy_finds_the_same_and_tiny_pictures_have_no_face) {
    const image picture = as_wide_as(photo("biden.jpg"), 200);
    const auto copy = centerface().clone();
    EXPECT_EQ(copy->name(), "centerface");
    const auto here = centerface().detect(picture, {}).faces,
               there = copy->detect(picture, {}).faces;
    ASSERT_THAT(here, SizeIs(1));
    ASSERT_THAT(there, SizeIs(1));
    EXPECT_EQ(here[0].where, there[0].where);
    for (const auto& [width, height] : {std::pair{1u, 1u}, {1u, 300u}, {7u, 5u}, {640u, 2u}}) {
        EXPECT_THAT(copy->detect(image(width, height), {40, 2'000, turning::all}).faces, SizeIs(0));
    }
}

TEST(centerface, another_file_is_refused) {
    const auto files = find_models(models_folder()).value();
    EXPECT_EQ(load_network_detector(files.landmarks, centerface_rules).error().code,
              errc::malformed);
    EXPECT_EQ(load_network_detector("/nowhere", centerface_rules).error().code, errc::not_found);
    EXPECT_EQ(load_network_detector(files.detectors.at("centerface"), yunet_rules).error().code,
              errc::malformed);
}

}  // namespace
}  // namespace vultus
