// The runner on a GPU (the stand-in): its contract, its memory, and the networks of the imported
// models as oneDNN computes them.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <thread>

#include "tests/workers/engine/cuda/gpu_support.hpp"
#include "tests/workers/engine/imported_networks_support.hpp"
#include "tests/workers/image/photo_support.hpp"
#include "workers/engine/cuda/program.hpp"
#include "workers/engine/faces/network_detector.hpp"
#include "workers/engine/faces/search.hpp"
#include "workers/engine/importers/importers.hpp"
#include "workers/engine/models.hpp"
#include "workers/geometry/overlap.hpp"

namespace vultus {
namespace {

using namespace testing;
using ::testing::HasSubstr;

std::unique_ptr<runner> gpu_runner(const stand_in& machine, std::shared_ptr<const network> net,
                                   precision numbers, const std::vector<warm_size>& warm,
                                   const warm_size& largest) {
    auto made =
        cuda::make_cuda_runner(session_on(machine.calls()), std::move(net), numbers, warm, largest);
    if (!made) throw std::runtime_error(made.error().detail + machine.refusal());
    return std::move(*made);
}

/// A detector's network in small: two outputs of other sizes than the picture.
std::shared_ptr<const network> two_outputs() {
    noise random;
    auto net = std::make_shared<network>();
    net->layers = {conv(3, 10, 3, 2, 1, 0, random), plain(layer_kind::relu, 1),
                   window(layer_kind::conv, 10, 10, 3, 1, 1, 2, random, 10),
                   conv(10, 5, 1, 1, 0, 3, random), conv(10, 1, 1, 2, 0, 3, random)};
    net->input.mean = {10, 20, 30};
    net->outputs = {{"later", 5}, {"first", 4}};
    return net;
}

TEST(gpu_runner, bytes_become_what_the_input_says) {
    input_format input;
    input.mean = {10, 20, 30};
    input.scale = {1, 0.5f, 2};
    for (const bool bgr : {false, true}) {
        input.bgr = bgr;
        stand_in machine;
        const auto made =
            gpu_runner(machine, mirror_of(input), precision::fp16, {{8, 2, 3}}, {8, 4, 4});
        const std::vector<std::uint8_t> first{1, 2, 3, 4, 5, 6}, second{7, 8, 9, 10, 11, 12};
        const picture_view pictures[]{{first.data(), 1, 2}, {second.data(), 2, 1}};
        const auto clone = made->clone();
        EXPECT_EQ(clone->of(), *mirror_of(input));
        for (runner* one : {made.get(), clone.get()}) {
            const auto out = one->run(pictures, 2, 3);
            ASSERT_TRUE(out) << out.error().detail;
            ASSERT_EQ(out->size(), 1u);
            EXPECT_EQ((*out)[0].name, "same");
            EXPECT_EQ((*out)[0].shape, (tensor_shape{3, 2, 3}));
            const auto values = (*out)[0].values;
            ASSERT_EQ(values.size(), 36u);
            const float red = bgr ? 3 : 1, blue = bgr ? 1 : 3;
            EXPECT_FLOAT_EQ(values[0], red - 10);
            EXPECT_FLOAT_EQ(values[1], red + 3 - 10);
            EXPECT_FLOAT_EQ(values[2], -10) << "black beyond the picture";
            EXPECT_FLOAT_EQ(values[6], (2 - 20) * 0.5f);
            EXPECT_FLOAT_EQ(values[12], (blue - 30) * 2);
            EXPECT_FLOAT_EQ(values[17], -60) << "black below the picture";
            EXPECT_FLOAT_EQ(values[18], red + 6 - 10) << "the second picture";
            EXPECT_FLOAT_EQ(values[18 + 3], red + 9 - 10) << "its second row";
        }
    }
}

TEST(gpu_runner, batches_of_any_number_go_in_passes_and_come_back_in_order) {
    stand_in machine;
    const auto net = two_outputs();
    const auto ours = gpu_runner(machine, net, precision::tf32, {{8, 13, 11}}, {8, 13, 11});
    const auto theirs = cpu_runners()(net, {}, {}).value();
    EXPECT_EQ(machine.alive().graphs, 2u) << "passes of one and eight";
    const random_pictures given(21, 13, 11, 3);
    for (const std::size_t count : {1u, 2u, 8u, 9u, 21u}) {
        const auto some = std::span(given.views).first(count);
        const auto here = ours->run(some, 13, 11), there = theirs->run(some, 13, 11);
        ASSERT_TRUE(here && there);
        expect_near(*here, *there, 5e-6);
    }
    const std::vector<float> last(
        (*ours->run(std::span(given.views).subspan(20), 13, 11))[0].values.begin(),
        (*ours->run(std::span(given.views).subspan(20), 13, 11))[0].values.end());
    const auto all = ours->run(given.views, 13, 11);
    const auto of_last = (*all)[0].values.last(last.size());
    EXPECT_TRUE(std::equal(last.begin(), last.end(), of_last.begin())) << "another in company";
    EXPECT_EQ(machine.alive().graphs, 2u);
}

// Pictures of all sizes on one canvas share a graph, and nothing is left of the last one.
TEST(gpu_runner, pictures_of_several_sizes_on_a_canvas) {
    stand_in machine;
    const auto net = two_outputs();
    const auto ours = gpu_runner(machine, net, precision::tf32, {{1, 16, 16}}, {1, 16, 16});
    const auto theirs = cpu_runners()(net, {}, {}).value();
    for (const auto& [rows, columns] :
         {std::pair{16L, 16L}, {3L, 5L}, {16L, 1L}, {1L, 16L}, {15L, 16L}}) {
        SCOPED_TRACE(std::to_string(rows) + "x" + std::to_string(columns));
        const random_pictures given(1, rows, columns, 9);
        const auto here = ours->run(given.views, 16, 16), there = theirs->run(given.views, 16, 16);
        ASSERT_TRUE(here && there);
        expect_near(*here, *there, 5e-6);
    }
    EXPECT_EQ(machine.alive().graphs, 1u);
}

TEST(gpu_runner, a_size_that_does_not_fit_is_an_error_and_the_next_one_runs) {
    noise random;
    auto net = std::make_shared<network>(*mirror_of({}));
    net->layers.push_back(conv(3, 8, 5, 1, 0, 1, random));
    net->outputs = {{"", 2}};
    stand_in machine;
    {
        const auto made = gpu_runner(machine, net, precision::fp16, {}, {8, 7, 7});
        const std::vector<std::uint8_t> black(60 * 60 * 3, 0);
        const picture_view small{black.data(), 4, 4}, large{black.data(), 7, 7},
            larger{black.data(), 60, 60};
        EXPECT_EQ(made->run(std::span(&small, 1), 4, 4).error().code, errc::bad_option);
        EXPECT_EQ(made->run(std::span(&large, 1), 7, 7).value()[0].shape, (tensor_shape{8, 3, 3}));
        const auto refused = made->run(std::span(&larger, 1), 60, 60);
        ASSERT_FALSE(refused);
        EXPECT_EQ(refused.error().code, errc::bad_option);
        EXPECT_THAT(refused.error().detail, HasSubstr("larger"));
        EXPECT_TRUE(made->run(std::span(&large, 1), 7, 7));
    }
    EXPECT_EQ(machine.alive(), stand_in::count{});
    const auto never = cuda::make_cuda_runner(session_on(machine.calls()), net, precision::fp16,
                                              {{1, 4, 4}}, {1, 7, 7});
    ASSERT_FALSE(never);
    EXPECT_EQ(never.error().code, errc::bad_option);
}

TEST(gpu_runner, a_canvas_of_as_many_pixels_may_still_need_more_memory) {
    noise random;
    auto net = std::make_shared<network>();
    net->layers = {conv(3, 8, 3, 1, 2, 0, random)};  // two pixels more in each direction
    stand_in machine;
    const auto made = gpu_runner(machine, net, precision::fp16, {}, {1, 7, 7});
    const std::vector<std::uint8_t> black(49 * 3, 0);
    const picture_view square{black.data(), 7, 7}, line{black.data(), 1, 49};
    EXPECT_TRUE(made->run(std::span(&square, 1), 7, 7));
    const auto refused = made->run(std::span(&line, 1), 1, 49);
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, errc::bad_option);
    EXPECT_THAT(refused.error().detail, HasSubstr("more memory than was taken"));
}

TEST(gpu_runner, as_many_at_once_as_there_is_memory_for) {
    const auto net = two_outputs();
    const std::size_t most = cuda::headroom_bytes + (40u << 20);
    stand_in machine({.memory_bytes = most});
    const auto gpu = session_on(machine.calls());
    const auto made =
        cuda::make_cuda_runner(gpu, net, precision::fp16, {{128, 192, 192}}, {128, 192, 192});
    ASSERT_TRUE(made) << made.error().detail;
    EXPECT_EQ(machine.alive().graphs, 3u) << "passes of 1, 8 and 16, not of 32";
    const random_pictures given(9, 192, 192, 2);
    EXPECT_EQ((*made)->run(given.views, 192, 192).value()[1].values.size(), 9u * 5 * 96 * 96);
    stand_in tiny({.memory_bytes = cuda::headroom_bytes + (1u << 20)});
    const auto refused =
        cuda::make_cuda_runner(session_on(tiny.calls()), net, precision::fp16, {}, {128, 192, 192});
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, errc::bad_option);
    EXPECT_THAT(refused.error().detail, HasSubstr("worker.gpu_memory_mib"));
    EXPECT_EQ(tiny.alive(), stand_in::count{});
}

