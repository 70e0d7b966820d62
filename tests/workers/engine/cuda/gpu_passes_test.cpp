// What one pass of each network asks of a GPU: launches, bytes that its kernels read and write, and
// arithmetic; and the time that follows for the GPUs of docs/gpu.md. Calculated, not measured.
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <map>
#include <string>

#include "tests/workers/engine/cuda/gpu_support.hpp"
#include "tests/workers/engine/cuda/stand_in_work_support.hpp"
#include "tests/workers/image/photo_support.hpp"
#include "workers/engine/cuda/buckets.hpp"
#include "workers/engine/cuda/program.hpp"
#include "workers/engine/dlib_layers.hpp"
#include "workers/engine/faces/network_embedder.hpp"
#include "workers/engine/importers/importers.hpp"
#include "workers/engine/models.hpp"

namespace vultus {
namespace {

using namespace testing;

const char* name_of(cuda::kernel what) {
    constexpr std::array names{"picture",     "shrink",     "pool",       "average_rows",
                               "average_all", "add",        "activate",   "grouped",
                               "depthwise",   "transposed", "affine",     "multiply",
                               "upsample",    "linear",     "column_sum", "planes"};
    static_assert(names.size() == static_cast<std::size_t>(cuda::kernel::planes) + 1);
    return names[static_cast<std::size_t>(what)];
}

/// A launch's demand.
struct demand {
    std::string kind = "cuDNN";
    double bytes = 0, operations = 0;
    bool inherent = false;  ///< its result is a layer's, not one that could be made with another
};

std::vector<demand> demands_of(const network& net, const cuda::input_size& size) {
    cuda::addresses at;
    at.layers.resize(net.layers.size());
    at.arena = std::uintptr_t{1} << 40;
    std::vector<demand> all;
    const cuda::launches work = cuda::compose(net, false, size, at).value();
    for (const cuda::launch& one : work.all) {
        demand next;
        const auto* conv = std::get_if<cuda::convolve>(&one);
        const piece_of_work looked = conv != nullptr ? looked_at(conv->what, conv->where, 0)
                                                     : looked_at(std::get<cuda::kernel_call>(one));
        for (const memory_range& range : looked.touches) {
            next.bytes += static_cast<double>(range.bytes);
        }
        if (conv != nullptr) {
            const cuda::convolution& c = conv->what;
            next.inherent = true;
            next.operations = 2.0 * c.batch * c.out_rows * c.out_columns * c.outputs * c.inputs *
                              c.window_rows * c.window_columns;
        } else {
            const cuda::kernel_call& k = std::get<cuda::kernel_call>(one);
            next.kind = name_of(k.what);
            next.inherent = k.what != cuda::kernel::add && k.what != cuda::kernel::activate &&
                            k.what != cuda::kernel::affine && k.what != cuda::kernel::planes;
        }
        all.push_back(next);
    }
    return all;
}

struct sums {
    std::size_t launches = 0;
    std::map<std::string, std::size_t> kinds;
    double bytes = 0, least = 0, operations = 0;
};

sums sum_of(const std::vector<demand>& all) {
    sums made;
    for (const demand& one : all) {
        ++made.launches;
        ++made.kinds[one.kind];
        made.bytes += one.bytes;
        made.least += one.inherent ? one.bytes : 0;
        made.operations += one.operations;
    }
    return made;
}

struct gpu_rates {
    const char* name;
    double tera;  ///< half precision operations a second with float32 sums, without sparsity
    double giga;  ///< bytes of memory a second
    double up;    ///< GB a second to the GPU
};
// source: NVIDIA's data sheets; up: four fifths of PCIe 3, 4 or 5
constexpr std::array<gpu_rates, 8> rates{{{"T4", 65, 320, 12},
                                          {"L4", 121, 300, 12},
                                          {"A10", 125, 600, 25},
                                          {"RTX 4090", 165, 1'008, 25},
                                          {"A100 40 GB", 312, 1'555, 25},
                                          {"H100 SXM", 989, 3'350, 50},
                                          {"H200", 989, 4'800, 50},
                                          {"B200", 2'250, 8'000, 50}}};

// Shares of those that kernels of these sizes may reach, and what a small launch of a graph takes.
// Guesses, until somebody measures.
constexpr double share_of_peak = 0.25, share_of_memory = 0.6, launch_s = 5e-6;

/// Of a pass, and of the pictures' way to the GPU before it.
double seconds_of(const std::vector<demand>& all, double picture_bytes, const gpu_rates& gpu) {
    double time = picture_bytes / (gpu.up * 1e9);
    for (const demand& one : all) {
        time += std::max({launch_s, one.operations / (gpu.tera * 1e12 * share_of_peak),
                          one.bytes / (gpu.giga * 1e9 * share_of_memory)});
    }
    return time;
}

void print(const char* name, const std::vector<demand>& all) {
    const sums pass = sum_of(all);
    std::printf("%-20s %4zu launches, %9.2f MB, %.2f x the least, %8.3f GFLOP:", name,
                pass.launches, pass.bytes / 1e6, pass.bytes / pass.least, pass.operations / 1e9);
    for (const auto& [kind, times] : pass.kinds) std::printf(" %s %zu", kind.c_str(), times);
    std::printf("\n");
}

void print_rates(const char* name, double count, double picture_bytes,
                 const std::vector<demand>& all) {
    std::printf("%-20s", name);
    for (const gpu_rates& gpu : rates) {
        const double time = seconds_of(all, count * picture_bytes, gpu);
        std::printf("  %s %.0f/s, %.2f ms", gpu.name, count / time, time * 1e3);
    }
    std::printf("\n");
}

TEST(gpu_passes, launches_bytes_and_what_they_take) {
    const auto files = find_models(models_folder());
    ASSERT_TRUE(files) << files.error().detail;
    const auto face = load_embedding_layers(files->embedder);
    const auto finder = load_detector_layers(files->detector);
    ASSERT_TRUE(face && finder);
    const auto one = demands_of(*face, plain_input(1, 150, 150));
    const auto many = demands_of(*face, plain_input(128, 150, 150));
    print("embedding, 1", one);
    print("embedding, 128", many);
    EXPECT_LE(sum_of(many).bytes, 1.3 * sum_of(many).least);
    const auto vga = demands_of(split_columns(finder->net),
                                {1, pyramid_of(480, 640, finder->padding, finder->outer_padding)});
    print("cnn, 640x480", vga);
    for (const auto& [name, file] : files->detectors) {
        const auto net = load_onnx(file, {});
        ASSERT_TRUE(net) << net.error().detail;
        const auto canvas = demands_of(*net, plain_input(1, 480, 640));
        print((name + ", 640x480").c_str(), canvas);
        print_rates(name.c_str(), 1, 480 * 640 * 3, canvas);
    }
    if (!files->omz_0095[0].empty()) {
        const auto net = load_openvino(files->omz_0095[0], files->omz_0095[1], omz_0095_input());
        ASSERT_TRUE(net) << net.error().detail;
        const auto faces = demands_of(*net, plain_input(128, 128, 128));
        print("omz_0095, 128", faces);
        print_rates("omz_0095, 128", 128, 128 * 128 * 3, faces);
    }
    print_rates("embedding, 1", 1, 150 * 150 * 3, one);
    print_rates("embedding, 128", 128, 150 * 150 * 3, many);
    print_rates("cnn, 640x480", 1, 480 * 640 * 3, vga);
}

}  // namespace
}  // namespace vultus
