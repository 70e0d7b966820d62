// The backend on a real GPU against dlib and the plain loops. Without a GPU main.cpp excludes these
// tests and prints that.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <csignal>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "tests/workers/engine/cuda/gpu_support.hpp"
#include "tests/workers/engine/dlib_direct_support.hpp"
#include "tests/workers/engine/imported_networks_support.hpp"
#include "tests/workers/engine/networks_support.hpp"
#include "tests/workers/image/photo_support.hpp"
#include "workers/engine/cuda/loader.hpp"
#include "workers/engine/faces/network_detector.hpp"
#include "workers/engine/models.hpp"
#include "workers/gallery/matcher.hpp"
#include "workers/geometry/overlap.hpp"

namespace vultus {
namespace {

using namespace testing;

const std::string detector_file = models_folder() + "/" + std::string(models_wanted[0].name);
const std::string embedder_file = models_folder() + "/" + std::string(models_wanted[2].name);

/// The overlap of a box with its neighbour, a tenth of its side away: half precision may take that
/// one where both score alike.
constexpr double next_place = 0.8;

const cuda::table& gpu_calls() {
    return *cuda::load_table(VULTUS_CUDA_LIBRARY).value();
}

std::size_t free_bytes(const cuda::gpu_context& gpu) {
    std::size_t left = 0, total = 0;
    gpu.must(gpu.calls().memory(gpu.gpu(), &left, &total), "memory");
    return left;
}

TEST(gpu_device, every_kind_of_layer_as_plain_loops_have_it) {
    const auto gpu = session_on(gpu_calls());
    const auto mine = gpu->take_turn();
    for (const auto& [numbers, allowed] :
         {std::pair{precision::fp16, 4e-3}, {precision::tf32, 4e-3}}) {
        auto net =
            cuda::device_network::make(gpu, every_kind_on_colours(), numbers, room_for_pictures(4));
        ASSERT_TRUE(net) << net.error().detail;
        for (std::uint32_t round = 1; round <= 3; ++round) {
            for (const pictures& given : pictures_to_run()) {
                const auto out = run_on(*net, given, round);
                ASSERT_TRUE(out);
                const auto expected =
                    expected_of(every_kind_on_colours(), given, round, given.seen.batch - 1);
                const auto last = std::span(out->all).last(expected.shape.size());
                EXPECT_LE(difference_of(last, expected), allowed);
            }
        }
    }
}

/// The runner on the GPU and the one on the CPU, on the same pictures.
void expect_imported(const network& net, const random_pictures& given, double in_half,
                     double in_tf32) {
    const auto list = std::make_shared<const network>(net);
    const auto theirs = cpu_runners()(list, {}, {}).value();
    const auto expected = theirs->run(given.views, given.rows, given.columns);
    ASSERT_TRUE(expected);
    for (const auto& [numbers, allowed] :
         {std::pair{precision::fp16, in_half}, {precision::tf32, in_tf32}}) {
        const auto ours = cuda::make_cuda_runner(session_on(gpu_calls()), list, numbers, {},
                                                 {8, given.rows, given.columns});
        ASSERT_TRUE(ours) << ours.error().detail;
        for (int round = 0; round < 3; ++round) {
            const auto out = (*ours)->run(given.views, given.rows, given.columns);
            ASSERT_TRUE(out);
            expect_near(*out, *expected, allowed);
        }
    }
}

void expect_as_plain(const network& net, const random_pictures& given, double allowed) {
    const auto list = std::make_shared<const network>(net);
    for (const precision numbers : {precision::fp16, precision::tf32}) {
        const auto ours = cuda::make_cuda_runner(session_on(gpu_calls()), list, numbers, {},
                                                 {8, given.rows, given.columns});
        ASSERT_TRUE(ours) << ours.error().detail;
        for (int round = 0; round < 3; ++round) {
            const auto out = (*ours)->run(given.views, given.rows, given.columns);
            ASSERT_TRUE(out);
            testing::expect_as_plain(*out, net, given, allowed);
        }
    }
}

TEST(gpu_device, layers_of_imported_networks_are_as_on_the_cpu) {
    expect_imported(bgr_with_means(all_named(mobile())), {3, 24, 24, 5}, 6e-3, 6e-3);
    expect_imported(all_named(transposed_windows()), {3, 7, 5, 5}, 6e-3, 6e-3);
    expect_imported(all_named(groups_of_any_width()), {3, 9, 11, 5}, 6e-3, 6e-3);
    expect_as_plain(all_named(depthwise_windows()), {3, 24, 18, 5}, 6e-3);
    expect_imported(odd_groups(), {3, 11, 10, 5}, 6e-3, 6e-3);
    expect_imported(all_named(on_the_picture()), {3, 9, 8, 5}, 6e-3, 6e-3);
    expect_imported(vectors_of(5, 4), {3, 5, 4, 5}, 6e-3, 6e-3);
    expect_imported(means_of(13, 5), {3, 13, 5, 5}, 6e-3, 6e-3);
    expect_imported(activated_sums(), {3, 9, 7, 5}, 6e-3, 6e-3);
}

TEST(gpu_device, imported_detectors_find_the_same_faces) {
    const auto files = find_models(models_folder());
    ASSERT_TRUE(files) << files.error().detail;
    const auto gpu = session_on(gpu_calls());
    const runner_maker on_gpu = [&](auto net, const auto& warm, const auto& largest) {
        return cuda::make_cuda_runner(gpu, std::move(net), precision::fp16, warm, largest);
    };
    for (const network_detector_rules* rules : {&centerface_rules, &yunet_rules}) {
        const auto file = files->detectors.find(rules->name);
        if (file == files->detectors.end()) continue;
        const auto ours = load_network_detector(file->second, *rules, on_gpu);
        ASSERT_TRUE(ours) << ours.error().detail;
        const auto theirs = load_network_detector(file->second, *rules).value();
        for (const std::string name : {"biden.jpg", "obama.jpg", "obama2.jpg", "obama3.jpg"}) {
            const image picture = photo(name);
            const detector_options wanted{80, 2'000, turning::upright};
            const auto found = (*ours)->detect(picture, wanted).faces;
            const auto expected = theirs->detect(picture, wanted).faces;
            ASSERT_EQ(found.size(), expected.size()) << rules->name << " " << name;
            for (std::size_t i = 0; i < found.size(); ++i) {
                EXPECT_GE(overlap(found[i].where, expected[i].where), 0.95) << name;
                EXPECT_NEAR(found[i].score, expected[i].score, 0.01) << name;
            }
        }
    }
}

TEST(gpu_device, distances_lie_within_a_hundredth) {
    use_one_blas_thread();
    const auto ours = cuda::load_embedder(session_on(gpu_calls()), embedder_file, {});
    ASSERT_TRUE(ours) << ours.error().detail;
    const auto theirs = load_onednn_embedder(embedder_file, precision::fp32).value();
    const auto chips = sample_chips(41);
    const auto found = (*ours)->embed(chips), expected = theirs->embed(chips);
    for (std::size_t i = 0; i < chips.size(); ++i) {
        EXPECT_LE(distance_between(found[i], expected[i]), 0.01) << i;
    }
}

TEST(gpu_device, boxes_are_dlibs) {
    const auto ours = cuda::load_detector(session_on(gpu_calls()), detector_file, {});
    ASSERT_TRUE(ours) << ours.error().detail;
    for (const std::string name : {"biden.jpg", "obama.jpg", "obama2.jpg", "obama3.jpg"}) {
        const image picture = as_wide_as(photo(name), 320);
        const auto found = (*ours)->detect(picture, {80, 10'000}).faces;
        const auto expected = dlib_cnn(picture, detector_file);
        ASSERT_EQ(found.size(), expected.size()) << name;
        for (std::size_t i = 0; i < found.size(); ++i) {
            EXPECT_GE(overlap(found[i].where, expected[i].where), next_place) << name;
            EXPECT_NEAR(found[i].score, expected[i].score, 0.02) << name;
        }
    }
}

TEST(gpu_device, faces_of_pictures_that_it_resizes) {
    const auto ours = cuda::load_detector(session_on(gpu_calls()), detector_file, {});
    const auto theirs = load_onednn_detector(detector_file, precision::fp32);
    ASSERT_TRUE(ours && theirs);
    for (const std::uint32_t width : {160u, 700u}) {
        const image picture = as_wide_as(photo("obama2.jpg"), width);
        const detector_options wanted{width / 4 < 80 ? 40 : 160, 2'000};
        const auto found = (*ours)->detect(picture, wanted).faces;
        const auto expected = (*theirs)->detect(picture, wanted).faces;
        ASSERT_FALSE(expected.empty());
        ASSERT_EQ(found.size(), expected.size()) << width;
        EXPECT_GE(overlap(found[0].where, expected[0].where), next_place) << width;
        EXPECT_NEAR(found[0].score, expected[0].score, 0.02) << width;
    }
}

TEST(gpu_device, replicas_at_once_answer_as_one_alone) {
    const auto ours = cuda::load_embedder(session_on(gpu_calls()), embedder_file, {});
    ASSERT_TRUE(ours);
    const auto chips = sample_chips(41);
    (*ours)->embed(chips);  // what is compared runs as a graph, as theirs do
    const auto expected = (*ours)->embed(chips);
    std::vector<std::thread> replicas;
    for (int n = 0; n < 5; ++n) {
        replicas.emplace_back([&, mine = std::shared_ptr((*ours)->clone())] {
            for (int i = 0; i < 50; ++i) ASSERT_EQ(mine->embed(chips), expected);
        });
    }
    for (std::thread& one : replicas) one.join();
}

// The code of a size's kernels is loaded when it is first run, so each size runs before.
TEST(gpu_device, memory_is_flat_over_three_thousand_mixed_passes) {
    const auto gpu = session_on(gpu_calls());
    const auto ours = cuda::load_embedder(gpu, embedder_file, {});
    const auto finder = cuda::load_detector(gpu, detector_file, {.detect_side_max = 640});
    ASSERT_TRUE(ours && finder);
    const auto chips = sample_chips(128);
    const image picture = as_wide_as(photo("obama2.jpg"), 320);
    constexpr std::uint32_t passes = 3'000, sizes = 30;
    const auto detect = [&](std::uint32_t size) {
        (*finder)->detect(as_wide_as(picture, 200 + 3 * size), {80, 640});
    };
    for (std::uint32_t i = 0; i < sizes; ++i) detect(i);
    for (std::uint32_t i = 0; i < 128; ++i) (*ours)->embed(std::span(chips).first(1 + i));
    const auto before = static_cast<double>(free_bytes(*gpu));
    for (std::uint32_t i = 0; i < passes; ++i) {
        (*ours)->embed(std::span(chips).first(1 + i * 37 % 128));
        if (i % 10 == 0) detect(i / 10 % sizes);
    }
    EXPECT_NEAR(static_cast<double>(free_bytes(*gpu)), before, 4e6);
}

/// This program once more, in a process of its own, with nothing but that test, again and again.
pid_t start_again(std::string test) {
    std::string filter = "--gtest_filter=" + test, repeat = "--gtest_repeat=-1",
                brief = "--gtest_brief=1";
    std::array<char*, 5> arguments{test.data(), filter.data(), repeat.data(), brief.data(),
                                   nullptr};
    pid_t made = 0;
    EXPECT_EQ(posix_spawn(&made, "/proc/self/exe", nullptr, nullptr, arguments.data(), environ), 0);
    return made;
}

// A worker that is killed in the middle of a kernel leaves its GPU to the next one, whole.
TEST(gpu_device, after_a_process_that_was_killed_at_work) {
    const auto gpu = session_on(gpu_calls());
    const auto chips = sample_chips(9);
    const auto theirs = load_onednn_embedder(embedder_file, precision::fp32).value()->embed(chips);
    // Once here before, so that what is compared has the code that is loaded with it.
    cuda::load_embedder(session_on(gpu_calls()), embedder_file, {}).value()->embed(chips);
    const auto before = static_cast<double>(free_bytes(*gpu));
    for (int round = 0; round < 3; ++round) {
        const pid_t other = start_again("gpu_device.replicas_at_once_answer_as_one_alone");
        for (int i = 0; i < 300 && static_cast<double>(free_bytes(*gpu)) > before - 100e6; ++i) {
            std::this_thread::sleep_for(std::chrono::milliseconds(100));
        }
        ASSERT_LT(static_cast<double>(free_bytes(*gpu)), before - 100e6) << "it never began";
        std::this_thread::sleep_for(std::chrono::milliseconds(700 + 37 * round));
        int status = 0;
        ASSERT_EQ(kill(other, SIGKILL), 0);
        ASSERT_EQ(waitpid(other, &status, 0), other);
        ASSERT_TRUE(WIFSIGNALED(status)) << "it ended before";
        for (int i = 0; i < 50 && static_cast<double>(free_bytes(*gpu)) < before - 1e6; ++i) {
            std::this_thread::sleep_for(std::chrono::milliseconds(100));
        }
        EXPECT_GE(static_cast<double>(free_bytes(*gpu)), before - 1e6);
        const auto found =
            cuda::load_embedder(session_on(gpu_calls()), embedder_file, {}).value()->embed(chips);
        for (std::size_t i = 0; i < found.size(); ++i) {
            EXPECT_LE(distance_between(found[i], theirs[i]), 0.01) << i;
        }
    }
}

}  // namespace
}  // namespace vultus
