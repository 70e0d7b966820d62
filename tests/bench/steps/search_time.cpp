// Times the search in a gallery against reading its float32 rows once and against FAISS'
// IndexFlatL2 over the same rows, in one process, in turns; each figure is the best of its rounds:
// CPU time of the one thread, but with two threads the wall time. Prints one JSON object.
//   search_time FACES [ROUNDS [FLOATS]]
// FLOATS of a face: 128, 256 or 512.
// The faces are made: as many people as half the faces, a random direction each, and photos of them
// near it; `nearest_known` and `nearest_stranger` say how near, to compare with real ones.
#include <faiss/IndexFlat.h>
#include <malloc.h>
#include <omp.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <random>
#include <string>
#include <vector>

#include "tests/bench/stopwatch.hpp"
#include "workers/gallery/gallery.hpp"
#include "workers/gallery/matcher.hpp"
#include "workers/gallery/parallel_for.hpp"
#include "workers/gallery/search.hpp"

namespace {

using namespace vultus;

void tell(const char* key, double value) {
    std::printf("\"%s\": %.6g, ", key, value);
}

/// Directions in which people differ: few of them matter much, as with real embeddings.
class people {
 public:
    people(unsigned seed, std::size_t floats) : random_(seed), spread_(floats), common_(floats) {
        for (std::size_t i = 0; i < spread_.size(); ++i) {
            spread_[i] = std::exp(-static_cast<float>(i) / 40);
        }
        common_ = any();
    }

    /// All faces have much in common; 0.75 is a usual distance of two people.
    embedding somebody() {
        embedding one = any();
        for (std::size_t i = 0; i < one.size(); ++i) one[i] = common_[i] + 0.62f * one[i];
        return scaled(one, 1);
    }

    /// Another photo of this person.
    embedding photo_of(const embedding& who) {
        embedding one = any();
        for (std::size_t i = 0; i < one.size(); ++i) one[i] = who[i] + 0.19f * one[i];
        return scaled(one, 1);
    }

 private:
    embedding any() {
        embedding one(spread_.size());
        for (std::size_t i = 0; i < one.size(); ++i) one[i] = value_(random_) * spread_[i];
        return scaled(one, 1);
    }

    static embedding scaled(embedding one, float length) {
        float squared = 0;
        for (const float x : one) squared += x * x;
        for (float& x : one) x *= length / std::sqrt(squared);
        return one;
    }

    std::mt19937 random_;
    std::normal_distribution<float> value_{0, 1};
    std::vector<float> spread_;
    embedding common_;
};

struct world {
    world(std::size_t faces, std::size_t floats) : made(1, floats) {
        std::vector<embedding> who(std::max<std::size_t>(faces / 2, 1));
        for (embedding& one : who) one = made.somebody();
        for (std::size_t i = 0; i < faces; ++i) {
            builder.add("job-0000-0000-" + std::to_string(i), "p" + std::to_string(i % who.size()),
                        made.photo_of(who[i % who.size()]));
        }
        for (std::size_t i = 0; i < 32; ++i) {  // half of them strangers
            queries.push_back(i % 2 == 0 ? made.photo_of(who[i * 97 % who.size()])
                                         : made.photo_of(made.somebody()));
        }
        who = {};
        malloc_trim(0);  // what only the making took is no memory of a face
    }

