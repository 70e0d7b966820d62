// Pictures resized on the GPU against OpenCV's resize, which the CPU's workers use.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "tests/workers/engine/cuda/gpu_support.hpp"
#include "tests/workers/engine/networks_support.hpp"
#include "tests/workers/image/photo_support.hpp"
#include "workers/engine/cuda/kernel_bodies.hpp"
#include "workers/engine/models.hpp"
#include "workers/geometry/resize.hpp"

namespace vultus {
namespace {

using namespace testing;

image random_picture(std::uint32_t width, std::uint32_t height) {
    noise random{width * 1'000 + height};
    image made(width, height);
    for (std::uint8_t& byte : made.rgb) {
        byte = static_cast<std::uint8_t>(127.5f + 127.5f * random());
    }
    return made;
}

/// As the kernel draws it, back as bytes.
std::vector<int> drawn(const image& picture, std::uint32_t width, std::uint32_t height) {
    const int rows = static_cast<int>(height), columns = static_cast<int>(width);
    std::vector<cuda::eight<float>> canvas(std::size_t{width} * height);
    cuda::kernel_call call{};
    call.what = cuda::kernel::picture;
    call.wide = 1;
    call.count = rows * columns;
    call.in = picture.rgb.data();
    call.out = canvas.data();
    call.out_shape = {rows, columns, cuda::channel_step};
    call.from = {0, 0, static_cast<int>(picture.height), static_cast<int>(picture.width)};
    call.to = {0, 0, rows, columns};
    std::fill_n(call.scale, 3, 1.0f / 256.0f);
    for (int i = 0; i < call.count; ++i) cuda::body(call, i);
    std::vector<int> bytes;
    for (const cuda::eight<float>& pixel : canvas) {
        for (int c = 0; c < 3; ++c) bytes.push_back(static_cast<int>(pixel.at[c] * 256.0f));
    }
    return bytes;
}

struct sides {
    std::uint32_t from_width, from_height, to_width, to_height;
};

TEST(gpu_resize, pixels_are_opencvs) {
    for (const sides& one : std::vector<sides>{{64, 48, 64, 48},
                                               {64, 48, 128, 96},
                                               {64, 48, 150, 113},
                                               {64, 48, 65, 49},
                                               {41, 333, 45, 366},
                                               {128, 96, 64, 48},
                                               {301, 200, 200, 133},
                                               {300, 7, 299, 7},
                                               {640, 480, 47, 35},
                                               {1'000, 3, 40, 1},
                                               {1, 1, 40, 40}}) {
        SCOPED_TRACE(std::to_string(one.from_width) + "x" + std::to_string(one.from_height) +
                     " to " + std::to_string(one.to_width) + "x" + std::to_string(one.to_height));
        const image picture = random_picture(one.from_width, one.from_height);
        const auto ours = drawn(picture, one.to_width, one.to_height);
        const image theirs = resized(picture, one.to_width, one.to_height);
        ASSERT_EQ(ours.size(), theirs.rgb.size());
        std::size_t differ = 0;
        for (std::size_t i = 0; i < ours.size(); ++i) {
            ASSERT_NEAR(ours[i], theirs.rgb[i], 1) << i;
            differ += ours[i] != theirs.rgb[i];
        }
        // Where pictures grow OpenCV computes with few bits and cuts the rest off; 13 % are less.
        EXPECT_LE(differ, ours.size() / (one.to_width > one.from_width ? 7 : 50));
    }
}

// One way shorter, one way longer, by a pixel: as a JPEG that was decoded at an eighth may be.
// OpenCV weighs otherwise there, on a slope by less than one step of it.
TEST(gpu_resize, shorter_and_longer_at_once) {
    image picture(60, 41);
    for (std::uint32_t y = 0; y < 41; ++y) {
        for (std::uint32_t x = 0; x < 60; ++x) {
            for (int c = 0; c < 3; ++c) {
                picture.row(y)[x * 3 + static_cast<std::uint32_t>(c)] =
                    static_cast<std::uint8_t>(2 * x + 3 * y);
            }
        }
    }
    const auto ours = drawn(picture, 59, 42);
    const image theirs = resized(picture, 59, 42);
    for (std::size_t i = 0; i < ours.size(); ++i) ASSERT_NEAR(ours[i], theirs.rgb[i], 4) << i;
}

const std::string detector_file = models_folder() + "/" + std::string(models_wanted[0].name);

/// The same people as the CPU finds, at the same places within `pixels` of the photo.
void expect_same_faces(detector& ours, const image& photo, const detector_options& wanted,
                       int pixels) {
    const auto theirs = load_onednn_detector(detector_file, precision::fp32).value();
    const auto found = ours.detect(photo, wanted).faces;
    const auto expected = theirs->detect(photo, wanted).faces;
    ASSERT_FALSE(expected.empty());
    ASSERT_EQ(found.size(), expected.size());
    for (std::size_t i = 0; i < found.size(); ++i) {
        EXPECT_NEAR(found[i].where.left, expected[i].where.left, pixels);
        EXPECT_NEAR(found[i].where.top, expected[i].where.top, pixels);
        EXPECT_NEAR(found[i].where.right, expected[i].where.right, pixels);
        EXPECT_NEAR(found[i].where.bottom, expected[i].where.bottom, pixels);
        EXPECT_NEAR(found[i].score, expected[i].score, 0.02);
    }
}

TEST(gpu_resize, faces_of_photos_that_grow_and_shrink) {
    use_one_blas_thread();
    stand_in machine;
    const auto ours =
        cuda::load_detector(session_on(machine.calls()), detector_file, {.detect_side_max = 300})
            .value();
    const image small = as_wide_as(photo("obama2.jpg"), 120);
    expect_same_faces(*ours, small, {40, 300}, 1);
    const image large = as_wide_as(photo("obama2.jpg"), 500);
    expect_same_faces(*ours, large, {160, 300}, 3);
}

TEST(gpu_resize, a_picture_with_more_bytes_than_go_up_is_resized_before) {
    stand_in machine;
    const auto ours =
        cuda::load_detector(session_on(machine.calls()), detector_file, {.detect_side_max = 260})
            .value();
    const image picture = as_wide_as(photo("obama2.jpg"), 600);
    ASSERT_GT(picture.rgb.size(), std::size_t{4} * 260 * 260 * 3);
    expect_same_faces(*ours, picture, {80, 260}, 3);
}

}  // namespace
}  // namespace vultus
