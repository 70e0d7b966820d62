// The settings: one struct per process, defaults in it, read once in main from config/vultus.toml
// and `--set section.key=value`. toml++ lives in settings_reader.cpp. An unknown key or a value out
// of range is an error that names file, key and range; main ends with exit code 2.
#pragma once

#include <chrono>
#include <string>
#include <utility>
#include <vector>

#include "shared/base/log.hpp"
#include "shared/base/result.hpp"
#include "shared/fetch/fetch_rules.hpp"
#include "shared/store/redis_client.hpp"

namespace vultus {

/// Authentication and encryption of the links between api, broker and workers (CURVE.md). Nothing
/// set: plain.
struct curve_settings {
    std::string own;         ///< secret key from key_file, 32 bytes; empty: plain
    std::string broker_key;  ///< api and worker: the broker's public key, 32 bytes
    std::string allow_list;  ///< broker: the file with the keys that may connect
    bool insecure = false;   ///< allow plain tcp to addresses other than loopback
};

struct common_settings {
    std::string data = "data";                      ///< folder of run/ (sockets), redis/ and logs
    redis_address redis;                            ///< default <data>/run/redis.sock
    std::vector<std::string> broker_api_endpoints;  ///< default ipc://<data>/run/broker-api.sock
    std::vector<std::string> broker_worker_endpoints;  ///< default: the same, broker-worker.sock
    std::string encryption_key_file;  ///< for photos and vectors in Redis; empty: not encrypted
    log::level log_level = log::level::info;
    curve_settings curve;
};

struct broker_settings {
    common_settings common;
    std::chrono::milliseconds drain_timeout{30'000};
    std::size_t finished_jobs_max = 200'000;
    std::size_t finished_bytes_max = 512u * 1024 * 1024;
    std::chrono::seconds retention{24 * 3600};
    std::string secret_file;  ///< for names in the audit; default <data>/access.secret
};

struct worker_settings {
    common_settings common;
    std::string device = "auto";          ///< auto | cpu | cuda:N
    std::string backend = "onednn";       ///< onednn | reference: what runs the networks on a CPU
    std::string precision = "auto";       ///< auto | fp32 | bf16; on a GPU auto | fp16 | tf32
    int gpu_memory_mib = 0;               ///< most to allocate on the GPU; 0: what is free but 512
    std::string models = "build/models";  ///< folder of the model files
    int vision_threads = 0;               ///< 0: one per core this process may use
    int compute_threads = 0;              ///< 0: one on a GPU, else two for three of vision
    int match_threads = 1;                ///< share the search in a large gallery
    int batch_max = 32;                   ///< chips in one pass
    int batch_wait_ms = 0;
    int live_weight = 4;                    ///< live frames for each job while both wait
    int detect_side_max = 2'000;            ///< longest side, in pixels, for hog and cnn
    std::string embedding = "mirror_unit";  ///< plain | mirror | unit | mirror_unit
    // What it proposes as defaults of a service that has none. auto, or a model's name.
    std::string default_detector = "auto", default_embedder = "auto";
    std::string calibration = "config/calibration.txt";  ///< rates of errors by distance
    // At most one of the next three is not 0; if all are 0, false_match_rate is 0.001.
    double distance_max = 0;      ///< Euclidean
    double false_match_rate = 0;  ///< share of comparisons of different people
    double stranger_rate = 0;     ///< share of strangers that get a name from the gallery
    /// Fixed ones of other embedders, "NAME=0.9" in the file; distance_max is that of dlib's.
    std::vector<std::pair<std::string, double>> distances;
    bool keep_pictures = false;    ///< store a picture of each trained face
    bool separate_decoder = true;  ///< photos are decoded in vultus-decoder, sandboxed
    double margin_min = 0.05;      ///< least lead over the runner-up, as a share of the votes
    int k = 3;                     ///< neighbours that vote
    std::size_t collections_loaded_max = 256;
    std::size_t gallery_bytes_max = std::size_t{4096} * 1024 * 1024;
    std::chrono::milliseconds drain_timeout{30'000};
};

/// The surfaces for clients of other services (docs/compat.md).
struct compat_settings {
    // auto | on | off. auto: on where everybody on this machine may call, and nobody else.
    std::string compreface = "auto", deepstack = "auto", nextcloud = "auto", immich = "auto";
    std::string deepstack_register = "add";  ///< add | replace: what a second register means
    std::string deepstack_upstream;  ///< http://HOST:PORT for what is not about faces; empty: none
    std::vector<std::string> immich_clients;  ///< addresses that may call /predict; empty: nobody
    std::string immich_upstream;              ///< as deepstack_upstream
};

struct api_settings {
    common_settings common;
    std::string bind = "127.0.0.1";
    int port = 5000;
    std::string tls_certificate, tls_key;    ///< PEM files, both or none; none: plain HTTP
    std::string access = "auto";             ///< auto | keys | open: whether a key is required
    bool insecure = false;                   ///< allow an address other than loopback without keys
    std::string secret_file;                 ///< for hashes of keys; default <data>/access.secret
    std::vector<std::string> allowed_hosts;  ///< besides localhost, 127.0.0.1, ::1 and bind
    std::string base_path;                   ///< path under which a proxy shows the api; "/x"
    std::vector<std::string> cors_origins;   ///< empty: CORS off
    std::vector<std::string> trusted_proxies;  ///< addresses whose Forwarded fields count
    std::vector<fetch_rule> fetch_urls;        ///< hosts of photos by URL; empty: none is fetched
    std::string fetch_authorities;  ///< PEM file for their certificates; empty: the system's
    std::size_t connections_max = 1'024;
    std::chrono::seconds idle_time{75};  ///< of a connection between two requests
    std::size_t live_sessions_max = 64;
    std::size_t queue_jobs_max = 10'000;
    std::size_t queue_bytes_max = 1024u * 1024 * 1024;
    std::size_t inflight_body_bytes_max = 256u * 1024 * 1024;
    std::chrono::seconds job_deadline{3'600};
    compat_settings compat;
    std::chrono::milliseconds drain_grace{500};
    std::chrono::milliseconds drain_timeout{30'000};
};

/// Where a process reads its settings from: --config FILE and --set section.key=value (repeatable).
struct settings_source {
    std::string file;  ///< empty: defaults
    std::vector<std::string> overrides;
};

result<broker_settings> read_broker_settings(const settings_source&);
result<worker_settings> read_worker_settings(const settings_source&);
result<api_settings> read_api_settings(const settings_source&);

/// Parses the command line that the three processes share. For --help, --version, --check-config
/// and --print-config it prints the answer and sets exit_code; otherwise it sets the source.
struct command_line {
    settings_source source;
    bool check_only = false;
    int exit_code = -1;  ///< >= 0: exit now with this code
};
command_line parse_command_line(int argc, char** argv, const char* program);

}  // namespace vultus