    people made;
    gallery_builder builder;
    std::vector<embedding> queries;
};

/// Reads every float32 row, as fast as one thread can.
float read_once(const gallery& known) {
    float sums[64] = {};
    for (const auto& segment : known.segments) {
        const float* from = segment->floats.data();
        const std::size_t count = segment->floats.size();
        for (std::size_t at = 0; at < count; at += 64) {
            for (std::size_t i = 0; i < 64; ++i) sums[i] += from[at + i];
        }
    }
    float sum = 0;
    for (const float one : sums) sum += one;
    return sum;
}

volatile float kept_alive;  // what a loop computed, so that it is not left out

void time_search(const world& here, const gallery& known, int rounds) {
    const std::span<const embedding> one(here.queries.data(), 1), all(here.queries);
    const std::size_t floats = known.dimension;
    faiss::IndexFlatL2 index(static_cast<faiss::Index::idx_t>(floats));
    for (const auto& segment : known.segments) {
        index.add(static_cast<faiss::Index::idx_t>(segment->rows()), segment->floats.data());
    }
    std::vector<float> asked;  // one after the other, as FAISS takes them
    for (const embedding& face : all) asked.insert(asked.end(), face.begin(), face.end());
    constexpr int k = 3;
    std::vector<float> distances(all.size() * k);
    std::vector<faiss::Index::idx_t> rows(all.size() * k);
    const auto faiss_search = [&](std::size_t count) {
        index.search(static_cast<faiss::Index::idx_t>(count), asked.data(), k, distances.data(),
                     rows.data());
    };
    parallel_for two(2);
    search_options split{.parts = 2, .run = two.run()};
    std::uint64_t compared = 0;
    double read = 1e30, b1 = 1e30, b32 = 1e30, f1 = 1e30, f32 = 1e30, lanes2 = 1e30;
    const auto keep = [](double& best, double now) { best = std::min(best, now); };
    for (int i = 0; i < rounds; ++i) {
        keep(read, thread_milliseconds_of([&] { kept_alive = read_once(known); }));
        keep(b1, thread_milliseconds_of([&] { nearest_faces(known, one, k); }));
        keep(f1, thread_milliseconds_of([&] { faiss_search(1); }));
        keep(b32, thread_milliseconds_of([&] { nearest_faces(known, all, k); }));
        if (i < 3) keep(f32, thread_milliseconds_of([&] { faiss_search(32); }));
        keep(lanes2, milliseconds_of([&] { nearest_faces(known, one, k, split); }));
    }
    const auto found = nearest_faces(known, all, k, {.compared = &compared});
    double differ = 0, near_known = 0, near_stranger = 0;
    for (std::size_t i = 0; i < all.size(); ++i) {
        differ = std::max(differ, std::abs(std::sqrt(static_cast<double>(distances[i * k])) -
                                           found[i].at(0).distance()));
        (i % 2 == 0 ? near_known : near_stranger) += found[i].at(0).distance() / 16;
    }
    tell("read_float32_ms", read);
    tell("b1_ms", b1);
    tell("b1_2lanes_ms", lanes2);
    tell("b1_over_bandwidth", b1 / read);
    tell("b32_per_query_ms", b32 / 32);
    tell("b32_per_query_over_b1", b32 / 32 / b1);
    tell("faiss_b1_ms", f1);
    tell("faiss_b32_per_query_ms", f32 / 32);
    tell("speedup_over_faiss_b1", f1 / b1);
    tell("speedup_over_faiss_b32", f32 / b32);
    tell("largest_difference_to_faiss", differ);
    tell("share_of_candidates_kept",
         static_cast<double>(compared) / static_cast<double>(all.size() * known.faces));
    tell("nearest_known", near_known);
    tell("nearest_stranger", near_stranger);
}

/// From the call to the moment at which a search can find, or no longer find, the face.
void time_changes(world& here, int rounds) {
    const embedding fresh = here.made.somebody();
    double added = 0, removed = 0;
    for (int i = 0; i < rounds; ++i) {
        const std::string id = "fresh-" + std::to_string(i);
        std::shared_ptr<const gallery> now;
        added = std::max(added, thread_milliseconds_of([&] {
                             here.builder.add(id, "somebody", fresh);
                             now = here.builder.publish();
                         }));
        const std::string old = "job-0000-0000-" + std::to_string(i * 5'003 % 1'000);
        removed = std::max(removed, thread_milliseconds_of([&] {
                               here.builder.remove(old);
                               here.builder.remove(id);
                               now = here.builder.publish();
                           }));
    }
    tell("add_worst_ms", added);
    tell("remove_worst_ms", removed);
}

double resident_mib() {
    long pages = 0, resident = 0;
    if (FILE* file = std::fopen("/proc/self/statm", "r")) {
        if (std::fscanf(file, "%ld %ld", &pages, &resident) != 2) resident = 0;
        std::fclose(file);
    }
    return static_cast<double>(resident) * 4096 / static_cast<double>(limits::mib);
}

}  // namespace

int main(int argc, char** argv) {
    if (argc < 2) {
        std::fputs("search_time FACES [ROUNDS [FLOATS]]\n", stderr);
        return 2;
    }
    omp_set_num_threads(1);
    const auto faces = static_cast<std::size_t>(std::atol(argv[1]));
    const int rounds = argc > 2 ? std::atoi(argv[2]) : 10;
    const auto floats = static_cast<std::size_t>(argc > 3 ? std::atoi(argv[3]) : 128);
    if (!limits::is_embedding_dimension(floats)) {
        std::fputs("FLOATS must be 128, 256 or 512\n", stderr);
        return 2;
    }
    const double before = resident_mib();
    world here(faces, floats);
    std::fputs("{", stdout);
    {
        const auto known = here.builder.publish();
        tell("bytes_per_face", (resident_mib() - before) * static_cast<double>(limits::mib) /
                                   static_cast<double>(faces));
        time_search(here, *known, rounds);
    }
    const double filled = resident_mib();
    time_changes(here, 20);
    tell("changes_more_mib", resident_mib() - filled);
    std::printf("\"kernel\": \"%s\", \"faces\": %zu, \"floats\": %zu, \"rounds\": %d}\n",
                std::string(quantized_kernels().back().name).c_str(), faces, floats, rounds);
}
