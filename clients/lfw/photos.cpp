#include "clients/lfw/photos.hpp"

#include <time.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <thread>

#include "shared/base/require.hpp"
#include "workers/calibration/vision_models.hpp"
#include "workers/engine/engine.hpp"
#include "workers/engine/faces/network_embedder.hpp"
#include "workers/geometry/overlap.hpp"
#include "workers/vision/aligner.hpp"
#include "workers/vision/face_chip.hpp"

namespace vultus::lfw {
namespace {

namespace fs = std::filesystem;
using steady = std::chrono::steady_clock;

double seconds_since(steady::time_point begin) {
    return std::chrono::duration<double>(steady::now() - begin).count();
}

/// CPU time of this thread, seconds.
double cpu_time() {
    timespec now{};
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) / 1e9;
}

/// The worker's pipeline.
result<vision_models> load(const std::string& folder, const std::string& precision) {
    worker_settings settings;
    settings.models = folder;
    settings.precision = precision;
    return load_vision_models(settings);
}

/// Shared by the threads: each takes the next photo until there is none, or one of them failed.
struct shared_work {
    const std::vector<photo_id>& photos;
    const look_settings& settings;
    const aligner& straightener;
    const std::vector<std::string>& embedders;
    std::vector<std::optional<raw_face>>& faces;
    std::atomic<std::size_t> next{0};
    std::atomic<std::size_t> done{0};
    std::atomic<bool> failed{false};
};

struct worker {
    std::unique_ptr<detector> finder;
    embedder_set networks;
    double busy = 0;  ///< seconds of CPU time
    error why;        ///< of the worker that failed; its detail is empty in the others
};

result<std::optional<raw_face>> look_at_one(const shared_work& all, worker& own,
                                            const photo_id& who) {
    const std::string path = path_of(who);
    std::ifstream file(fs::path(all.settings.images) / path, std::ios::binary);
    const std::string bytes{std::istreambuf_iterator<char>(file), {}};
    if (!file) return fail(errc::not_found, path + " cannot be read");
    const auto decoded = decode_image(bytes);
    if (!decoded) return fail(decoded.error().code, path + ": " + decoded.error().detail);
    const image& photo = decoded->picture;
    const auto found = middle_face(own.finder->detect(photo, all.settings.detecting), photo);
    if (!found) return std::optional<raw_face>{};
    raw_face face;
    const rectangle square = own.finder->fit()(rectangle_of(found->where));
    face.quality =
        quality_of(photo, square, all.straightener.points_of(photo, box_of(square)), found->points);
    bool by_dlib = false, mirror = false;
    for (const std::string& name : all.embedders) {
        if (const auto kind = dlib_kind(name)) {
            by_dlib = true;
            mirror = mirror || needs_mirror(*kind);
            continue;
        }
        embedder& network = *own.networks.named(name).value();
        const chip one =
            align_face(all.straightener, photo, *found, own.finder->fit(), network.form()).face;
        face.others.emplace(name, network.embed(std::span(&one, 1)).front());
    }
    if (!by_dlib) return std::optional<raw_face>{face};
    std::vector<chip> chips;
    chips.push_back(align_face(all.straightener, photo, *found, own.finder->fit()).face);
    if (mirror) chips.push_back(mirrored(chips.front()));
    const auto vectors = own.networks.named(dlib_embedder("plain")).value()->embed(chips);
    face.chip = vectors.front();
    if (mirror) face.mirror = vectors.back();
    return std::optional<raw_face>{face};
}

void work(shared_work& all, worker& own, const std::function<void(std::size_t)>* on_photo) {
    const double begin = cpu_time();
    for (std::size_t i = all.next++; i < all.photos.size() && !all.failed; i = all.next++) {
        auto seen = look_at_one(all, own, all.photos[i]);
        if (!seen) {
            own.why = seen.error();
            all.failed = true;
            break;
        }
        all.faces[i] = *seen;
        const std::size_t done = ++all.done;
        if (on_photo != nullptr) (*on_photo)(done);
    }
    own.busy = cpu_time() - begin;
}

/// The names that the settings leave open; all of them are there.
result<void> choose_models(const vision_models& models, const look_settings& settings,
                           looked_at& into) {
    const auto detectors = models.detectors.names(), embedders = models.embedders.names();
    const auto has = [](const std::vector<std::string>& names, const std::string& name) {
        return std::ranges::find(names, name) != names.end();
    };
    into.detector = settings.detector;
    if (into.detector == "auto") {
        into.detector = has(detectors, "centerface") ? "centerface" : "hog";
    }
    into.embedders = settings.embedders;
    if (into.embedders.empty()) {
        const bool points = into.detector == "centerface" || into.detector == "yunet";
        const std::string& omz = omz_0095_rules.name;
        into.embedders = {points && has(embedders, omz) ? omz : dlib_embedder("mirror_unit")};
    }
    if (auto there = models.detectors.named(into.detector); !there) return fail(there.error());
    for (const std::string& name : into.embedders) {
        if (auto there = models.embedders.named(name); !there) return fail(there.error());
    }
    return {};
}

}  // namespace