TEST(gpu_runner, a_weight_beyond_half_precision_is_refused) {
    stand_in machine;
    const auto made_of = [&](network net, precision numbers) {
        return cuda::make_cuda_runner(session_on(machine.calls()),
                                      std::make_shared<const network>(std::move(net)), numbers, {},
                                      {8, 9, 9});
    };
    network net = *two_outputs();
    net.layers[0].weights[0] = 1e6f;
    EXPECT_EQ(made_of(net, precision::fp16).error().code, errc::malformed);
    EXPECT_TRUE(made_of(net, precision::tf32)) << "float32 holds it";
    net = *two_outputs();
    net.layers[2].weights[0] = 1e6f;
    EXPECT_TRUE(made_of(net, precision::fp16)) << "our own kernels read float32";
}

TEST(gpu_runner, clones_share_the_memory_and_take_turns) {
    stand_in machine({.seed = 7});
    const auto net = two_outputs();
    const auto first = gpu_runner(machine, net, precision::fp16, {{1, 16, 16}}, {8, 16, 16});
    const auto before = machine.alive();
    const auto second = first->clone();
    EXPECT_EQ(machine.alive(), before);
    const random_pictures given(3, 16, 16, 4);
    const auto values = [&](runner& from) {
        const auto out = from.run(given.views, 16, 16).value()[0].values;
        return std::vector<float>(out.begin(), out.end());
    };
    const auto expected = values(*first);
    std::thread other([&] {
        for (int i = 0; i < 20; ++i) EXPECT_EQ(values(*second), expected);
    });
    for (int i = 0; i < 20; ++i) EXPECT_EQ(values(*first), expected);
    other.join();
}

