// cuDNN's plans for every convolution of every network, on each architecture, without any GPU:
// cuDNN makes them from a device's properties alone, with the checks that it makes on the device.
#include <dlfcn.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>
#include <map>
#include <set>

#include "tests/gpu/gpu_properties.hpp"
#include "tests/workers/engine/cuda/gpu_support.hpp"
#include "tests/workers/engine/cuda/stand_in_work_support.hpp"
#include "tests/workers/engine/imported_networks_support.hpp"
#include "tests/workers/engine/networks_support.hpp"
#include "tests/workers/image/photo_support.hpp"
#include "workers/engine/cuda/buckets.hpp"
#include "workers/engine/cuda/plans.hpp"
#include "workers/engine/cuda/program.hpp"
#include "workers/engine/dlib_layers.hpp"
#include "workers/engine/importers/importers.hpp"
#include "workers/engine/models.hpp"

namespace vultus {
namespace {

using namespace testing;

using plans_function = int(const cuda::convolution*, const char* properties, int wanted,
                           cuda::plan_info*);

plans_function* plans_of_library() {
    void* library = dlopen(VULTUS_CUDA_LIBRARY, RTLD_NOW | RTLD_LOCAL);
    EXPECT_NE(library, nullptr) << dlerror();
    return library == nullptr
               ? nullptr
               : reinterpret_cast<plans_function*>(dlsym(library, "vultus_cuda_plans"));
}

struct by_bytes {
    bool operator()(const cuda::convolution& a, const cuda::convolution& b) const {
        return std::memcmp(&a, &b, sizeof a) < 0;
    }
};
using shapes = std::set<cuda::convolution, by_bytes>;

/// The convolutions of the network that cuDNN computes for that input, each once.
void add_shapes(const network& net, const cuda::input_size& size, shapes& all) {
    cuda::addresses at;
    at.layers.resize(net.layers.size());
    at.arena = std::uintptr_t{1} << 40;
    for (const bool wide : {false, true}) {
        const auto work = cuda::compose(net, wide, size, at);
        ASSERT_TRUE(work);
        for (const cuda::launch& one : work->all) {
            const auto* conv = std::get_if<cuda::convolve>(&one);
            if (conv == nullptr) continue;
            EXPECT_EQ(looked_at(conv->what, conv->where, 0).wrong, "");
            all.insert(conv->what);
        }
    }
}

std::string text_of(const cuda::convolution& c) {
    return std::to_string(c.batch) + "x" + std::to_string(c.rows) + "x" +
           std::to_string(c.columns) + "x" + std::to_string(c.inputs) + " to " +
           std::to_string(c.outputs) + ", window " + std::to_string(c.window_rows) + "x" +
           std::to_string(c.window_columns) + (c.wide ? ", tf32" : ", fp16");
}

/// Of each shape on each GPU: some way; and, on two of them, as it takes its time, one that needs
/// no workspace, as there may be no memory left.
void expect_plans(const std::string& name, const shapes& all) {
    ASSERT_GT(all.size(), 10u);
    plans_function* const plans = plans_of_library();
    ASSERT_NE(plans, nullptr);
    constexpr int most = 64;
    std::vector<cuda::plan_info> found(most);
    for (const gpu_properties& gpu : known_gpus) {
        const std::string json = as_json(gpu);
        std::map<std::string, int> engines;
        std::size_t favourite = 0;
        const bool every_way = gpu.compute == 75 || gpu.compute == 90;
        for (const cuda::convolution& what : all) {
            const int count = plans(&what, json.c_str(), every_way ? most : 1, found.data());
            ASSERT_GT(count, 0) << gpu.name << ": " << text_of(what);
            const auto end = found.begin() + count;
            EXPECT_TRUE(std::any_of(found.begin(), end,
                                    [](const auto& one) { return one.workspace_bytes == 0; }))
                << gpu.name << ": " << text_of(what);
            const std::string engine = found[0].engine;
            ++engines[engine.substr(0, engine.find(' ')) + (what.wide ? " tf32" : " fp16")];
            favourite = std::max(favourite, found[0].workspace_bytes);
        }
        std::printf("%-12s %-24s %4zu shapes, favourite ways: workspace up to %.1f MiB, engines",
                    name.c_str(), gpu.name, all.size(), static_cast<double>(favourite) / (1 << 20));
        for (const auto& [engine, times] : engines) std::printf(" %s x %d", engine.c_str(), times);
        std::printf("\n");
    }
}

TEST(gpu_plans, dlibs_networks_on_every_architecture) {
    const auto face =
        load_embedding_layers(models_folder() + "/" + std::string(models_wanted[2].name));
    const auto finder =
        load_detector_layers(models_folder() + "/" + std::string(models_wanted[0].name));
    ASSERT_TRUE(face && finder);
    shapes of_face, of_finder;
    for (const long bucket : cuda::bucket_sizes) {
        add_shapes(*face, plain_input(bucket, 150, 150), of_face);
    }
    const network split = split_columns(finder->net);
    for (const auto& [rows, columns] :
         {std::pair{40L, 40L}, {480L, 640L}, {1080L, 1920L}, {2000L, 2000L}, {43L, 2000L}}) {
        add_shapes(split, {1, pyramid_of(rows, columns, finder->padding, finder->outer_padding)},
                   of_finder);
    }
    expect_plans("embedding", of_face);
    expect_plans("cnn", of_finder);
}

TEST(gpu_plans, imported_networks_on_every_architecture) {
    const auto files = find_models(models_folder());
    ASSERT_TRUE(files) << files.error().detail;
    for (const auto& [name, file] : files->detectors) {
        const auto net = load_onnx(file, {});
        ASSERT_TRUE(net) << net.error().detail;
        shapes all;
        for (const auto& [rows, columns] : {std::pair{768L, 768L}, {32L, 18'432L}, {160L, 96L}}) {
            add_shapes(*net, plain_input(1, rows, columns), all);
        }
        expect_plans(name, all);
    }
    if (files->omz_0095[0].empty()) return;
    const auto net = load_openvino(files->omz_0095[0], files->omz_0095[1], {});
    ASSERT_TRUE(net) << net.error().detail;
    shapes all;
    for (const long bucket : cuda::bucket_sizes) {
        add_shapes(*net, plain_input(bucket, 128, 128), all);
    }
    expect_plans("omz_0095", all);
}

TEST(gpu_plans, odd_windows_and_sums) {
    shapes all;
    for (const pictures& given : pictures_to_run()) {
        add_shapes(every_kind_on_colours(), given.seen, all);
    }
    add_shapes(mobile(), plain_input(8, 24, 24), all);
    add_shapes(activated_sums(), plain_input(3, 9, 7), all);
    expect_plans("tests", all);
}

TEST(gpu_plans, cudnn_refuses_what_the_stand_in_refuses) {
    plans_function* const plans = plans_of_library();
    ASSERT_NE(plans, nullptr);
    shapes all;
    add_shapes(every_kind_on_colours(), pictures_to_run()[0].seen, all);
    cuda::plan_info found[1];
    for (cuda::convolution what : all) {
        what.out_columns += 1;
        EXPECT_NE(looked_at(what, {}, 0).wrong, "");
        EXPECT_LT(plans(&what, as_json(known_gpus[4]).c_str(), 1, found), 0) << text_of(what);
    }
}

}  // namespace
}  // namespace vultus
