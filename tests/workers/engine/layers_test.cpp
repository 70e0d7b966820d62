// The layer lists against dlib's own forward pass, layer by layer, and what makes a list unusable.
#include "workers/engine/layers.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cmath>
#include <cstring>
#include <fstream>
#include <limits>

#include "tests/workers/engine/dlib_direct_support.hpp"
#include "tests/workers/engine/plain_layers_support.hpp"
#include "tests/workers/image/photo_support.hpp"
#include "workers/engine/dlib_layers.hpp"
#include "workers/engine/models.hpp"
#include "workers/geometry/resize.hpp"
#include "workers/vision/aligner.hpp"

namespace vultus {
namespace {

using namespace testing;
using ::testing::HasSubstr;

const std::string embedder_file = models_folder() + "/" + std::string(models_wanted[2].name);
const std::string detector_file = models_folder() + "/" + std::string(models_wanted[0].name);

image sample_photo(const std::string& name) {
    return std::move(decode_image(sample(name)).value().picture);
}

chip sample_chip() {
    const image picture = resized(sample_photo("obama2.jpg"), 300, 300);
    chip face;
    for (std::uint32_t y = 0; y < limits::chip_side; ++y) {
        const std::uint8_t* row = picture.row(y + 60) + 75 * 3;
        face.rgb.insert(face.rgb.end(), row, row + limits::chip_side * 3);
    }
    return face;
}

/// Largest difference over the largest number of dlib's.
double relative_difference(const plain_tensor& ours, const dlib_output& theirs) {
    double difference = 0, largest = 1e-30;
    for (std::size_t i = 0; i < ours.numbers.size(); ++i) {
        const double expected = static_cast<double>(theirs.numbers[i]);
        difference = std::max(difference, std::abs(ours.numbers[i] - expected));
        largest = std::max(largest, std::abs(expected));
    }
    return difference / largest;
}

/// Compares all values that dlib still has; returns how many those are.
int compare(const std::vector<plain_tensor>& ours, const std::vector<dlib_output>& theirs) {
    int compared = 0;
    EXPECT_EQ(ours.size(), theirs.size());
    for (std::size_t i = 0; i < std::min(ours.size(), theirs.size()); ++i) {
        if (theirs[i].numbers.empty()) continue;
        const tensor_shape shape{theirs[i].channels, theirs[i].rows, theirs[i].columns};
        EXPECT_TRUE(ours[i].shape == shape) << "value " << i;
        if (!(ours[i].shape == shape)) break;
        EXPECT_LE(relative_difference(ours[i], theirs[i]), i == 0 ? 0.0 : 5e-6) << "value " << i;
        ++compared;
    }
    return compared;
}

TEST(layers, the_embedding_network_is_dlibs_layer_by_layer) {
    const auto net = load_embedding_layers(embedder_file);
    ASSERT_TRUE(net) << net.error().detail;
    const auto convolutions =
        std::count_if(net->layers.begin(), net->layers.end(),
                      [](const layer& one) { return one.kind == layer_kind::conv; });
    EXPECT_EQ(convolutions, 29);
    const chip face = sample_chip();
    const auto ours = computed(*net, picture_of(face.rgb.data(), 150, 150, net->input));
    EXPECT_EQ(ours.back().shape, (tensor_shape{128, 1, 1}));
    EXPECT_GE(compare(ours, dlib_embedding_layers(face, embedder_file)), 30);
}

TEST(layers, the_detector_network_is_dlibs_layer_by_layer) {
    const auto detector = load_detector_layers(detector_file);
    ASSERT_TRUE(detector) << detector.error().detail;
    EXPECT_EQ(detector->window_width, 80);
    EXPECT_GT(detector->overlap_max, 0);
    const auto theirs =
        dlib_detector_layers(resized(sample_photo("obama2.jpg"), 90, 120), detector_file);
    plain_tensor canvas{{theirs[0].channels, theirs[0].rows, theirs[0].columns},
                        {theirs[0].numbers.begin(), theirs[0].numbers.end()}};
    const auto ours = computed(detector->net, canvas);
    EXPECT_GE(compare(ours, theirs), 7);
    const auto split = computed(split_columns(detector->net), canvas);
    ASSERT_EQ(split.back().shape, ours.back().shape);
    EXPECT_LE(relative_difference(split.back(), theirs.back()), 5e-6);
}

/// The file with the bytes of one weight replaced, below a name of its own.
std::string file_with(const std::string& original, float weight, float instead) {
    std::string bytes = file_at(original);
    std::string wanted(sizeof weight, '\0'), put(sizeof instead, '\0');
    std::memcpy(wanted.data(), &weight, sizeof weight);
    std::memcpy(put.data(), &instead, sizeof instead);
    const auto place = bytes.find(wanted);
    EXPECT_NE(place, std::string::npos);
    bytes.replace(place, put.size(), put);
    const std::string path = ::testing::TempDir() + "vultus-weights-" + std::to_string(getpid());
    std::ofstream(path, std::ios::binary) << bytes;
    return path;
}

TEST(layers, a_weight_that_is_no_number_is_refused) {
    const auto net = load_embedding_layers(embedder_file);
    ASSERT_TRUE(net);
    const float weight = net->layers.back().weights[1'000];  // folded into nothing: as in the file
    for (const float bad : {std::nanf(""), std::numeric_limits<float>::infinity()}) {
        const std::string path = file_with(embedder_file, weight, bad);
        const auto loaded = load_embedding_layers(path);
        unlink(path.c_str());
        ASSERT_FALSE(loaded);
        EXPECT_EQ(loaded.error().code, errc::malformed);
        EXPECT_THAT(loaded.error().detail, HasSubstr("not finite"));
    }
}

TEST(layers, a_file_cut_short_or_another_one_is_refused) {
    const std::string path = ::testing::TempDir() + "vultus-cut-" + std::to_string(getpid());
    const std::string bytes = file_at(detector_file);
    for (const std::size_t kept : {std::size_t{0}, std::size_t{100}, bytes.size() / 2}) {
        std::ofstream(path, std::ios::binary) << bytes.substr(0, kept);
        EXPECT_EQ(load_detector_layers(path).error().code, errc::malformed) << kept;
    }
    unlink(path.c_str());
    EXPECT_EQ(load_detector_layers(embedder_file).error().code, errc::malformed);
    EXPECT_EQ(load_embedding_layers(detector_file).error().code, errc::malformed);
    EXPECT_EQ(load_embedding_layers("/nowhere").error().code, errc::malformed);
}

TEST(layers, a_list_that_cannot_be_computed_is_named) {
    network net;
    EXPECT_THAT(check(net).error().detail, HasSubstr("without layers"));
    net.layers = {small_conv(2, 3)};
    EXPECT_TRUE(check(net));
    const auto fault = [&](auto&& spoil) {
        network spoiled = net;
        spoil(spoiled.layers[0]);
        const auto found = check(spoiled);
        return found ? std::string("none") : found.error().detail;
    };
    EXPECT_THAT(fault([](layer& one) { one.from = 1; }), HasSubstr("later"));
    EXPECT_THAT(fault([](layer& one) { one.inputs = 4; }), HasSubstr("channels"));
    EXPECT_THAT(fault([](layer& one) { one.weights.pop_back(); }), HasSubstr("weights"));
    EXPECT_THAT(fault([](layer& one) { one.bias.push_back(0); }), HasSubstr("weights"));
    EXPECT_THAT(fault([](layer& one) { one.bias[1] = std::nanf(""); }), HasSubstr("finite"));
    EXPECT_THAT(fault([](layer& one) { one.stride = 0; }), HasSubstr("sizes"));
    EXPECT_THAT(fault([](layer& one) { one.padding_rows = 3; }), HasSubstr("sizes"));
    EXPECT_EQ(fault([](layer&) {}), "none");
}

TEST(layers, shapes_end_where_a_picture_is_smaller_than_the_window) {
    network net;
    net.layers = {small_conv(2, 3)};
    const auto shapes = shapes_of(net, {3, 3, 5});
    ASSERT_TRUE(shapes);
    EXPECT_EQ(shapes->back(), (tensor_shape{2, 1, 3}));
    EXPECT_EQ(shapes_of(net, {3, 2, 5}).error().code, errc::bad_option);
    net.layers[0].stride = 2;
    EXPECT_EQ(shapes_of(net, {3, 2, 5}).error().code, errc::bad_option);
    EXPECT_EQ(shapes_of(net, {3, 6, 5})->back(), (tensor_shape{2, 2, 2}));
}

}  // namespace
}  // namespace vultus