// ---- the models ----

/// The layers of a file of the models' folder, bytes as they are.
std::shared_ptr<const network> onnx_of(const std::string& file, bool bgr) {
    input_format input;
    input.scale = {1, 1, 1};
    input.bgr = bgr;
    auto made = load_onnx(file, input);
    if (!made) throw std::runtime_error(made.error().detail);
    return std::make_shared<const network>(std::move(*made));
}

/// The part of a sample photo as pictures of that size.
std::vector<image> photo_pieces(std::uint32_t side, std::size_t count) {
    std::vector<image> pieces;
    const char* const names[] = {"obama2.jpg", "biden.jpg", "obama3.jpg"};
    for (std::size_t i = 0; i < count; ++i) {
        const image picture = as_wide_as(photo(names[i % 3]), side + 20);
        image piece(side, side);
        for (std::uint32_t row = 0; row < side; ++row) {
            std::copy_n(picture.row(row + 10) + i * 3, std::size_t{side} * 3, piece.row(row));
        }
        pieces.push_back(std::move(piece));
    }
    return pieces;
}

/// Every output of the network on photos, on both devices.
void expect_model(const std::shared_ptr<const network>& net, std::uint32_t side, std::size_t count,
                  double in_half) {
    const auto pieces = photo_pieces(side, count);
    std::vector<picture_view> views;
    for (const image& one : pieces) views.push_back({one.rgb.data(), long{side}, long{side}});
    const auto theirs = cpu_runners()(net, {}, {}).value();
    const auto expected = theirs->run(views, side, side);
    ASSERT_TRUE(expected);
    for (const auto& [numbers, allowed] :
         {std::pair{precision::tf32, 5e-5}, {precision::fp16, in_half}}) {
        stand_in machine;
        const auto ours = gpu_runner(machine, net, numbers, {}, {8, side, side});
        const auto out = ours->run(views, side, side);
        ASSERT_TRUE(out) << machine.refusal();
        expect_near(*out, *expected, allowed);
    }
}

model_paths found_models() {
    auto files = find_models(models_folder());
    if (!files) throw std::runtime_error(files.error().detail);
    return std::move(*files);
}

TEST(gpu_models, centerface_is_as_on_the_cpu) {
    expect_model(onnx_of(found_models().detectors.at("centerface"), false), 96, 1, 2e-2);
}

TEST(gpu_models, yunet_is_as_on_the_cpu) {
    const auto files = found_models();
    const auto file = files.detectors.find("yunet");
    if (file == files.detectors.end()) GTEST_SKIP() << "yunet_s_640_640.onnx is not there";
    expect_model(onnx_of(file->second, true), 96, 1, 2e-2);
}

