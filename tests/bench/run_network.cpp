// Runs a model file on pixels, for the oracle test and the benches: what our engine makes of it, or
// how long it takes.
//   run_network MODEL.onnx|MODEL.xml PIXELS ROWS COLUMNS BATCH fp32|bf16 rgb|bgr [ROUNDS]
// PIXELS: BATCH pictures of ROWS x COLUMNS x 3 bytes. The input is byte * 1; each output goes to
// standard output as a line `name channels rows columns` and its float32, little-endian, picture by
// picture. With ROUNDS it prints the best time instead, milliseconds of this thread's processor
// time.
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <string>

#include "tests/bench/must.hpp"
#include "tests/bench/stopwatch.hpp"
#include "workers/engine/importers/file_bytes.hpp"
#include "workers/engine/importers/importers.hpp"
#include "workers/engine/runner.hpp"

namespace {

using namespace vultus;

network read_model(const std::string& file, bool bgr) {
    input_format as_it_is;
    as_it_is.scale = {1, 1, 1};
    as_it_is.bgr = bgr;
    if (!file.ends_with(".xml")) return must(load_onnx(file, as_it_is));
    return must(load_openvino(file, file.substr(0, file.size() - 3) + "bin", as_it_is));
}

}  // namespace

int main(int argc, char** argv) {
    if (argc < 8) {
        std::fputs("run_network MODEL PIXELS ROWS COLUMNS BATCH fp32|bf16 rgb|bgr [ROUNDS]\n",
                   stderr);
        return 2;
    }
    const auto list =
        std::make_shared<const network>(read_model(argv[1], std::string(argv[7]) == "bgr"));
    const std::string pixels = must(importers::file_bytes(argv[2]));
    const long rows = std::atol(argv[3]), columns = std::atol(argv[4]), batch = std::atol(argv[5]);
    const precision numbers = std::string(argv[6]) == "bf16" ? precision::bf16 : precision::fp32;
    std::vector<picture_view> pictures;
    for (long i = 0; i < batch; ++i) {
        pictures.push_back(
            {reinterpret_cast<const std::uint8_t*>(pixels.data()) + i * rows * columns * 3, rows,
             columns});
    }
    if (pixels.size() != static_cast<std::size_t>(batch * rows * columns * 3)) {
        std::fputs("PIXELS has another size\n", stderr);
        return 2;
    }
    const auto engine = must(make_onednn_runner(list, numbers, {{batch, rows, columns}}));
    const auto outputs = must(engine->run(pictures, rows, columns));
    if (argc > 8) {
        double best = 1e30;
        for (int i = 0; i < std::atoi(argv[8]); ++i) {
            best = std::min(
                best, thread_milliseconds_of([&] { must(engine->run(pictures, rows, columns)); }));
        }
        std::printf("%.4f\n", best);
        return 0;
    }
    for (const output_tensor& one : outputs) {
        std::printf("%s %ld %ld %ld\n", one.name.c_str(), one.shape.channels, one.shape.rows,
                    one.shape.columns);
        std::fwrite(one.values.data(), sizeof(float), one.values.size(), stdout);
    }
}
