// Times the engine against dlib's own forward pass, one thread, in one process: each figure is the
// best of its rounds, and the rounds of both sides alternate. Prints one JSON object.
//   engine_time MODELS_FOLDER PHOTO fp32|bf16 [ROUNDS]
// ONEDNN_MAX_CPU_ISA in the environment lowers what oneDNN uses, and the FMA peak that is measured.
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <functional>
#include <iterator>
#include <string>

#include "tests/bench/flop.hpp"
#include "tests/bench/must.hpp"
#include "tests/bench/stopwatch.hpp"
#include "workers/engine/detector.hpp"
#include "workers/engine/dlib_layers.hpp"
#include "workers/engine/engine.hpp"
#include "workers/engine/models.hpp"
#include "workers/engine/onednn/onednn.hpp"
#include "workers/geometry/resize.hpp"

namespace {

using namespace vultus;

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

// Twelve independent sums hide the latency of a fused multiply-add on any core so far. In
// assembler, so that nothing but them is in the loop.
constexpr long turns = 4'000'000;
constexpr double sums = 12;

#define TWELVE(of) of(0) of(1) of(2) of(3) of(4) of(5) of(6) of(7) of(8) of(9) of(10) of(11)
#define FMA_256(n) "vfmadd231ps %%ymm14, %%ymm15, %%ymm" #n "\n"
#define FMA_512(n) "vfmadd231ps %%zmm14, %%zmm15, %%zmm" #n "\n"
#define LOOP_OVER(what) "vzeroall\n1:\n" TWELVE(what) "dec %0\njnz 1b\nvzeroall\n"
#define USED                                                                                 \
    "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7", "xmm8", "xmm9", "xmm10", \
        "xmm11", "xmm12", "xmm13", "xmm14", "xmm15", "cc"

/// Giga floating point operations a second that this core can do at most.
double fma_rate(bool wide) {
    long left = turns;
    const double ms = milliseconds_of([&] {
        if (wide) {
            asm volatile(LOOP_OVER(FMA_512) : "+r"(left) : : USED);
        } else {
            asm volatile(LOOP_OVER(FMA_256) : "+r"(left) : : USED);
        }
    });
    return sums * turns * (wide ? 32.0 : 16.0) / ms / 1e6;
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

/// One member of the JSON object.
void tell(const char* key, double value) {
    std::printf("\"%s\": %.6g, ", key, value);
}

void time_embedding(const model_paths& files, const image& photo, precision numbers, int rounds) {
    const std::vector<chip> chips = chips_of(photo);
    const auto ours = must(load_onednn_embedder(files.embedder, numbers));
    const auto theirs = must(load_reference_embedder(files.embedder));
    tell("embed_max_relative_difference",
         relative_difference(ours->embed(chips), theirs->embed(chips)));
    const auto [ms, dlib_ms] = best_of(
        rounds, [&] { ours->embed(chips); }, [&] { theirs->embed(chips); });
    double peak = 0;
    for (int i = 0; i < rounds; ++i) {
        peak = std::max(peak, fma_rate(must(onednn_cpu()) != "avx2"));
    }
    const double gflop = flop_of(must(load_embedding_layers(files.embedder)),
                                 {3, limits::chip_side, limits::chip_side}) /
                         1e9;
    tell("embed_b8_ms", ms / 8);
    tell("embed_b8_dlib_ms", dlib_ms / 8);
    tell("embed_b8_speedup_vs_dlib", dlib_ms / ms);
    tell("embed_gflop", gflop);
    tell("fma_gflop_per_s", peak);
    tell("embed_b8_over_fma_limit", ms / 8 / (gflop / peak * 1e3));
}

void time_detection(const model_paths& files, const image& photo, precision numbers, int rounds) {
    const detector_options as_it_is{80, 2'000};
    const auto ours = must(load_onednn_detector(files.detector, numbers));
    const auto theirs = must(load_cnn_detector(files.detector));
    const auto found = ours->detect(photo, as_it_is).faces;
    const auto expected = theirs->detect(photo, as_it_is).faces;
    double gap = found.size() == expected.size() ? 0 : 1e9, pixels = gap;
    for (std::size_t i = 0; i < std::min(found.size(), expected.size()); ++i) {
        const box &a = found[i].where, &b = expected[i].where;
        gap = std::max(gap, std::abs(found[i].score - expected[i].score));
        for (const auto edge :
             {a.left - b.left, a.top - b.top, a.right - b.right, a.bottom - b.bottom}) {
            pixels = std::max(pixels, std::abs(static_cast<double>(edge)));
        }
    }
    const auto [ms, dlib_ms] = best_of(
        rounds, [&] { ours->detect(photo, as_it_is); }, [&] { theirs->detect(photo, as_it_is); });
    tell("detect_faces", static_cast<double>(expected.size()));
    tell("detect_max_score_difference", gap);
    tell("detect_max_box_difference_px", pixels);
    tell("detect_cnn_vga_ms", ms);
    tell("detect_cnn_vga_dlib_ms", dlib_ms);
    tell("detect_cnn_vga_speedup_vs_dlib", dlib_ms / ms);
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
    std::fputs("{", stdout);
    time_embedding(files, photo, numbers, rounds);
    time_detection(files, photo, numbers, rounds);
    std::printf("\"isa\": \"%s\", \"rounds\": %d}\n", must(onednn_cpu()).c_str(), rounds);
}
