// What a worker's own steps spend on a photo before and behind the networks, so that bench_gpu.py
// can say what keeps a GPU waiting. CPU time of one thread, the median of the rounds, the
// mean of the photos; all threads run at once. Prints one JSON object, milliseconds.
//   feed_time MODELS_FOLDER THREADS ROUNDS PHOTO...
// Photos are looked at as a job without options asks for. decode, resize, copy (of the picture to
// where a GPU reads it) and hog count once a photo; landmarks, chip, hand_in (its mirror image,
// and both copied for the GPU) and match once a face.
#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <functional>
#include <iterator>
#include <memory>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "shared/model/image_header.hpp"
#include "shared/model/job.hpp"
#include "tests/bench/flop.hpp"
#include "tests/bench/must.hpp"
#include "tests/bench/stopwatch.hpp"
#include "workers/engine/detector.hpp"
#include "workers/engine/dlib_layers.hpp"
#include "workers/engine/embedding_kind.hpp"
#include "workers/engine/models.hpp"
#include "workers/engine/pyramid.hpp"
#include "workers/gallery/matcher.hpp"
#include "workers/geometry/resize.hpp"
#include "workers/vision/aligner.hpp"

namespace {

using namespace vultus;

enum part {
    decode,
    resize,
    copy,
    hog,
    landmarks_of_face,
    chip_of_face,
    hand_in,
    match_of_face,
    steps
};
constexpr std::array<const char*, steps> names{"decode",    "resize", "copy",    "hog",
                                               "landmarks", "chip",   "hand_in", "match"};
constexpr int gallery_faces = 10'000;

const detector_options wanted{job_options{}.min_face_px, 2'000};

struct times {
    std::array<double, steps> ms{};  ///< a photo, or a face
    std::size_t faces = 0;
};

double median(std::vector<double> all) {
    std::nth_element(all.begin(), all.begin() + static_cast<std::ptrdiff_t>(all.size() / 2),
                     all.end());
    return all[all.size() / 2];
}

std::shared_ptr<const gallery> somebody() {
    std::mt19937 random(1);
    std::normal_distribution<float> value;
    gallery_builder people;
    for (int i = 0; i < gallery_faces; ++i) {
        embedding one(128);
        for (float& number : one) number = value(random) / 11.3f;  // of length 1
        people.add(std::to_string(i), std::to_string(i), one);
    }
    return people.publish();
}

/// One photo, as vision_stage looks at it.
times look(const std::string& bytes, detector& finder, const aligner& straightener,
           const gallery& people, int rounds) {
    const image_header header = must(inspect_image(bytes));
    const picture_size size = detection_size(header.width, header.height, wanted);
    const std::uint32_t side = std::max(size.width, size.height);
    std::array<std::vector<double>, steps> all;
    times found;
    for (int round = 0; round < rounds; ++round) {
        decoded_image photo;
        detected_faces seen;
        double decoding =
            thread_milliseconds_of([&] { photo = must(decode_reduced(bytes, header, side)); });
        image small;
        all[resize].push_back(thread_milliseconds_of(
            [&] { small = resized(photo.picture, size.width, size.height); }));
        std::vector<std::uint8_t> there(photo.picture.rgb.size());
        all[copy].push_back(thread_milliseconds_of(
            [&] { std::copy(photo.picture.rgb.begin(), photo.picture.rgb.end(), there.begin()); }));
        // Of its own size: nothing is resized in there.
        const detector_options as_it_is{80, static_cast<int>(std::max(side, 80u))};
        all[hog].push_back(thread_milliseconds_of([&] { seen = finder.detect(small, as_it_is); }));
        const double across = static_cast<double>(header.width) / size.width;
        for (detected_face& face : seen.faces) {
            for (auto* edge :
                 {&face.where.left, &face.where.top, &face.where.right, &face.where.bottom}) {
                *edge = static_cast<std::int32_t>(*edge * across);
            }
        }
        if (!seen.faces.empty() && photo.picture.width < photo.width) {
            decoding += thread_milliseconds_of([&] { photo = must(decode_image(bytes)); });
        }
        all[decode].push_back(decoding);
        for (const detected_face& face : seen.faces) {
            const double points =
                thread_milliseconds_of([&] { straightener.points_of(photo.picture, face.where); });
            const double both =
                thread_milliseconds_of([&] { straightener.align(photo.picture, face.where); });
            all[landmarks_of_face].push_back(points);
            all[chip_of_face].push_back(std::max(0.0, both - points));
            const chip cut = straightener.align(photo.picture, face.where).face;
            std::vector<std::uint8_t> both_there(2 * chip::bytes);
            all[hand_in].push_back(thread_milliseconds_of([&] {
                const chip other = mirrored(cut);
                std::copy(cut.rgb.begin(), cut.rgb.end(), both_there.begin());
                std::copy(other.rgb.begin(), other.rgb.end(), both_there.begin() + chip::bytes);
            }));
            const std::array<embedding, 1> who{embedding(people.segments.front()->vector(0))};
            all[match_of_face].push_back(
                thread_milliseconds_of([&] { match_faces(people, who, {}); }));
        }
        found.faces = seen.faces.size();
    }
    for (std::size_t i = 0; i < steps; ++i) {
        if (!all[i].empty()) found.ms[i] = median(all[i]);
    }
    return found;
}

/// Giga floating point operations of the `cnn` detector for a photo of that size.
double detector_gflop(const detector_layers& rules, std::uint32_t width, std::uint32_t height) {
    const picture_size size = detection_size(width, height, wanted);
    const auto canvas = pyramid_of(size.height, size.width, rules.padding, rules.outer_padding);
    return flop_of(rules.net, {3, canvas.rows, canvas.columns}) / 1e9;
}

/// Of the picture that a GPU gets to look at.
double megabytes_up(const std::string& photo, const image_header& header) {
    const picture_size size = detection_size(header.width, header.height, wanted);
    const auto decoded = must(decode_reduced(photo, header, std::max(size.width, size.height)));
    return static_cast<double>(decoded.picture.rgb.size()) / 1e6;
}

}  // namespace

int main(int argc, char** argv) {
    if (argc < 5) {
        std::fputs("feed_time MODELS_FOLDER THREADS ROUNDS PHOTO...\n", stderr);
        return 2;
    }
    const model_paths files = must(find_models(argv[1]));
    const auto threads = static_cast<std::size_t>(std::atoi(argv[2]));
    const int rounds = std::atoi(argv[3]);
    std::vector<std::string> photos;
    for (int i = 4; i < argc; ++i) {
        std::ifstream file(argv[i], std::ios::binary);
        photos.emplace_back(std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>());
    }
    const aligner straightener = must(aligner::load(files.landmarks));
    const auto people = somebody();
    std::vector<std::vector<times>> all(threads);
    std::vector<std::thread> running;
    for (std::vector<times>& mine : all) {
        running.emplace_back([&] {
            const auto finder = make_hog_detector();
            for (const std::string& photo : photos) {
                mine.push_back(look(photo, *finder, straightener, *people, rounds));
            }
        });
    }
    for (std::thread& one : running) one.join();

    const auto count = static_cast<double>(photos.size() * threads);
    double faces = 0, gflop = 0, megabytes = 0;
    std::array<double, steps> sums{};
    for (const std::vector<times>& mine : all) {
        for (const times& photo : mine) {
            faces += static_cast<double>(photo.faces);
            for (std::size_t i = 0; i < steps; ++i) {
                const bool of_face = i >= landmarks_of_face;
                sums[i] += photo.ms[i] * (of_face ? static_cast<double>(photo.faces) : 1.0);
            }
        }
    }
    const detector_layers rules = must(load_detector_layers(files.detector));
    for (const std::string& photo : photos) {
        const image_header header = must(inspect_image(photo));
        gflop += detector_gflop(rules, header.width, header.height);
        megabytes += megabytes_up(photo, header);
    }
    std::printf("{\"threads\": %zu, \"photos\": %zu, \"faces_a_photo\": %.3f", threads,
                photos.size(), faces / count);
    for (std::size_t i = 0; i < steps; ++i) {
        const double over = i >= landmarks_of_face ? std::max(faces, 1.0) : count;
        std::printf(", \"%s_ms\": %.4f", names[i], sums[i] / over);
    }
    // 320x240 is looked at as 640x480.
    std::printf(", \"megabytes_up\": %.3f", megabytes / static_cast<double>(photos.size()));
    std::printf(", \"cnn_gflop\": %.3f, \"cnn_vga_gflop\": %.3f, \"embed_gflop\": %.4f}\n",
                gflop / static_cast<double>(photos.size()), detector_gflop(rules, 320, 240),
                flop_of(must(load_embedding_layers(files.embedder)),
                        {3, limits::chip_side, limits::chip_side}) /
                    1e9);
}
