// Times of both networks on a GPU, as one line of JSON; for tests/bench/bench_gpu.py. Pictures and
// chips are random, as a GPU needs less power for equal numbers and then clocks higher. Of many
// rounds the median; the first three apart, which load code, make a graph and run it. And what the
// GPU does for several replicas at once, of which one copies its pictures while it computes for
// another.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <memory>
#include <random>
#include <thread>
#include <vector>

#include "workers/engine/cuda/backend.hpp"
#include "workers/engine/cuda/buckets.hpp"
#include "workers/engine/cuda/loader.hpp"
#include "workers/engine/models.hpp"

namespace {

using namespace vultus;

constexpr int rounds = 200, lanes = 3, no_gpu = 2;

struct times {
    double first = 0, second = 0, third = 0;  ///< milliseconds
    double median = 0, slow = 0;              ///< of all others; nine of ten are faster
};

/// call: for the round with that number
template <typename Call>
times measured(Call&& call) {
    std::vector<double> all;
    for (int i = 0; i < rounds; ++i) {
        const auto begin = std::chrono::steady_clock::now();
        call(static_cast<std::size_t>(i));
        const std::chrono::duration<double, std::milli> took =
            std::chrono::steady_clock::now() - begin;
        all.push_back(took.count());
    }
    times made{all[0], all[1], all[2]};
    std::sort(all.begin() + 3, all.end());
    made.median = all[3 + (all.size() - 3) / 2];
    made.slow = all[3 + (all.size() - 3) * 9 / 10];
    return made;
}

void fill(std::vector<std::uint8_t>& bytes, std::mt19937& random) {
    for (std::uint8_t& one : bytes) one = static_cast<std::uint8_t>(random());
}

std::vector<chip> random_chips(std::size_t count, std::mt19937& random) {
    std::vector<chip> all(count);
    for (chip& one : all) {
        one.rgb.resize(chip::bytes);
        fill(one.rgb, random);
    }
    return all;
}

std::vector<image> random_pictures(std::size_t count, std::mt19937& random) {
    std::vector<image> all;
    for (std::size_t i = 0; i < count; ++i) {
        image one(640, 480);
        fill(one.rgb, random);
        all.push_back(std::move(one));
    }
    return all;
}

void print(const times& t) {
    std::printf(
        "\"ms\": %.4f, \"slow_ms\": %.4f, \"first_ms\": %.3f, \"second_ms\": %.3f, "
        "\"third_ms\": %.3f",
        t.median, t.slow, t.first, t.second, t.third);
}

/// Calls a second with so many replicas, each with its own call.
template <typename MakeCall>
double rate_of_lanes(MakeCall&& make_call) {
    std::vector<std::thread> all;
    const auto begin = std::chrono::steady_clock::now();
    for (int lane = 0; lane < lanes; ++lane) {
        all.emplace_back([call = make_call()] {
            for (int i = 0; i < rounds; ++i) call(static_cast<std::size_t>(i));
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

    std::mt19937 random(1);
    std::printf("{\"card\": \"%s\", \"embedding\": [", (*gpu)->info().name);
    for (const long count : cuda::bucket_sizes) {
        const auto chips = random_chips(static_cast<std::size_t>(count), random);
        const times t = measured([&](std::size_t) { (*network)->embed(chips); });
        std::printf("%s{\"chips\": %ld, \"chips_per_second\": %.0f, ", count == 1 ? "" : ", ",
                    count, static_cast<double>(count) / t.median * 1e3);
        print(t);
        std::printf("}");
    }
    const auto full = random_chips(128, random);
    const double passes = rate_of_lanes([&] {
        return [&full, mine = std::shared_ptr((*network)->clone())](std::size_t) {
            mine->embed(full);
        };
    });
    const auto pictures = random_pictures(8, random);
    const times t = measured([&](std::size_t round) {
        (*finder)->detect(pictures[round % pictures.size()], {80, 640});
    });
    const double rate = rate_of_lanes([&] {
        return [&pictures, mine = std::shared_ptr((*finder)->clone())](std::size_t round) {
            mine->detect(pictures[round % pictures.size()], {80, 640});
        };
    });
    std::printf(
        "], \"lanes\": %d, \"lanes_chips_per_second\": %.0f, \"detector_vga_ms\": %.4f, "
        "\"detector\": {",
        lanes, passes * 128, t.median);
    print(t);
    std::printf("}, \"lanes_vga_per_second\": %.0f}\n", rate);
    return 0;
}
