// Times of both networks on a GPU, as one line of JSON; for tests/bench/bench_gpu.py. The best of
// many rounds: what the GPU can do, without what else the machine does. And what it does for
// several replicas at once, of which one copies its pictures while the GPU computes for another.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <memory>
#include <thread>
#include <vector>

#include "workers/engine/cuda/backend.hpp"
#include "workers/engine/cuda/loader.hpp"
#include "workers/engine/models.hpp"

namespace {

using namespace vultus;

constexpr int rounds = 200, lanes = 3, no_gpu = 2;

template <typename Call>
double best_ms(Call&& call) {
    double best = 1e30;
    for (int i = 0; i < rounds; ++i) {
        const auto begin = std::chrono::steady_clock::now();
        call();
        const std::chrono::duration<double, std::milli> took =
            std::chrono::steady_clock::now() - begin;
        best = std::min(best, took.count());
    }
    return best;
}

/// Calls a second with so many replicas, each with its own call.
template <typename MakeCall>
double rate_of_lanes(MakeCall&& make_call) {
    std::vector<std::thread> all;
    const auto begin = std::chrono::steady_clock::now();
    for (int lane = 0; lane < lanes; ++lane) {
        all.emplace_back([call = make_call()] {
            for (int i = 0; i < rounds; ++i) call();
        });
    }
    for (std::thread& one : all) one.join();
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begin;
    return lanes * rounds / took.count();
}

int complain(const error& why, int code = 1) {
    std::fprintf(stderr, "%s\n", why.detail.c_str());
    return code;
}

}  // namespace

int main() {
    const auto calls = cuda::load_table(VULTUS_CUDA_LIBRARY);
    if (!calls) return complain(calls.error(), no_gpu);
    const auto gpu = cuda::gpu_context::open(**calls, 0, 0);
    if (!gpu) return complain(gpu.error(), no_gpu);
    const auto files = find_models(std::string(VULTUS_SOURCE_DIR) + "/build/models");
    if (!files) return complain(files.error());
    const auto finder = cuda::load_detector(*gpu, files->detector, {});
    const auto network = cuda::load_embedder(*gpu, files->embedder, {});
    if (!finder) return complain(finder.error());
    if (!network) return complain(network.error());

    std::printf("{\"card\": \"%s\", \"embedding\": [", (*gpu)->info().name);
    chip face;
    face.rgb.assign(chip::bytes, 120);
    for (const std::size_t count : {1u, 8u, 32u, 128u}) {
        const std::vector<chip> chips(count, face);
        const double ms = best_ms([&] { (*network)->embed(chips); });
        std::printf("%s{\"chips\": %zu, \"ms\": %.4f, \"chips_per_second\": %.0f}",
                    count == 1 ? "" : ", ", count, ms, static_cast<double>(count) / ms * 1e3);
    }
    const std::vector<chip> full(128, face);
    const double passes = rate_of_lanes([&] {
        return [&full, mine = std::shared_ptr((*network)->clone())] { mine->embed(full); };
    });
    const image picture(640, 480);
    const double ms = best_ms([&] { (*finder)->detect(picture, {80, 640}); });
    const double pictures = rate_of_lanes([&] {
        return [&picture, mine = std::shared_ptr((*finder)->clone())] {
            mine->detect(picture, {80, 640});
        };
    });
    std::printf(
        "], \"lanes\": %d, \"lanes_chips_per_second\": %.0f, \"detector_vga_ms\": %.4f, "
        "\"lanes_vga_per_second\": %.0f}\n",
        lanes, passes * 128, ms, pictures);
    return 0;
}
