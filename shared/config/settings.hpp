// The settings: one struct per process, defaults in it, read once in main from config/vultus.toml
// and `--set section.key=value`. toml++ lives in settings_reader.cpp. An unknown key or a value out
// of range is an error that names file, key and range; main ends with exit code 2.
#pragma once

#include <chrono>
#include <string>
#include <vector>

#include "shared/base/log.hpp"
#include "shared/base/result.hpp"
#include "shared/store/redis_client.hpp"

namespace vultus {

/// How api, broker and workers prove to one another who they are (CURVE.md). Nothing set: plain.
struct curve_settings {
    std::string own;         ///< secret key out of key_file, 32 bytes; empty: plain
    std::string broker_key;  ///< of apis and workers: its public key, 32 bytes
    std::string allow_list;  ///< of the broker: a file
    bool insecure = false;   ///< allow tcp to other addresses than loopback, plain
};

struct common_settings {
    std::string data = "data";                      ///< folder of run/ (sockets), redis/ and logs
    redis_address redis;                            ///< default <data>/run/redis.sock
    std::vector<std::string> broker_api_endpoints;  ///< default ipc://<data>/run/broker-api.sock
    std::vector<std::string> broker_worker_endpoints;  ///< default: the same, broker-worker.sock
    std::string encryption_key_file;  ///< of what lies in Redis; empty: it is plain
    log::level log_level = log::level::info;
    curve_settings curve;
};

struct broker_settings {
    common_settings common;
    std::chrono::milliseconds drain_timeout{30'000};
    std::size_t finished_jobs_max = 200'000;
    std::size_t finished_bytes_max = 512u * 1024 * 1024;
    std::chrono::seconds retention{24 * 3600};
    std::string secret_file;  ///< of names in the audit; default <data>/access.secret
};

struct worker_settings {
    common_settings common;
    std::string device = "auto";          ///< auto | cpu | cuda:N
    std::string backend = "onednn";       ///< onednn | reference: what runs the networks on a CPU
    std::string precision = "auto";       ///< auto | fp32 | bf16; on a GPU auto | fp16 | tf32
    int gpu_memory_mib = 0;               ///< of a GPU, at most; 0: what is free
    std::string models = "build/models";  ///< folder of the model files
    int vision_threads = 0;               ///< 0: one per core this process may use
    int compute_threads = 1;
    int match_threads = 1;  ///< share the search in a large gallery
    int batch_max = 32;     ///< chips in one pass
    int batch_wait_ms = 0;
    int live_weight = 4;                    ///< frames that go first before a job has its turn
    int detect_side_max = 2'000;            ///< pixels of the picture that a detector sees
    std::string embedding = "mirror_unit";  ///< plain | mirror | unit | mirror_unit
    std::string calibration = "config/calibration.txt";  ///< what distances mean
    double distance_max = 0;       ///< at most one of these three is not 0: Euclidean
    double false_match_rate = 0;   ///< share of comparisons; all three 0: 0.001
    double stranger_rate = 0;      ///< share of strangers named by the gallery
    bool keep_pictures = false;    ///< of trained faces, for who may read the gallery
    bool separate_decoder = true;  ///< photos are decoded by vultus-decoder, shut in
    double margin_min = 0.05;      ///< lead over the runner-up, share of the votes
    int k = 3;                     ///< neighbours that vote
    std::size_t collections_loaded_max = 256;
    std::size_t gallery_bytes_max = std::size_t{4096} * 1024 * 1024;
    std::chrono::milliseconds drain_timeout{30'000};
};

struct api_settings {
    common_settings common;
    std::string bind = "127.0.0.1";
    int port = 5000;
    std::string tls_certificate, tls_key;    ///< PEM files, both or none; none: plain HTTP
    std::string access = "auto";             ///< auto | keys | open: whether a key is asked for
    bool insecure = false;                   ///< allow another address than loopback without keys
    std::string secret_file;                 ///< keys are hashed with; default <data>/access.secret
    std::vector<std::string> allowed_hosts;  ///< beside localhost, 127.0.0.1, ::1 and bind
    std::vector<std::string> cors_origins;   ///< empty: CORS off
    std::vector<std::string> trusted_proxies;  ///< addresses whose Forwarded fields count
    std::size_t connections_max = 1'024;
    std::chrono::seconds idle_time{75};  ///< of a connection between two requests
    std::size_t live_sessions_max = 64;
    std::size_t queue_jobs_max = 10'000;
    std::size_t queue_bytes_max = 1024u * 1024 * 1024;
    std::size_t inflight_body_bytes_max = 256u * 1024 * 1024;
    std::chrono::seconds job_deadline{3'600};
    std::chrono::milliseconds drain_grace{500};
    std::chrono::milliseconds drain_timeout{30'000};
};

/// What the command line of each process gives: --config FILE, --set section.key=value (repeated),
/// --check-config, --version.
struct settings_source {
    std::string file;  ///< empty: defaults
    std::vector<std::string> overrides;
};

result<broker_settings> read_broker_settings(const settings_source&);
result<worker_settings> read_worker_settings(const settings_source&);
result<api_settings> read_api_settings(const settings_source&);

/// Parses the command line shared by the three processes. Prints help, version or the outcome of
/// --check-config itself and gives the exit code then; otherwise gives the source.
struct command_line {
    settings_source source;
    bool check_only = false;
    int exit_code = -1;  ///< >= 0: end now with it
};
command_line parse_command_line(int argc, char** argv, const char* program);

}  // namespace vultus
