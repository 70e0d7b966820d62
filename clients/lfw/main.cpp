// vultus-lfw: measures the accuracy of this build on Labeled Faces in the Wild, and the distances
// to choose. Reads the command line, prints a report. Exit codes: 0 done, 1 failed (the reason on
// stderr), 2 wrong usage or an invalid pair file.
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iostream>
#include <iterator>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "clients/ctl/cli/listener.hpp"
#include "clients/lfw/evaluation.hpp"
#include "clients/lfw/photos.hpp"
#include "clients/lfw/report.hpp"
#include "clients/lfw/service.hpp"
#include "shared/model/job.hpp"
#include "shared/security/output_file.hpp"

namespace {

using namespace vultus;
using namespace vultus::lfw;

constexpr int ok = 0, failed = 1, usage = 2;

struct arguments {
    look_settings looking;
    std::string pairs;
    std::vector<std::string> detectors{"auto"};
    std::string embedding;               ///< a kind of dlib's network; empty: `embedders`
    std::vector<std::string> embedders;  ///< empty: a new service's, or what the service uses
    std::string url, authorities;
    double patience_s = 60;
    std::string roc, distances, table, measures;
    std::string quality = "off";
    plan what;
    bool json = false;
};

int complain(const error& why, int code) {
    std::cerr << "vultus-lfw: " << name_of(why.code) << ": " << why.detail << "\n";
    return code;
}

/// `code`, or a failure if the output could not be written.
int ended(int code) {
    if (output_was_written()) return code;
    return complain({errc::internal, "output cannot be written"}, failed);
}

void describe(CLI::App& app, arguments& asked) {
    look_settings& looking = asked.looking;
    app.add_option("--images", looking.images, "Folder of <person>/<person>_NNNN.jpg")->required();
    app.add_option("--pairs", asked.pairs, "Pair file of View 1 or View 2")->required();
    std::vector<std::string> detectors(detector_names.begin(), detector_names.end());
    detectors.emplace_back("auto");
    app.add_option("--detector", asked.detectors,
                   "Detectors, one run each: hog, cnn, centerface, yunet; auto: centerface, or hog")
        ->delimiter(',')
        ->check(CLI::IsMember(detectors))
        ->capture_default_str();
    app.add_option("--embedder", asked.embedders,
                   "Embedders by their names; default: omz_0095/unit if it is there, else "
                   "dlib_resnet_v1/mirror_unit")
        ->delimiter(',');
    app.add_option("--embedding", asked.embedding,
                   "dlib's network: plain, mirror, unit, mirror_unit, or all")
        ->excludes("--embedder")
        ->check(CLI::IsMember({"plain", "mirror", "unit", "mirror_unit", "all"}));
    app.add_option("--url", asked.url, "Measure the service at http[s]://host[:port] instead");
    app.add_option("--ca", asked.authorities, "Trusted CA certificates: a PEM file");
    app.add_option("--patience", asked.patience_s, "With --url: total timeout per photo in seconds")
        ->check(CLI::Range(0.1, 3'600.0))
        ->capture_default_str();
    app.add_flag("--calibrate", asked.what.calibrate, "Distances for given risks, from all images");
    app.add_flag("--json", asked.json, "Print one JSON object instead of tables");
    app.add_option("--models", looking.models, "Folder of the models")->capture_default_str();
    app.add_option("--precision", looking.precision, "Precision: auto, fp32 or bf16")
        ->check(CLI::IsMember({"auto", "fp32", "bf16"}))
        ->capture_default_str();
    app.add_option("--distances", asked.distances,
                   "Write the distances of the pairs to this file, one per line");
    app.add_option("--table", asked.table,
                   "With --calibrate: write the worker's table to this file");
    app.add_option("--quality", asked.quality,
                   "Leave out photos that this quality gate of a train refuses")
        ->check(CLI::IsMember({"off", "standard", "strict"}))
        ->capture_default_str();
    app.add_option("--measures", asked.measures,
                   "Write the quality of each face to this file, one per line");
    app.add_option("--roc", asked.roc, "Write the curves to this SVG file");
    app.add_option("--min-face-px", looking.detecting.min_face_px,
                   "Smallest face to detect, in pixels")
        ->check(CLI::Range(10, 2'000))
        ->capture_default_str();
    app.add_option("--draws", asked.what.trial.draws,
                   "Random halves of the people that --calibrate tries")
        ->check(CLI::Range(1, 10'000))
        ->capture_default_str();
    app.add_option("--seed", asked.what.seed, "Seed of all random draws")->capture_default_str();
    app.add_option("--threads", looking.threads, "Threads over photos")
        ->check(CLI::Range(1, 1'024))
        ->capture_default_str();
}

result<pair_list> pairs_at(const std::string& path) {
    std::ifstream file(path, std::ios::binary);
    const std::string text{std::istreambuf_iterator<char>(file), {}};
    if (!file) return fail(errc::not_found, path + " cannot be read");
    return read_pairs(text, path);
}

/// The files written besides the report, opened before the long work so that a path that cannot be
/// written fails at once.
struct outputs {
    std::optional<output_file> distances, table, roc, measures;
    bool beside = false;  ///< one of them is the standard output, so the report goes to stderr

    result<void> open(const arguments& asked) {
        for (const auto& [path, into] :
             {std::pair{&asked.distances, &distances}, std::pair{&asked.table, &table},
              std::pair{&asked.roc, &roc}, std::pair{&asked.measures, &measures}}) {
            if (path->empty()) continue;
            auto file = output_file::open(*path, readers::all);
            if (!file) return fail(file.error());
            beside = beside || file->is_standard_output();
            *into = std::move(*file);
        }
        return {};
    }
};

/// Nothing without --url. The key is that of $VULTUS_KEY.
result<std::optional<service_address>> service_of(const arguments& asked) {
    if (asked.url.empty()) return std::nullopt;
    auto url = net::parse_service_url(asked.url, "80");
    if (!url) return fail(url.error());
    auto trusted = net::trust(*url, asked.authorities);
    if (!trusted) return fail(trusted.error());
    service_address where{*std::move(url), {}, *std::move(trusted), {}};
    where.patience = std::chrono::milliseconds(static_cast<long>(asked.patience_s * 1000));
    if (const char* key = std::getenv("VULTUS_KEY"); key != nullptr) where.key = key;
    return where;
}

/// In this process, or from the service.
result<looked_at> faces_of(const std::vector<photo_id>& photos, const look_settings& looking,
                           const std::optional<service_address>& service,
                           const std::function<void(std::size_t)>& on_photo) {
    if (!service) return look_at(photos, looking, on_photo);
    auto found = ask_service(photos, looking, *service, on_photo);
    if (!found) return fail(found.error());
    return std::move(found->seen);
}

/// A line for each photo with a face: path, score, size, sharpness, brightness, yaw, pitch, roll.
std::string measures_text(const std::vector<photo_id>& photos,
                          const std::vector<std::optional<raw_face>>& faces) {
    std::string text;
    for (std::size_t i = 0; i < photos.size(); ++i) {
        if (!faces[i]) continue;
        const face_quality& of = faces[i]->quality;
        text += path_of(photos[i]);
        for (const double value : {of.score, of.size_px, of.sharpness, of.brightness, of.pose.yaw,
                                   of.pose.pitch, of.pose.roll}) {
            text += " " + fixed(value, 4);
        }
        text += "\n";
    }
    return text;
}

/// All of them. errors  too few people for a table; those of writing
result<void> commit(outputs& into, const std::vector<calibration_table>& tables,
                    const std::string& table_path) {
    if (into.table) {
        const std::string text = text_of(tables);
        if (auto whole = read_calibration(text, table_path); !whole) return fail(whole.error());
        *into.table << text;
    }
    for (auto* file : {&into.distances, &into.table, &into.roc, &into.measures}) {
        if (!*file) continue;
        if (auto done = (*file)->commit(); !done) return done;
    }
    return {};
}

/// What the command line rules out; an empty text if nothing.
std::string conflict_in(const arguments& asked) {
    if (!asked.table.empty() && !asked.what.calibrate) return "--table requires --calibrate";
    const bool models = !asked.embedding.empty() || !asked.embedders.empty();
    if (!asked.url.empty() && models) return "--url excludes --embedding and --embedder";
    if (!asked.url.empty() && asked.detectors.size() > 1) return "--url takes one detector";
    const bool files = !asked.distances.empty() || !asked.roc.empty() || !asked.measures.empty();
    if (files && asked.detectors.size() > 1) {
        return "--distances, --roc and --measures take one detector";
    }
    return {};
}

/// The dlib kinds of --embedding, or --embedder.
std::vector<std::string> embedders_of(const arguments& asked) {
    if (asked.embedding.empty()) return asked.embedders;
    if (asked.embedding != "all") return {dlib_embedder(asked.embedding)};
    std::vector<std::string> all;
    for (const embedding_kind kind : all_variants) all.push_back(dlib_embedder(name_of(kind)));
    return all;
}

/// The photos with one detector.
result<run_figures> run_with(const std::string& detector, const arguments& asked,
                             const std::optional<service_address>& service, pair_list pairs,
                             std::vector<photo_id> photos, outputs& into) {
    look_settings looking = asked.looking;
    looking.detector = detector;
    looking.embedders = embedders_of(asked);
    const bool watched = isatty(STDERR_FILENO) == 1;
    auto seen = faces_of(photos, looking, service, [&](std::size_t done) {
        const std::string bar = ctl::progress_bar(done, photos.size(), "photos");
        if (watched) std::fprintf(stderr, "\r%s", bar.c_str());
    });
    if (watched) std::fputs("\r\x1b[K", stderr);
    if (!seen) return fail(seen.error());

    if (into.measures) *into.measures << measures_text(photos, seen->faces);
    const auto refused =
        refuse_bad(quality_gate_named(asked.quality).value(), pairs, photos, seen->faces);
    plan what = asked.what;
    what.trial.seed = what.seed;
    what.detector = seen->detector;
    what.variants = seen->embedders;
    what.data = asked.looking.images.substr(asked.looking.images.find_last_of('/') + 1) + ", " +
                seen->detector;
    run_figures found = evaluate(pairs, photos, seen->faces, what);
    found.detector = seen->detector;
    found.refused = refused;
    found.threads = looking.threads;
    found.of_a_service = !asked.url.empty();
    found.ms_per_photo = seen->ms_per_photo;
    found.seconds = seen->seconds;
    if (into.distances) {
        for (const scored_pair& pair :
             pair_distances(pairs, photos, seen->faces, what.variants[0])) {
            *into.distances << fixed(pair.distance, 6) + "\n";
        }
    }
    if (into.roc) *into.roc << roc_drawing(found);
    return found;
}

int run(const arguments& asked) {
    if (const std::string why = conflict_in(asked); !why.empty()) {
        return complain({errc::bad_option, why}, usage);
    }
    if (!asked.url.empty() && (asked.quality != "off" || !asked.measures.empty())) {
        return complain({errc::bad_option, "--quality and --measures exclude --url"}, usage);
    }
    const auto service = service_of(asked);
    if (!service) return complain(service.error(), usage);
    auto pairs = pairs_at(asked.pairs);
    if (!pairs) return complain(pairs.error(), usage);
    auto photos = photos_of(*pairs, asked.pairs, asked.looking.images);
    if (!photos) return complain(photos.error(), usage);
    if (asked.what.calibrate) photos = photos_below(asked.looking.images);
    if (!photos) return complain(photos.error(), failed);

    outputs into;
    if (auto good = into.open(asked); !good) return complain(good.error(), usage);
    std::vector<calibration_table> tables;
    for (const std::string& detector : asked.detectors) {
        const auto found = run_with(detector, asked, *service, *pairs, *photos, into);
        if (!found) return complain(found.error(), failed);
        (into.beside ? std::cerr : std::cout)
            << (asked.json ? json_report(*found) : text_report(*found)) << std::flush;
        for (const variant_figures& one : found->variants) {
            if (one.calibration) tables.push_back(one.calibration->table);
        }
    }
    if (auto done = commit(into, tables, asked.table); !done) {
        return complain(done.error(), failed);
    }
    return ended(ok);
}

}  // namespace

int main(int argc, char** argv) {
    CLI::App app{"Measure the accuracy of Vultus on Labeled Faces in the Wild", "vultus-lfw"};
    app.set_version_flag("--version", "vultus-lfw " VULTUS_VERSION, "Print the version and exit");
    arguments asked;
    asked.looking.threads = static_cast<int>(std::max(1U, std::thread::hardware_concurrency()));
    describe(app, asked);
    try {
        app.parse(argc, argv);
    } catch (const CLI::ParseError& why) {
        return app.exit(why) == 0 ? ended(ok) : usage;
    }
    return run(asked);
}
