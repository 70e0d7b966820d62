// The settings and their ranges. Each process reads the whole file, so that any process finds a
// mistyped key. Limits of limits.hpp may be lowered, never raised.
#include "shared/config/settings.hpp"

#include <arpa/inet.h>
#include <sys/un.h>

#include <algorithm>
#include <charconv>

#include "shared/base/limits.hpp"
#include "shared/config/addresses.hpp"
#include "shared/config/effective_settings.hpp"
#include "shared/config/settings_reader.hpp"
#include "shared/model/job.hpp"
#include "shared/model/model_names.hpp"
#include "shared/security/private_file.hpp"
#include "shared/security/secret.hpp"

namespace vultus {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr std::size_t path_bytes = 4'096;                                // PATH_MAX
constexpr std::size_t socket_bytes = sizeof(sockaddr_un::sun_path) - 1;  // 107
constexpr std::size_t list_max = 64;
constexpr std::size_t base_path_bytes = 128;
constexpr std::int64_t port_max = 65'535;
constexpr milliseconds drain_max = seconds(600);

enum class process { broker, worker, api };

struct all_settings {
    common_settings common;
    broker_settings broker;
    worker_settings worker;
    api_settings api;
    effective_settings effective;
};

constexpr std::int64_t whole(std::size_t value) {
    return static_cast<std::int64_t>(value);
}

void read_common(settings_reader& in, common_settings& common) {
    in.section("common");
    in.text("data", common.data, path_bytes);
    if (common.data.empty()) in.refuse("data", "must name a folder");
    in.texts("broker_api_endpoints", common.broker_api_endpoints, list_max);
    in.texts("broker_worker_endpoints", common.broker_worker_endpoints, list_max);
    in.text("encryption_key_file", common.encryption_key_file, path_bytes);
    std::string level = "info";
    in.choice("log_level", level, {"debug", "info", "warning", "error"});
    common.log_level = level == "debug"     ? log::level::debug
                       : level == "warning" ? log::level::warning
                       : level == "error"   ? log::level::error
                                            : log::level::info;
    const std::string run = common.data + "/run/";
    if (common.broker_api_endpoints.empty()) {
        common.broker_api_endpoints = {"ipc://" + run + "broker-api.sock"};
    }
    if (common.broker_worker_endpoints.empty()) {
        common.broker_worker_endpoints = {"ipc://" + run + "broker-worker.sock"};
    }
    for (const auto* list : {&common.broker_api_endpoints, &common.broker_worker_endpoints}) {
        for (const auto& one : *list) {
            if (one.size() <= socket_bytes + 6) continue;
            in.refuse("data", "makes socket paths longer than 107 bytes: choose a shorter folder");
        }
    }
    in.derived("broker_api_endpoints", common.broker_api_endpoints);
    in.derived("broker_worker_endpoints", common.broker_worker_endpoints);
}

void read_redis(settings_reader& in, const common_settings& common, redis_address& redis) {
    in.section("redis");
    in.text("socket", redis.unix_socket, socket_bytes);
    in.text("host", redis.host, 255);
    in.integer("port", redis.port, 0, port_max);
    in.text("user", redis.user, 255);
    in.text("password", redis.password, 512);
    in.secret("password");
    std::string file;
    in.text("password_file", file, path_bytes);
    if (!file.empty()) {
        if (!redis.password.empty()) in.refuse("password_file", "cannot be combined with password");
        if (const auto text = read_private_file(file, path_bytes)) {
            redis.password = text->substr(0, text->find_first_of("\r\n"));
            if (redis.password.empty()) in.refuse("password_file", file + " is empty");
        } else {
            in.refuse("password_file", text.error().detail);
        }
    }
    // A port means TCP, a socket path that socket; without both it is <data>/run/redis.sock.
    if (redis.unix_socket.empty() && redis.port == 0) {
        redis.unix_socket = common.data + "/run/redis.sock";
    }
    if (redis.unix_socket.size() > socket_bytes) {
        in.refuse("socket", "must be a path of at most 107 bytes");
    }
    in.derived("socket", redis.unix_socket);
}

bool leaves_the_machine(const std::string& endpoint) {
    constexpr std::string_view tcp = "tcp://";
    if (!endpoint.starts_with(tcp)) return false;
    const std::string host = endpoint.substr(tcp.size(), endpoint.rfind(':') - tcp.size());
    in_addr address{};
    const bool number = ::inet_pton(AF_INET, host.c_str(), &address) == 1;
    const bool loopback = number && (ntohl(address.s_addr) >> 24U) == 127;
    return !loopback && host != "localhost" && host != "[::1]" && host != "::1";
}

/// requires  read_common() was called
void read_curve(settings_reader& in, process which, common_settings& common) {
    in.section("curve");
    curve_settings& curve = common.curve;
    std::string file, key;
    in.text("key_file", file, path_bytes);
    in.text("broker_key", key, 64);
    in.text("allow_list", curve.allow_list, path_bytes);
    in.flag("insecure", curve.insecure);
    const bool on = !file.empty() || !key.empty() || !curve.allow_list.empty();
    if (!on) {
        for (const auto* list : {&common.broker_api_endpoints, &common.broker_worker_endpoints}) {
            if (curve.insecure || std::none_of(list->begin(), list->end(), leaves_the_machine)) {
                continue;
            }
            in.refuse("key_file",
                      "must be set for tcp endpoints on other machines: "
                      "create keys with `vultusctl curve make` (shared/CURVE.md)");
        }
        return;
    }
    if (file.empty()) in.refuse("key_file", "must be set together with broker_key or allow_list");
    if (auto bytes = key_from_hex(key)) {
        curve.broker_key = std::move(*bytes);
    } else if (!key.empty() || which != process::broker) {
        in.refuse("broker_key", "must be the broker's public key, 64 hexadecimal digits");
    }
    if (which == process::broker && curve.allow_list.empty()) {
        in.refuse("allow_list", "must be set together with key_file");
    }
    if (file.empty()) return;
    if (auto own = read_secret_file(file)) {
        curve.own = std::move(*own);
    } else {
        in.refuse("key_file", own.error().detail);
    }
}

void read_broker(settings_reader& in, const common_settings& common, broker_settings& broker) {
    in.section("broker");
    in.time("drain_timeout_ms", broker.drain_timeout, milliseconds(0), drain_max);
    in.integer("finished_jobs_max", broker.finished_jobs_max, 1, whole(limits::finished_jobs));
    in.integer("finished_bytes_max", broker.finished_bytes_max, whole(limits::mib),
               whole(limits::finished_bytes));
    in.time("retention_s", broker.retention, seconds(60), seconds(limits::retention));
    in.text("secret_file", broker.secret_file, path_bytes);
    if (broker.secret_file.empty()) broker.secret_file = common.data + "/access.secret";
    in.derived("secret_file", broker.secret_file);
}

/// "NAME=0.9", one for each embedder.
void parse_distances(settings_reader& in, const std::vector<std::string>& words,
                     std::vector<std::pair<std::string, double>>& into) {
    for (const std::string& word : words) {
        const std::size_t equals = word.rfind('=');
        double distance = 0;
        const char* const end = word.data() + word.size();
        const bool read = equals != std::string::npos &&
                          std::from_chars(word.data() + equals + 1, end, distance).ptr == end;
        if (!read || !is_model_name(word.substr(0, equals)) || !(distance > 0 && distance <= 2)) {
            in.refuse("distances", "must be NAME=DISTANCE, an embedder and 0 < distance <= 2");
            return;
        }
        into.emplace_back(word.substr(0, equals), distance);
    }
}

void read_worker(settings_reader& in, worker_settings& worker) {
    in.section("worker");
    in.text("device", worker.device, 32);
    const bool cuda = worker.device.starts_with("cuda:") && worker.device.size() > 5 &&
                      worker.device.size() <= 8 &&
                      worker.device.find_first_not_of("0123456789", 5) == std::string::npos;
    if (worker.device != "auto" && worker.device != "cpu" && !cuda) {
        in.refuse("device", "must be auto, cpu or cuda:N");
    }
    in.text("backend", worker.backend, 32);
    if (worker.backend != "onednn" && worker.backend != "reference") {
        in.refuse("backend", "must be onednn or reference");
    }
    in.text("precision", worker.precision, 32);
    const bool bf16 = worker.precision == "bf16";
    const bool of_gpus = worker.precision == "fp16" || worker.precision == "tf32";
    if (worker.precision != "auto" && worker.precision != "fp32" && !bf16 && !of_gpus) {
        in.refuse("precision", "must be auto, fp32, bf16, fp16 or tf32");
    }
    if ((of_gpus && worker.device == "cpu") || (worker.precision != "auto" && !of_gpus && cuda)) {
        in.refuse("precision", "must be auto, fp16 or tf32 on a GPU, auto, fp32 or bf16 on a CPU");
    }
    in.integer("gpu_memory_mib", worker.gpu_memory_mib, 0, 1'000'000);
    if (bf16 && worker.backend == "reference") {
        in.refuse("precision", "must be auto or fp32 with backend = reference");
    }
    in.text("models", worker.models, path_bytes);
    in.integer("vision_threads", worker.vision_threads, 0, 256);
    in.integer("compute_threads", worker.compute_threads, 0, 64);
    in.integer("match_threads", worker.match_threads, 1, 64);
    in.integer("batch_max", worker.batch_max, 1, whole(limits::batch_max));
    in.integer("batch_wait_ms", worker.batch_wait_ms, 0, 1'000);
    in.integer("live_weight", worker.live_weight, 1, 1'000);
    in.integer("detect_side_max", worker.detect_side_max, 100, 10'000);
    in.choice("embedding", worker.embedding, {"plain", "mirror", "unit", "mirror_unit"});
    in.text("default_detector", worker.default_detector, limits::model_name_bytes);
    if (worker.default_detector != "auto" && !check_detector(worker.default_detector)) {
        in.refuse("default_detector", "must be auto, hog, cnn, centerface or yunet");
    }
    in.text("default_embedder", worker.default_embedder, limits::model_name_bytes);
    if (!is_model_name(worker.default_embedder)) {
        in.refuse("default_embedder", "must be auto or the name of an embedder");
    }
    in.text("calibration", worker.calibration, path_bytes);
    in.number("distance_max", worker.distance_max, 0.0, 2.0);
    in.number("false_match_rate", worker.false_match_rate, 0.0, 0.5);
    in.number("stranger_rate", worker.stranger_rate, 0.0, 0.9);
    const int thresholds = (worker.distance_max > 0 ? 1 : 0) +
                           (worker.false_match_rate > 0 ? 1 : 0) +
                           (worker.stranger_rate > 0 ? 1 : 0);
    if (thresholds > 1) {
        in.refuse("distance_max",
                  "conflicts: set only one of distance_max, false_match_rate and stranger_rate");
    }
    std::vector<std::string> distances;
    in.texts("distances", distances, list_max);
    parse_distances(in, distances, worker.distances);
    in.flag("keep_pictures", worker.keep_pictures);
    in.flag("separate_decoder", worker.separate_decoder);
    in.number("margin_min", worker.margin_min, 0.0, 1.0);
    in.integer("k", worker.k, 1, 100);
    in.integer("collections_loaded_max", worker.collections_loaded_max, 1, 512);
    in.integer("gallery_bytes_max", worker.gallery_bytes_max, whole(16 * limits::mib),
               whole(1024 * 1024 * limits::mib));
    in.time("drain_timeout_ms", worker.drain_timeout, milliseconds(0), drain_max);
}

void read_api(settings_reader& in, const common_settings& common, api_settings& api) {
    in.section("api");
    in.text("bind", api.bind, 64);
    in.integer("port", api.port, 0, port_max);
    in.text("tls_certificate", api.tls_certificate, path_bytes);
    in.text("tls_key", api.tls_key, path_bytes);
    if (api.tls_certificate.empty() != api.tls_key.empty()) {
        in.refuse("tls_key", "must be set together with tls_certificate, or both must be empty");
    }
    in.choice("access", api.access, {"auto", "keys", "open"});
    in.flag("insecure", api.insecure);
    in.text("secret_file", api.secret_file, path_bytes);
    if (api.secret_file.empty()) api.secret_file = common.data + "/access.secret";
    in.derived("secret_file", api.secret_file);
    in.texts("allowed_hosts", api.allowed_hosts, list_max);
    in.texts("cors_origins", api.cors_origins, list_max);
    in.text("base_path", api.base_path, base_path_bytes);
    if (!is_base_path(api.base_path)) {
        in.refuse("base_path", "must be empty or a path such as /faces: letters, digits, - . _ ~");
    }
    in.texts("trusted_proxies", api.trusted_proxies, list_max);
    for (const auto& one : api.trusted_proxies) {
        if (!is_address(one)) in.refuse("trusted_proxies", "must be addresses, such as 10.0.0.2");
    }
    std::vector<std::string> hosts;
    in.texts("fetch_urls", hosts, list_max);
    for (const auto& host : hosts) {
        const auto rule = parse_fetch_rule(host);
        if (rule) api.fetch_urls.push_back(*rule);
        if (!rule) in.refuse("fetch_urls", rule.error().detail);
    }
    in.text("fetch_authorities", api.fetch_authorities, path_bytes);
    if (api.fetch_authorities.find('\n') != std::string::npos) {
        in.refuse("fetch_authorities", "must be a path without line breaks");
    }
    in.integer("connections_max", api.connections_max, 1, whole(limits::connections));
    in.time("idle_time_s", api.idle_time, seconds(1), seconds(3'600));
    in.integer("live_sessions_max", api.live_sessions_max, 0, whole(limits::live_channels));
    in.integer("queue_jobs_max", api.queue_jobs_max, 1, whole(limits::queue_jobs));
    in.integer("queue_bytes_max", api.queue_bytes_max, whole(limits::body_bytes),
               whole(limits::queue_bytes));
    in.integer("inflight_body_bytes_max", api.inflight_body_bytes_max, whole(limits::body_bytes),
               whole(4096 * limits::mib));
    in.time("job_deadline_s", api.job_deadline, seconds(1), seconds(24 * 3'600));
    in.time("drain_grace_ms", api.drain_grace, milliseconds(0), milliseconds(60'000));
    in.time("drain_timeout_ms", api.drain_timeout, milliseconds(0), drain_max);
}

void check_upstream(settings_reader& in, std::string_view key, const std::string& text) {
    if (text.empty() || is_upstream(text)) return;
    in.refuse(key, "must be http://HOST:PORT, such as http://127.0.0.1:3003");
}

void read_compat(settings_reader& in, compat_settings& compat) {
    in.section("compat");
    const std::vector<std::string> modes{"auto", "on", "off"};
    in.choice("compreface", compat.compreface, modes);
    in.choice("deepstack", compat.deepstack, modes);
    in.choice("deepstack_register", compat.deepstack_register, {"add", "replace"});
    in.text("deepstack_upstream", compat.deepstack_upstream, 256);
    check_upstream(in, "deepstack_upstream", compat.deepstack_upstream);
    in.choice("nextcloud", compat.nextcloud, modes);
    in.choice("immich", compat.immich, modes);
    in.texts("immich_clients", compat.immich_clients, list_max);
    for (const auto& one : compat.immich_clients) {
        if (!is_address(one)) in.refuse("immich_clients", "must be addresses, such as 10.0.0.2");
    }
    in.text("immich_upstream", compat.immich_upstream, 256);
    check_upstream(in, "immich_upstream", compat.immich_upstream);
}

result<all_settings> read_all(const settings_source& source, process which) {
    auto reader = settings_reader::open(source);
    if (!reader) return fail(reader.error());
    all_settings all;
    read_common(*reader, all.common);
    read_redis(*reader, all.common, all.common.redis);
    read_curve(*reader, which, all.common);
    read_broker(*reader, all.common, all.broker);
    read_worker(*reader, all.worker);
    read_api(*reader, all.common, all.api);
    read_compat(*reader, all.api.compat);
    if (const auto fine = reader->finish(); !fine) return fail(fine.error());
    all.broker.common = all.worker.common = all.api.common = all.common;
    all.effective = reader->effective();
    return all;
}

process process_of(std::string_view program) {
    if (program.ends_with("broker")) return process::broker;
    return program.ends_with("worker") ? process::worker : process::api;
}

}  // namespace

result<std::string> print_settings(const settings_source& source, std::string_view program) {
    const auto all = read_all(source, process_of(program));
    if (!all) return fail(all.error());
    return all->effective.json();
}

result<broker_settings> read_broker_settings(const settings_source& source) {
    auto all = read_all(source, process::broker);
    if (!all) return fail(all.error());
    return std::move(all->broker);
}

result<worker_settings> read_worker_settings(const settings_source& source) {
    auto all = read_all(source, process::worker);
    if (!all) return fail(all.error());
    return std::move(all->worker);
}

result<api_settings> read_api_settings(const settings_source& source) {
    auto all = read_all(source, process::api);
    if (!all) return fail(all.error());
    return std::move(all->api);
}

}  // namespace vultus