result<std::vector<photo_id>> photos_below(const std::string& folder) {
    std::vector<photo_id> photos;
    std::error_code why;
    for (fs::directory_iterator person(folder, why), end; !why && person != end;
         person.increment(why)) {
        std::error_code unread;
        if (!person->is_directory(unread) || unread) continue;
        const std::string name = person->path().filename().string();
        for (fs::directory_iterator file(person->path(), unread); !unread && file != end;
             file.increment(unread)) {
            const auto photo = photo_named(name, file->path().filename().string());
            if (photo) photos.push_back(*photo);
        }
        if (unread) {
            return fail(errc::not_found, person->path().string() + ": " + unread.message());
        }
    }
    if (why) return fail(errc::not_found, folder + ": " + why.message());
    if (photos.empty()) return fail(errc::not_found, folder + ": no <person>/<person>_NNNN.jpg");
    std::sort(photos.begin(), photos.end());
    return photos;
}

result<std::vector<photo_id>> photos_of(const pair_list& pairs, const std::string& file,
                                        const std::string& folder) {
    std::vector<photo_id> photos;
    for (const photo_pair& pair : pairs.pairs) {
        for (const photo_id* photo : {&pair.first, &pair.second}) {
            const fs::path path = fs::path(folder) / path_of(*photo);
            std::error_code why;
            if (!fs::is_regular_file(path, why)) {
                return fail(errc::not_found,
                            file + ":" + std::to_string(pair.line) + ": no photo " + path.string());
            }
            photos.push_back(*photo);
        }
    }
    std::sort(photos.begin(), photos.end());
    photos.erase(std::unique(photos.begin(), photos.end()), photos.end());
    return photos;
}

std::map<errc, std::size_t> refuse_bad(quality_gate level, pair_list& pairs,
                                       std::vector<photo_id>& photos,
                                       std::vector<std::optional<raw_face>>& faces) {
    std::map<errc, std::size_t> refused;
    std::vector<photo_id> kept_photos, bad;
    std::vector<std::optional<raw_face>> kept_faces;
    for (std::size_t i = 0; i < photos.size(); ++i) {
        const auto good = faces[i] ? check_quality(faces[i]->quality, level) : result<void>();
        if (!good) {
            ++refused[good.error().code];
            bad.push_back(photos[i]);
            continue;
        }
        kept_photos.push_back(photos[i]);
        kept_faces.push_back(std::move(faces[i]));
    }
    photos = std::move(kept_photos);
    faces = std::move(kept_faces);
    std::erase_if(pairs.pairs, [&](const photo_pair& pair) {
        return std::binary_search(bad.begin(), bad.end(), pair.first) ||
               std::binary_search(bad.begin(), bad.end(), pair.second);
    });
    return refused;
}

std::optional<detected_face> middle_face(const detected_faces& found, const image& photo) {
    std::optional<detected_face> best;
    std::int64_t best_gap = 0;
    for (const detected_face& one : found.faces) {
        // Twice the distance between the centres, so that all numbers are integers.
        const std::int64_t x = std::int64_t{one.where.left} + one.where.right + 1 - photo.width;
        const std::int64_t y = std::int64_t{one.where.top} + one.where.bottom + 1 - photo.height;
        const std::int64_t gap = x * x + y * y;
        if (best && gap >= best_gap) continue;
        best = one;
        best_gap = gap;
    }
    return best;
}

result<looked_at> look_at(const std::vector<photo_id>& photos, const look_settings& settings,
                          const std::function<void(std::size_t)>& on_photo) {
    VULTUS_REQUIRE(settings.threads >= 1, "somebody to do it");
    use_one_blas_thread();
    auto loaded = load(settings.models, settings.precision);
    if (!loaded) return fail(loaded.error());
    looked_at seen;
    seen.faces.resize(photos.size());
    if (auto chosen = choose_models(*loaded, settings, seen); !chosen) return fail(chosen.error());
    shared_work all{photos, settings, *loaded->landmarks, seen.embedders, seen.faces, {}, {}, {}};
    std::vector<worker> workers(static_cast<std::size_t>(settings.threads));
    const auto finder = loaded->detectors.named(seen.detector);
    for (worker& own : workers) {
        own.finder = (*finder)->clone();
        own.networks = loaded->embedders.clone();
    }
    const auto begin = steady::now();
    {
        std::vector<std::jthread> threads;
        for (std::size_t i = 1; i < workers.size(); ++i) {
            threads.emplace_back([&all, &own = workers[i]] { work(all, own, nullptr); });
        }
        work(all, workers.front(), &on_photo);
    }
    seen.seconds = seconds_since(begin);
    double busy = 0;
    for (const worker& own : workers) {
        if (!own.why.detail.empty()) return fail(own.why);
        busy += own.busy;
    }
    if (!photos.empty()) seen.ms_per_photo = busy * 1000 / static_cast<double>(photos.size());
    return seen;
}

}  // namespace vultus::lfw
