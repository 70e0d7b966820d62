// The outputs of CenterFace and YuNet, made by hand: which places are faces, where, and with which
// points.
#include "workers/engine/faces/decoders.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <deque>
#include <limits>
#include <stdexcept>

namespace vultus {
namespace {

using ::testing::HasSubstr;

/// Outputs that are all zero until set.
class outputs {
 public:
    void add(const std::string& name, long channels, long rows, long columns) {
        const tensor_shape shape{channels, rows, columns};
        numbers_.emplace_back(shape.size(), 0.0f);
        all_.push_back({name, shape, numbers_.back()});
    }
    float& at(const std::string& name, long channel, long row, long column) {
        for (std::size_t i = 0; i < all_.size(); ++i) {
            const tensor_shape& shape = all_[i].shape;
            if (all_[i].name != name) continue;
            return numbers_[i].at(
                static_cast<std::size_t>((channel * shape.rows + row) * shape.columns + column));
        }
        throw std::runtime_error(name);
    }
    std::vector<output_tensor>& all() { return all_; }

 private:
    std::deque<std::vector<float>> numbers_;
    std::vector<output_tensor> all_;
};

outputs centerface(long rows, long columns) {
    outputs made;
    made.add("537", 1, rows, columns);
    made.add("538", 2, rows, columns);
    made.add("539", 2, rows, columns);
    made.add("540", 10, rows, columns);
    return made;
}

/// A face whose cell is (row, column), of those sides, its middle that of the cell.
void put(outputs& into, long row, long column, float score, float width, float height) {
    into.at("537", 0, row, column) = score;
    into.at("538", 0, row, column) = std::log(height / 4);
    into.at("538", 1, row, column) = std::log(width / 4);
}

TEST(centerface_outputs, a_hot_cell_is_a_face_with_five_points) {
    outputs made = centerface(8, 12);
    put(made, 3, 5, 0.75f, 20, 30);
    made.at("539", 0, 3, 5) = 0.25f;
    made.at("539", 1, 3, 5) = -0.125f;
    for (long k = 0; k < 5; ++k) {
        made.at("540", 2 * k, 3, 5) = 0.1f * static_cast<float>(k);
        made.at("540", 2 * k + 1, 3, 5) = 1.0f - 0.2f * static_cast<float>(k);
    }
    const auto found = centerface_sightings(made.all());
    ASSERT_TRUE(found) << found.error().detail;
    ASSERT_EQ(found->size(), 1u);
    const sighting& one = found->front();
    const double x = (5 - 0.125 + 0.5) * 4, y = (3 + 0.25 + 0.5) * 4;
    EXPECT_FLOAT_EQ(static_cast<float>(one.score), 0.75f);
    EXPECT_NEAR(one.where.left, x - 10, 1e-5);
    EXPECT_NEAR(one.where.right, x + 10, 1e-5);
    EXPECT_NEAR(one.where.top, y - 15, 1e-5);
    EXPECT_NEAR(one.where.bottom, y + 15, 1e-5);
    for (std::size_t k = 0; k < 5; ++k) {
        const double part = static_cast<double>(k);
        EXPECT_NEAR(one.points[k].x, x - 10 + 20 * (1 - 0.2 * part), 1e-4);
        EXPECT_NEAR(one.points[k].y, y - 15 + 30 * 0.1 * part, 1e-4);
    }
}

TEST(centerface_outputs, cells_up_to_the_threshold_are_none) {
    outputs made = centerface(8, 8);
    put(made, 1, 1, centerface_score_min, 8, 8);
    EXPECT_TRUE(centerface_sightings(made.all())->empty());
    put(made, 1, 1, std::nextafter(centerface_score_min, 1.0f), 8, 8);
    EXPECT_EQ(centerface_sightings(made.all())->size(), 1u);
    put(made, 6, 6, std::numeric_limits<float>::quiet_NaN(), 8, 8);
    EXPECT_EQ(centerface_sightings(made.all())->size(), 1u);
}

TEST(centerface_outputs, of_cells_of_one_face_the_surest_stays) {
    outputs made = centerface(16, 16);
    put(made, 4, 4, 0.7f, 24, 24);
    put(made, 4, 5, 0.9f, 24, 24);
    put(made, 12, 12, 0.6f, 24, 24);
    const auto found = centerface_sightings(made.all()).value();
    ASSERT_EQ(found.size(), 2u);
    EXPECT_FLOAT_EQ(static_cast<float>(found[0].score), 0.9f);
    EXPECT_FLOAT_EQ(static_cast<float>(found[1].score), 0.6f);
}

TEST(centerface_outputs, a_size_without_a_number_is_no_face) {
    outputs made = centerface(8, 8);
    put(made, 2, 2, 0.9f, 8, 8);
    made.at("538", 0, 2, 2) = 1e9f;  // exp() of it is infinite
    EXPECT_TRUE(centerface_sightings(made.all())->empty());
}

TEST(centerface_outputs, another_networks_outputs_are_refused_by_name) {
    const auto refused = [](outputs made) {
        const auto found = centerface_sightings(made.all());
        EXPECT_FALSE(found);
        return found ? std::string() : found.error().detail;
    };
    outputs without = centerface(8, 8);
    without.all().erase(without.all().begin() + 2);
    EXPECT_THAT(refused(std::move(without)), HasSubstr("\"539\""));
    outputs fewer = centerface(8, 8);
    fewer.all()[3].shape.channels = 8;
    EXPECT_THAT(refused(std::move(fewer)), HasSubstr("\"540\" of 10"));
    outputs cut = centerface(8, 8);
    cut.all()[0].values = cut.all()[0].values.first(63);
    EXPECT_THAT(refused(std::move(cut)), HasSubstr("\"537\""));
    outputs mixed = centerface(8, 8);
    mixed.all()[1].shape = {2, 4, 16};
    EXPECT_THAT(refused(std::move(mixed)), HasSubstr("two sizes"));
}

outputs yunet(long rows, long columns) {
    outputs made;
    for (const long stride : {8, 16, 32}) {
        const std::string end = "_" + std::to_string(stride);
        made.add("cls" + end, 1, rows / stride, columns / stride);
        made.add("obj" + end, 1, rows / stride, columns / stride);
        made.add("bbox" + end, 4, rows / stride, columns / stride);
        made.add("kps" + end, 10, rows / stride, columns / stride);
    }
    return made;
}

TEST(yunet_outputs, each_stride_has_its_own_pixels) {
    for (const long stride : {8, 16, 32}) {
        SCOPED_TRACE(stride);
        const std::string end = "_" + std::to_string(stride);
        const auto pixels = static_cast<double>(stride);
        outputs made = yunet(128, 192);
        made.at("cls" + end, 0, 2, 3) = 0.81f;
        made.at("obj" + end, 0, 2, 3) = 0.49f;
        made.at("bbox" + end, 0, 2, 3) = 0.5f;
        made.at("bbox" + end, 1, 2, 3) = -0.25f;
        made.at("bbox" + end, 2, 2, 3) = std::log(2.0f);
        made.at("bbox" + end, 3, 2, 3) = std::log(3.0f);
        made.at("kps" + end, 4, 2, 3) = 0.75f;
        made.at("kps" + end, 5, 2, 3) = -0.5f;
        const auto found = yunet_sightings(made.all());
        ASSERT_TRUE(found) << found.error().detail;
        ASSERT_EQ(found->size(), 1u);
        const sighting& one = found->front();
        EXPECT_NEAR(one.score, 0.63, 1e-6) << "the root of the product";
        EXPECT_NEAR(one.where.left, (3.5 - 1) * pixels, 1e-4);
        EXPECT_NEAR(one.where.right, (3.5 + 1) * pixels, 1e-4);
        EXPECT_NEAR(one.where.top, (1.75 - 1.5) * pixels, 1e-4);
        EXPECT_NEAR(one.where.bottom, (1.75 + 1.5) * pixels, 1e-4);
        EXPECT_NEAR(one.points[2].x, 3.75 * pixels, 1e-4);
        EXPECT_NEAR(one.points[2].y, 1.5 * pixels, 1e-4);
        EXPECT_NEAR(one.points[0].x, 3 * pixels, 1e-4);
    }
}

TEST(yunet_outputs, neither_of_its_two_scores_is_enough_alone) {
    outputs made = yunet(64, 64);
    made.at("cls_8", 0, 1, 1) = 1.0f;
    EXPECT_TRUE(yunet_sightings(made.all())->empty());
    made.at("obj_8", 0, 1, 1) = 0.24f;
    EXPECT_TRUE(yunet_sightings(made.all())->empty()) << "0.49";
    made.at("obj_8", 0, 1, 1) = 0.26f;
    EXPECT_EQ(yunet_sightings(made.all())->size(), 1u) << "0.51";
    made.at("cls_8", 0, 1, 1) = 7.0f;  // no probability, so it counts as 1
    EXPECT_NEAR(yunet_sightings(made.all())->front().score, std::sqrt(0.26), 1e-6);
}

TEST(yunet_outputs, a_face_seen_at_two_strides_is_one) {
    outputs made = yunet(128, 128);
    for (const auto& [end, row, scale] : {std::tuple{"_8", 4L, 4.0f}, {"_16", 2L, 2.0f}}) {
        made.at(std::string("cls") + end, 0, row, row) = 0.9f;
        made.at(std::string("obj") + end, 0, row, row) = 0.9f;
        made.at(std::string("bbox") + end, 2, row, row) = std::log(scale);
        made.at(std::string("bbox") + end, 3, row, row) = std::log(scale);
    }
    EXPECT_EQ(yunet_sightings(made.all())->size(), 1u);
}

TEST(yunet_outputs, another_networks_outputs_are_refused_by_name) {
    outputs without = yunet(64, 64);
    without.all().pop_back();
    EXPECT_THAT(yunet_sightings(without.all()).error().detail, HasSubstr("\"kps_32\""));
    outputs mixed = yunet(64, 64);
    mixed.all()[6].shape = {4, 2, 8};
    EXPECT_THAT(yunet_sightings(mixed.all()).error().detail, HasSubstr("two sizes"));
    EXPECT_EQ(yunet_sightings(centerface(8, 8).all()).error().code, errc::malformed);
}

TEST(sightings, those_that_overlap_little_both_stay) {
    const auto at = [](double left, double score) {
        return sighting{{left, 0, left + 100, 100}, score, {}};
    };
    EXPECT_EQ(surest({at(0, 0.5), at(54, 0.6)}).size(), 2u) << "46 / 154 = 0.299";
    const auto kept = surest({at(0, 0.5), at(53, 0.6)});  // 47 / 153 = 0.307
    ASSERT_EQ(kept.size(), 1u);
    EXPECT_EQ(kept[0].score, 0.6);
    EXPECT_EQ(surest({at(0, 0.5), at(40, 0.9), at(80, 0.5)}).size(), 1u);
    EXPECT_EQ(surest({at(0, 0.9), at(40, 0.5), at(80, 0.6)}).size(), 2u)
        << "what was dropped drops nobody";
}

}  // namespace
}  // namespace vultus
