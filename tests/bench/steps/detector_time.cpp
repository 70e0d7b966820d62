// What each detector finds in given photos, and how long one thread looks: for bench_detectors.py.
//
//     detector_time MODELS MIN_FACE_PX ROUNDS PHOTO...
//
// A line of JSON for each photo and detector: the median of decoding (as far as the detector needs)
// and of detection, ms of processor time, the face size that was searched for, and the boxes.
#include <algorithm>
#include <cstdio>
#include <fstream>
#include <iterator>

#include "shared/config/settings.hpp"
#include "shared/model/image_header.hpp"
#include "tests/bench/must.hpp"
#include "tests/bench/stopwatch.hpp"
#include "workers/calibration/vision_models.hpp"
#include "workers/engine/engine.hpp"
#include "workers/image/image.hpp"

namespace {

using namespace vultus;

double median(std::vector<double> all) {
    const auto middle = all.begin() + static_cast<std::ptrdiff_t>(all.size() / 2);
    std::nth_element(all.begin(), middle, all.end());
    return *middle;
}

void look(const std::string& path, detector& finder, int min_face_px, int rounds) {
    std::ifstream file(path, std::ios::binary);
    const std::string bytes{std::istreambuf_iterator<char>(file), {}};
    const image_header header = must(inspect_image(bytes));
    const detector_options wanted{min_face_px, 2'000, turning::upright};
    const picture_size size = finder.scale_for({header.width, header.height}, wanted).seen;
    std::vector<double> decoding, detecting;
    detected_faces found;
    for (int round = 0; round < rounds; ++round) {
        decoded_image photo;
        decoding.push_back(thread_milliseconds_of([&] {
            photo = must(decode_reduced(bytes, header, std::max(size.width, size.height)));
        }));
        detecting.push_back(thread_milliseconds_of([&] {
            found = finder.detect(photo.picture, {photo.width, photo.height}, wanted);
        }));
    }
    std::printf(
        R"({"photo":"%s","detector":"%s","decode_ms":%.1f,"detect_ms":%.1f,"searched_px":%d,)"
        R"("boxes":[)",
        path.c_str(), std::string(finder.name()).c_str(), median(decoding), median(detecting),
        found.min_face_px);
    for (std::size_t i = 0; i < found.faces.size(); ++i) {
        const box& where = found.faces[i].where;
        std::printf("%s[%d,%d,%d,%d]", i == 0 ? "" : ",", where.left, where.top, where.right,
                    where.bottom);
    }
    std::printf("]}\n");
    std::fflush(stdout);
}

}  // namespace

int main(int argc, char** argv) {
    if (argc < 5) {
        std::fprintf(stderr, "detector_time MODELS MIN_FACE_PX ROUNDS PHOTO...\n");
        return 2;
    }
    use_one_blas_thread();
    worker_settings settings;
    settings.models = argv[1];
    const vision_models models = must(load_vision_models(settings));
    for (int i = 4; i < argc; ++i) {
        for (const std::string& name : models.detectors.names()) {
            detector& finder = *must(models.detectors.named(name));
            // dlib's convolutions take minutes for a large photo; once is enough.
            look(argv[i], finder, std::atoi(argv[2]), name == "cnn" ? 1 : std::atoi(argv[3]));
        }
    }
}