/// In the first of the folders of $VULTUS_MODEL_SOURCES and the models' own; empty: nowhere.
std::string model_source(const std::string& name) {
    std::vector<std::string> folders{models_folder()};
    if (const char* more = std::getenv("VULTUS_MODEL_SOURCES")) folders.emplace_back(more);
    for (const std::string& folder : folders) {
        if (std::filesystem::exists(folder + "/" + name)) return folder + "/" + name;
    }
    return "";
}

TEST(gpu_models, the_openvino_embedder_is_as_on_the_cpu) {
    const std::string name = "face-reidentification-retail-0095";
    const std::string xml = model_source(name + ".xml"), bin = model_source(name + ".bin");
    if (xml.empty() || bin.empty()) GTEST_SKIP() << name << " is not there";
    input_format input;
    input.scale = {1, 1, 1};
    input.bgr = true;
    const auto net = load_openvino(xml, bin, input);
    ASSERT_TRUE(net) << net.error().detail;
    expect_model(std::make_shared<const network>(*net), 128, 1, 2e-2);
}

/// One to one, in the order of the CPU's.
void expect_faces(const std::vector<detected_face>& found,
                  const std::vector<detected_face>& expected) {
    ASSERT_EQ(found.size(), expected.size());
    for (std::size_t i = 0; i < found.size(); ++i) {
        EXPECT_GE(overlap(found[i].where, expected[i].where), 0.95);
        EXPECT_NEAR(found[i].score, expected[i].score, 0.01);
        ASSERT_TRUE(found[i].points && expected[i].points);
        for (std::size_t k = 0; k < 5; ++k) {
            EXPECT_NEAR((*found[i].points)[k].x, (*expected[i].points)[k].x, 3);
            EXPECT_NEAR((*found[i].points)[k].y, (*expected[i].points)[k].y, 3);
        }
    }
}

TEST(gpu_models, imported_detectors_find_the_same_faces) {
    const auto files = found_models();
    for (const network_detector_rules* rules : {&centerface_rules, &yunet_rules}) {
        SCOPED_TRACE(rules->name);
        const auto file = files.detectors.find(rules->name);
        if (file == files.detectors.end()) continue;
        stand_in machine;
        {
            const auto gpu = session_on(machine.calls());
            const runner_maker on_gpu = [&](auto net, const auto& warm, const auto& largest) {
                return cuda::make_cuda_runner(gpu, std::move(net), precision::fp16, warm, largest);
            };
            const auto ours = load_network_detector(file->second, *rules, on_gpu);
            ASSERT_TRUE(ours) << ours.error().detail << machine.refusal();
            const auto theirs = load_network_detector(file->second, *rules).value();
            std::size_t faces = 0;
            for (const std::string name : {"biden.jpg", "obama2.jpg", "obama_partial_face.jpg"}) {
                SCOPED_TRACE(name);
                const image picture = photo(name);
                const detector_options wanted{160, 2'000, turning::upright};
                const auto found = (*ours)->detect(picture, wanted).faces;
                expect_faces(found, theirs->detect(picture, wanted).faces);
                faces += found.size();
            }
            EXPECT_GE(faces, 3u) << "nothing was compared";
        }
        EXPECT_EQ(machine.alive(), stand_in::count{});
    }
}

// The largest square takes as much memory as any canvas that the search has (search.hpp).
TEST(gpu_models, no_canvas_of_the_detectors_needs_more_memory_than_the_largest) {
    const auto files = found_models();
    for (const auto& [name, file] : files.detectors) {
        SCOPED_TRACE(name);
        const auto net = onnx_of(file, false);
        cuda::addresses at;
        at.layers.resize(net->layers.size());
        const auto needed = [&](long rows, long columns) {
            return cuda::compose(*net, false, plain_input(1, rows, columns), at).value();
        };
        const auto largest = needed(tile_side, tile_side);
        std::size_t compared = 0;
        for (long rows = canvas_step; rows <= 32 * canvas_step; rows += canvas_step) {
            for (long columns = canvas_step; rows * columns <= long{tile_side} * tile_side;
                 columns += columns < 1'024 ? canvas_step : 1'024) {
                const auto one = needed(rows, columns);
                ASSERT_LE(one.arena_bytes, largest.arena_bytes) << rows << "x" << columns;
                ASSERT_LE(one.result_floats, largest.result_floats);
                ASSERT_LE(one.seen_bytes, largest.seen_bytes);
                ++compared;
            }
        }
        EXPECT_GT(compared, 500u);
    }
}

}  // namespace
}  // namespace vultus
