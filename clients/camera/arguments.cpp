#include "clients/camera/arguments.hpp"

#include <CLI/CLI.hpp>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

#include "shared/model/job.hpp"
#include "shared/security/output_file.hpp"

namespace vultus::camera {

arguments parse_arguments(int argc, char** argv) {
    arguments asked;
    std::string url = "http://127.0.0.1:5000";
    bool no_tracks = false;
    CLI::App app("Recognize people in front of a camera, live", "vultus-camera");
    app.set_version_flag("--version", "vultus-camera " VULTUS_VERSION);
    app.add_option("source", asked.source,
                   "Index of a camera (0), a video file, an RTSP URL, "
                   "a folder of images, or a photo");
    app.add_option("--url", url, "URL of the service, http or https (http://127.0.0.1:5000)");
    app.add_option("--ca", asked.authorities,
                   "Trusted CA certificates: a PEM file (default: the system's)");
    app.add_option("--collection", asked.collection, "Collection to search (default)");
    app.add_option("--detector", asked.detector,
                   "Detector: hog, cnn, centerface or yunet (the service's default)")
        ->check(
            CLI::IsMember(std::vector<std::string>(detector_names.begin(), detector_names.end())));
    app.add_option("--min-face", asked.min_face_px, "Smallest face to detect, in pixels")
        ->check(CLI::Range(10, 2'000));
    app.add_option("--blur", asked.blur, "Faces to blur: none, unknown, known or all")
        ->check(CLI::IsMember({"none", "unknown", "known", "all"}));
    app.add_flag("--no-tracks", no_tracks, "Do not track faces: each frame is independent");
    app.add_flag("--headless", asked.headless, "Do not open a window");
    app.add_flag("--json", asked.json, "Print one line of JSON for each answered frame");
    app.add_option("--out", asked.out, "Write the annotated frames to a video (.avi or .mp4)");
    app.add_option("--rate", asked.rate, "Frames per second of a file or folder")
        ->check(CLI::Range(0.1, 240.0));
    try {
        app.parse(argc, argv);
    } catch (const CLI::ParseError& why) {
        asked.exit_code = app.exit(why) == 0 ? 0 : 2;
        if (!output_was_written()) {
            std::fprintf(stderr, "vultus-camera: output cannot be written\n");
            asked.exit_code = 1;
        }
        return asked;
    }
    asked.tracks = !no_tracks;
    if (asked.out == "-") {
        std::fprintf(stderr, "vultus-camera: --out needs a file, not -\n");
        asked.exit_code = 2;
        return asked;
    }
    auto address = net::parse_service_url(url, "5000");
    if (!address) {
        std::fprintf(stderr, "vultus-camera: %s\n", address.error().detail.c_str());
        asked.exit_code = 2;
        return asked;
    }
    asked.url = *std::move(address);
    if (const char* key = std::getenv("VULTUS_KEY"); key != nullptr) asked.key = key;
    return asked;
}

}  // namespace vultus::camera
