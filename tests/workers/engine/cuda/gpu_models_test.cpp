// dlib's two networks on a GPU (the stand-in) against dlib itself and the CPU's engine.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <thread>

#include "tests/workers/engine/cuda/gpu_support.hpp"
#include "tests/workers/engine/dlib_direct_support.hpp"
#include "tests/workers/engine/networks_support.hpp"
#include "tests/workers/image/photo_support.hpp"
#include "workers/engine/embedding_kind.hpp"
#include "workers/engine/engine.hpp"
#include "workers/engine/models.hpp"
#include "workers/gallery/matcher.hpp"
#include "workers/geometry/overlap.hpp"
#include "workers/geometry/resize.hpp"

namespace vultus {
namespace {

using namespace testing;

const std::string detector_file = models_folder() + "/" + std::string(models_wanted[0].name);
const std::string embedder_file = models_folder() + "/" + std::string(models_wanted[2].name);
const detector_options as_it_is{80, 10'000};

cuda::options small(precision numbers = precision::fp16) {
    return {.numbers = numbers, .chips_max = 8, .detect_side_max = 480};
}

double largest_difference(const embedding& a, const embedding& b) {
    return static_cast<double>(distance_between(a, b));
}

TEST(gpu_embedder, distances_lie_within_a_hundredth) {
    use_one_blas_thread();
    stand_in machine;
    {
        const auto ours = cuda::load_embedder(session_on(machine.calls()), embedder_file, small());
        ASSERT_TRUE(ours) << ours.error().detail << machine.refusal();
        EXPECT_EQ((*ours)->name(), "dlib_resnet_v1/plain");
        const auto theirs = load_onednn_embedder(embedder_file, precision::fp32).value();
        auto chips = sample_chips(9);  // buckets of eight and one
        chips.push_back(one_colour(200, 30, 90));
        const auto found = (*ours)->embed(chips), expected = theirs->embed(chips);
        ASSERT_EQ(found.size(), chips.size());
        for (std::size_t i = 0; i < chips.size(); ++i) {
            EXPECT_LE(largest_difference(found[i], expected[i]), 0.01) << i;
            for (std::size_t k = 0; k < i; ++k) {
                EXPECT_NEAR(distance_between(found[i], found[k]),
                            distance_between(expected[i], expected[k]), 0.01);
            }
        }
        EXPECT_NE(found, expected) << "not half precision at all";
        const auto alone = (*ours)->clone()->embed(std::span(chips).last(1));
        EXPECT_EQ(alone.front(), found.back()) << "another in company";
    }
    EXPECT_EQ(machine.alive(), stand_in::count{});
}

TEST(gpu_embedder, tf32_keeps_float32) {
    stand_in machine;
    const auto ours = cuda::load_embedder(session_on(machine.calls()), embedder_file,
                                          {.numbers = precision::tf32, .chips_max = 1});
    ASSERT_TRUE(ours);
    const auto chips = sample_chips(1);
    const auto theirs = load_reference_embedder(embedder_file).value()->embed(chips);
    EXPECT_LE(relative_difference((*ours)->embed(chips)[0], theirs[0]), 1e-5);
}

// A mixed pool: the answer does not depend on who runs the job.
TEST(gpu_embedder, a_gpu_and_a_cpu_give_one_answer) {
    stand_in machine;
    const auto on_gpu = with_kind(
        cuda::load_embedder(session_on(machine.calls()), embedder_file, {.chips_max = 1}).value(),
        embedding_kind::mirror_unit);
    const auto on_cpu = with_kind(load_onednn_embedder(embedder_file, precision::fp32).value(),
                                  embedding_kind::mirror_unit);
    EXPECT_EQ(on_gpu->name(), on_cpu->name()) << "their faces stand in one gallery";
    const auto chips = sample_chips(2);
    const auto here = on_gpu->embed(chips), there = on_cpu->embed(chips);
    for (std::size_t i = 0; i < chips.size(); ++i) {
        EXPECT_LE(distance_between(here[i], there[i]), 0.01) << i;
    }
}

TEST(gpu_embedder, the_largest_buckets_that_fit) {
    stand_in machine({.memory_bytes = cuda::headroom_bytes + (22u << 20)});
    const auto gpu = session_on(machine.calls());
    const auto ours = cuda::load_embedder(gpu, embedder_file, {});
    ASSERT_TRUE(ours) << ours.error().detail;
    EXPECT_EQ(machine.alive().graphs, 2u) << "buckets of one and eight";
    EXPECT_EQ((*ours)->embed(sample_chips(9)).size(), 9u);
    stand_in tiny({.memory_bytes = cuda::headroom_bytes + (8u << 20)});
    EXPECT_EQ(cuda::load_embedder(session_on(tiny.calls()), embedder_file, {}).error().code,
              errc::bad_option);
    EXPECT_EQ(tiny.alive(), stand_in::count{});
}

/// One to one, no edge further than `pixels` from dlib's.
void expect_boxes(const std::vector<detected_face>& found, std::vector<detected_face> expected,
                  int pixels) {
    ASSERT_EQ(found.size(), expected.size());
    for (const detected_face& face : found) {
        const auto nearest =
            std::max_element(expected.begin(), expected.end(), [&](const auto& a, const auto& b) {
                return overlap(a.where, face.where) < overlap(b.where, face.where);
            });
        EXPECT_NEAR(nearest->where.left, face.where.left, pixels);
        EXPECT_NEAR(nearest->where.top, face.where.top, pixels);
        EXPECT_NEAR(nearest->where.right, face.where.right, pixels);
        EXPECT_NEAR(nearest->where.bottom, face.where.bottom, pixels);
        EXPECT_NEAR(nearest->score, face.score, 0.02);
        expected.erase(nearest);
    }
}

TEST(gpu_detector, boxes_are_dlibs) {
    use_one_blas_thread();
    stand_in machine;
    {
        const auto ours = cuda::load_detector(session_on(machine.calls()), detector_file, small());
        ASSERT_TRUE(ours) << ours.error().detail << machine.refusal();
        EXPECT_EQ((*ours)->name(), "cnn");
        std::size_t faces = 0;
        for (const std::string name : {"biden.jpg", "obama.jpg", "obama2.jpg", "obama3.jpg",
                                       "obama_partial_face.jpg", "obama_partial_face2.jpg"}) {
            SCOPED_TRACE(name);
            const image picture = as_wide_as(photo(name), 200);
            const auto found = (*ours)->detect(picture, as_it_is).faces;
            expect_boxes(found, dlib_cnn(picture, detector_file), 1);
            faces += found.size();
        }
        EXPECT_GE(faces, 3u) << "nothing was compared";
    }
    EXPECT_EQ(machine.alive(), stand_in::count{});
}

// All of the CPU's pictures, in float32: rounding hides nothing else that the backend does.
TEST(gpu_detector, float32_boxes_are_dlibs_to_the_pixel) {
    use_one_blas_thread();
    stand_in machine;
    const auto ours = cuda::load_detector(session_on(machine.calls()), detector_file,
                                          {.numbers = precision::tf32, .detect_side_max = 640})
                          .value();
    std::size_t faces = 0;
    for (const std::string name :
         {"biden.jpg", "obama.jpg", "obama2.jpg", "obama3.jpg", "32bit.png",
          "obama_partial_face.jpg", "obama_partial_face2.jpg"}) {
        for (const std::uint32_t width : {130u, 240u}) {
            SCOPED_TRACE(name + " " + std::to_string(width));
            const image picture = as_wide_as(photo(name), width);
            const auto found = ours->detect(picture, as_it_is).faces;
            expect_boxes(found, dlib_cnn(picture, detector_file), 0);
            faces += found.size();
        }
    }
    EXPECT_GE(faces, 8u) << "nothing was compared";
}

TEST(gpu_detector, many_faces) {
    stand_in machine;
    const auto replica = cuda::load_detector(session_on(machine.calls()), detector_file,
                                             {.numbers = precision::tf32, .detect_side_max = 640})
                             .value()
                             ->clone();
    const image crowd = many_of(resized(photo("obama2.jpg"), 157, 300), 4, 2);
    const auto found = replica->detect(crowd, as_it_is).faces;
    EXPECT_GE(found.size(), 8u);
    expect_boxes(found, dlib_cnn(crowd, detector_file), 0);
}

TEST(gpu_detector, narrow_pictures_are_no_trouble) {
    stand_in machine;
    const auto ours =
        cuda::load_detector(session_on(machine.calls()), detector_file, {.detect_side_max = 640})
            .value();
    for (const auto& [width, height] :
         {std::pair{41u, 40u}, {40u, 47u}, {43u, 400u}, {400u, 43u}, {40u, 640u}, {79u, 81u}}) {
        EXPECT_TRUE(ours->detect(quarters(width, height), as_it_is).faces.empty())
            << width << 'x' << height;
    }
}

TEST(gpu_detector, every_size_up_to_the_largest_has_room) {
    stand_in machine;
    const auto ours =
        cuda::load_detector(session_on(machine.calls()), detector_file, {.detect_side_max = 120})
            .value();
    for (std::uint32_t shorter = 40; shorter <= 120; shorter += 13) {
        for (const auto& [width, height] : {std::pair{shorter, 120u}, std::pair{120u, shorter}}) {
            EXPECT_TRUE(ours->detect(quarters(width, height), as_it_is).faces.empty());
        }
    }
    EXPECT_TRUE(ours->detect(quarters(1, 1), as_it_is).faces.empty());
}

TEST(gpu_models, lanes_take_turns_on_one_gpu) {
    stand_in machine({.seed = 3});
    {
        const auto gpu = session_on(machine.calls());
        const auto first = cuda::load_embedder(gpu, embedder_file, small()).value();
        const auto finder =
            cuda::load_detector(gpu, detector_file, {.detect_side_max = 320}).value();
        const auto before = machine.alive();
        const auto second = first->clone();
        const auto other_finder = finder->clone();
        EXPECT_EQ(machine.alive(), before) << "a clone takes no memory";
        const auto chips = sample_chips(1);
        const image picture = as_wide_as(photo("obama2.jpg"), 120);
        const auto expected = first->embed(chips);
        const auto boxes = finder->detect(picture, as_it_is).faces;
        std::thread other([&] {
            for (int i = 0; i < 2; ++i) {
                EXPECT_EQ(second->embed(chips), expected);
                const auto found = other_finder->detect(picture, as_it_is).faces;
                ASSERT_EQ(found.size(), boxes.size());
            }
        });
        for (int i = 0; i < 2; ++i) EXPECT_EQ(first->embed(chips), expected);
        other.join();
    }
    EXPECT_EQ(machine.alive(), stand_in::count{});
}

}  // namespace
}  // namespace vultus
