// Times the engine against dlib's own forward pass, one thread, in one process: each figure is the
// best of its rounds, and the rounds of both sides alternate. Prints one JSON object.
//   engine_time MODELS_FOLDER PHOTO fp32|bf16 [ROUNDS]
// ONEDNN_MAX_CPU_ISA in the environment lowers what oneDNN uses, and the FMA peak that is measured.
#include <immintrin.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <functional>
#include <iterator>
#include <string>

#include "workers/detector.hpp"
#include "workers/engine/dlib_layers.hpp"
#include "workers/engine/engine.hpp"
#include "workers/engine/onednn.hpp"
#include "workers/image_draw.hpp"
#include "workers/models.hpp"

namespace {

using namespace vultus;

double milliseconds_of(const std::function<void()>& call) {
    const auto begin = std::chrono::steady_clock::now();
    call();
    return std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - begin)
        .count();
}

/// The better of each over alternating rounds, after one that is not counted.
std::pair<double, double> best_of(int rounds, const std::function<void()>& a,
                                  const std::function<void()>& b) {
    a();
    b();
    std::pair<double, double> best{1e30, 1e30};
    for (int i = 0; i < rounds; ++i) {
        best.first = std::min(best.first, milliseconds_of(a));
        best.second = std::min(best.second, milliseconds_of(b));
    }
    return best;
}

// Twelve independent sums hide the latency of a fused multiply-add on any core so far.
constexpr int sums = 12;
constexpr long turns = 4'000'000;

double fma_256() {
    __m256 kept[sums];
    for (int i = 0; i < sums; ++i) kept[i] = _mm256_set1_ps(static_cast<float>(i));
    const __m256 factor = _mm256_set1_ps(0.999f), offset = _mm256_set1_ps(0.001f);
    const auto begin = std::chrono::steady_clock::now();
    for (long turn = 0; turn < turns; ++turn) {
#pragma GCC unroll 12
        for (int i = 0; i < sums; ++i) kept[i] = _mm256_fmadd_ps(kept[i], factor, offset);
    }
    const double ms =
        std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - begin).count();
    __m256 all = kept[0];
    for (int i = 1; i < sums; ++i) all = _mm256_add_ps(all, kept[i]);
    if (_mm256_cvtss_f32(all) == 12345.0f) std::puts("");
    return sums * turns * 16.0 / ms / 1e6;
}

__attribute__((target("avx512f"))) double fma_512() {
    __m512 kept[sums];
    for (int i = 0; i < sums; ++i) kept[i] = _mm512_set1_ps(static_cast<float>(i));
    const __m512 factor = _mm512_set1_ps(0.999f), offset = _mm512_set1_ps(0.001f);
    const auto begin = std::chrono::steady_clock::now();
    for (long turn = 0; turn < turns; ++turn) {
#pragma GCC unroll 12
        for (int i = 0; i < sums; ++i) kept[i] = _mm512_fmadd_ps(kept[i], factor, offset);
    }
    const double ms =
        std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - begin).count();
    __m512 all = kept[0];
    for (int i = 1; i < sums; ++i) all = _mm512_add_ps(all, kept[i]);
    if (_mm512_cvtss_f32(all) == 12345.0f) std::puts("");
    return sums * turns * 32.0 / ms / 1e6;
}

/// Floating point operations of the convolutions and the product, two a multiply-add.
double flop_of(const network& net, tensor_shape picture) {
    double flop = 0;
    const auto shapes = shapes_of(net, picture).value();
    for (std::size_t i = 0; i < net.layers.size(); ++i) {
        const auto places = static_cast<double>(shapes[i + 1].rows * shapes[i + 1].columns);
        flop += 2.0 * places * static_cast<double>(net.layers[i].weights.size());
    }
    return flop;
}

template <typename Result>
auto must(Result got) {
    if (!got) {
        std::fprintf(stderr, "engine_time: %s\n", got.error().detail.c_str());
        std::exit(1);
    }
    return std::move(*got);
}

image read_photo(const char* path) {
    std::ifstream file(path, std::ios::binary);
    return std::move(
        must(decode_image(std::string(std::istreambuf_iterator<char>(file), {}))).picture);
}

std::vector<chip> chips_of(const image& photo) {
    std::vector<chip> chips(8);
    for (std::uint32_t i = 0; i < 8; ++i) {  // places of the photo, faces or not
        for (std::uint32_t y = 0; y < limits::chip_side; ++y) {
            const auto* row = photo.row(y + i * 20) + (i * 40) * 3;
            chips[i].rgb.insert(chips[i].rgb.end(), row, row + limits::chip_side * 3);
        }
    }
    return chips;
}

double relative_difference(const std::vector<embedding>& a, const std::vector<embedding>& b) {
    double difference = 0, largest = 0;
    for (std::size_t i = 0; i < a.size(); ++i) {
        for (std::size_t j = 0; j < a[i].size(); ++j) {
            difference = std::max(difference, std::abs(static_cast<double>(a[i][j] - b[i][j])));
            largest = std::max(largest, std::abs(static_cast<double>(b[i][j])));
        }
    }
    return difference / largest;
}

}  // namespace

int main(int argc, char** argv) {
    if (argc < 4) {
        std::fputs("engine_time MODELS_FOLDER PHOTO fp32|bf16 [ROUNDS]\n", stderr);
        return 2;
    }
    use_one_blas_thread();
    const int rounds = argc > 4 ? std::atoi(argv[4]) : 10;
    const precision numbers = std::string(argv[3]) == "bf16" ? precision::bf16 : precision::fp32;
    const model_paths files = must(find_models(argv[1]));
    const image photo = resized(read_photo(argv[2]), 640, 480);
    const std::vector<chip> chips = chips_of(photo);
    const std::string isa = must(onednn_cpu());

    const auto ours = must(load_onednn_embedder(files.embedder, numbers));
    const auto theirs = must(load_reference_embedder(files.embedder));
    const double embed_difference = relative_difference(ours->embed(chips), theirs->embed(chips));
    const auto embed = best_of(
        rounds, [&] { ours->embed(chips); }, [&] { theirs->embed(chips); });
    double peak = 0;
    for (int i = 0; i < rounds; ++i) peak = std::max(peak, isa == "avx2" ? fma_256() : fma_512());
    const double flop = flop_of(must(load_embedding_layers(files.embedder)),
                                {3, limits::chip_side, limits::chip_side});
    std::printf(
        "{\"isa\": \"%s\", \"precision\": \"%s\", \"embed_b8_ms\": %.3f, \"embed_b8_dlib_ms\": "
        "%.3f, "
        "\"embed_b8_speedup_vs_dlib\": %.2f, \"embed_max_relative_difference\": %.2e, "
        "\"fma_gflop_per_s\": %.1f, \"embed_gflop_per_face\": %.4f, \"embed_b8_over_fma_limit\": "
        "%.3f",
        isa.c_str(), argv[3], embed.first / 8, embed.second / 8, embed.second / embed.first,
        embed_difference, peak, flop / 1e9, embed.first / 8 / (flop / peak / 1e6));
    std::puts("}");
}
