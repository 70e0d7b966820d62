// See protocol_check.hpp. Names from messages become parts of Redis keys and log lines, so they
// must not contain separators of either.
#include "shared/net/protocol_check.hpp"

#include <algorithm>
#include <string>

#include "shared/base/limits.hpp"
#include "shared/model/model_names.hpp"

namespace vultus::protocol {
namespace {

constexpr std::size_t name_bytes = 64;     ///< job, frame, live and request ids, types, states
constexpr std::size_t text_bytes = 4'096;  ///< reasons, options, details
constexpr std::size_t host_bytes = 255;    ///< RFC 1035, 2.3.4
constexpr std::size_t stages = 32;

tl::unexpected<error> wrong(const char* command, const char* field) {
    return fail(errc::malformed, std::string(command) + ": " + field);
}

/// A name without separators of Redis keys: letters, digits, '-', '_' and '.'.
bool is_plain(std::string_view text, std::size_t most) {
    const auto plain = [](char c) {
        return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
               c == '-' || c == '_' || c == '.';
    };
    return !text.empty() && text.size() <= most && std::all_of(text.begin(), text.end(), plain);
}

bool is_plain_or_empty(std::string_view text) {
    return text.empty() || is_plain(text, name_bytes);
}

bool is_model_or_empty(std::string_view text) {
    return text.empty() || is_model_name(text);
}

bool is_line(std::string_view text, std::size_t most) {
    const auto visible = [](char c) { return static_cast<unsigned char>(c) >= 0x20 && c != 0x7F; };
    return text.size() <= most && std::all_of(text.begin(), text.end(), visible);
}

bool are_attempts(const std::vector<attempt_id>& attempts) {
    return std::all_of(attempts.begin(), attempts.end(), [](const attempt_id& one) {
        return is_plain(one.job_id, name_bytes) && one.attempt > 0;
    });
}

bool are_versions(const versions& all) {
    return std::all_of(all.begin(), all.end(),
                       [](const auto& one) { return check_collection(one.first).has_value(); });
}

/// Four edges for each box; a box may extend beyond the picture.
bool are_boxes(const std::vector<std::int64_t>& edges) {
    constexpr auto farthest = static_cast<std::int64_t>(2 * limits::image_side);
    return edges.size() % 4 == 0 && edges.size() / 4 <= limits::faces_per_image &&
           std::all_of(edges.begin(), edges.end(),
                       [](std::int64_t edge) { return edge >= -farthest && edge <= farthest; });
}

/// The name of a collection, or none where the work reads no gallery.
bool is_place(std::string_view collection, bool may_be_empty) {
    return collection.empty() ? may_be_empty : check_collection(collection).has_value();
}

bool is_worker(std::string_view id) {
    return is_plain(id, limits::worker_id_bytes);
}

struct checker {
    result<void> operator()(const ready& m) const {
        if (!is_worker(m.worker_id)) return wrong("READY", "worker_id");
        if (!is_line(m.host, host_bytes) || !is_line(m.device, name_bytes) ||
            !is_line(m.build, name_bytes) || !is_line(m.gpu, host_bytes)) {
            return wrong("READY", "host, device, build or card");
        }
        for (const std::string& type : m.types) {
            if (!is_plain(type, name_bytes)) return wrong("READY", "types");
        }
        if (!are_attempts(m.running)) return wrong("READY", "running");
        if (!are_model_names(m.detectors)) return wrong("READY", "detectors");
        if (!are_model_names(m.embedders)) return wrong("READY", "embedders");
        return are_versions(m.galleries) ? result<void>() : wrong("READY", "galleries");
    }
    result<void> operator()(const worker_heartbeat& m) const {
        if (!are_attempts(m.running)) return wrong("HEARTBEAT", "running");
        for (const std::string& id : m.frames) {
            if (!is_plain(id, name_bytes)) return wrong("HEARTBEAT", "frames");
        }
        return {};
    }
    result<void> operator()(const broker_heartbeat& m) const {
        return are_versions(m.galleries) ? result<void>() : wrong("HEARTBEAT", "versions");
    }
    result<void> operator()(const job& m) const {
        if (m.jobs.size() > limits::jobs_per_message) return wrong("JOB", "too many jobs");
        for (const leased_job& one : m.jobs) {
            if (!is_plain(one.job_id, name_bytes) || one.attempt == 0)
                return wrong("JOB", "job_id");
            // An older broker writes "recognize" for a type that it does not know.
            if (!is_place(one.collection, true)) return wrong("JOB", "collection");
            if (!is_line(one.traceparent, text_bytes)) return wrong("JOB", "traceparent");
        }
        return {};
    }
    result<void> operator()(const done& m) const {
        if (!is_plain(m.job_id, name_bytes)) return wrong("DONE", "job_id");
        if (!is_plain_or_empty(m.state)) return wrong("DONE", "state");
        if (m.stage_ms.size() > stages) return wrong("DONE", "stage_ms");
        for (const auto& [name, ms] : m.stage_ms) {
            if (!is_plain(name, name_bytes) || !(ms >= 0)) return wrong("DONE", "stage_ms");
        }
        return {};
    }
    result<void> operator()(const reload& m) const {
        return check_collection(m.collection) ? result<void>() : wrong("RELOAD", "collection");
    }
    result<void> operator()(const cancel& m) const {
        return is_plain(m.job_id, name_bytes) ? result<void>() : wrong("CANCEL", "job_id");
    }
    result<void> operator()(const drain& m) const {
        return is_line(m.reason, text_bytes) ? result<void>() : wrong("DRAIN", "reason");
    }
    result<void> operator()(const bye& m) const {
        return is_line(m.reason, text_bytes) ? result<void>() : wrong("BYE", "reason");
    }
    result<void> operator()(const submit& m) const {
        if (m.shard >= 4096) return wrong("SUBMIT", "shard");
        for (const std::string& id : m.job_ids) {
            if (!is_plain(id, name_bytes)) return wrong("SUBMIT", "job_ids");
        }
        return {};
    }
    result<void> operator()(const frame& m) const {
        if (!is_plain(m.frame_id, name_bytes)) return wrong("FRAME", "frame_id");
        if (!is_plain_or_empty(m.live_id)) return wrong("FRAME", "live_id");
        const auto type = job_type_named(m.type);
        if (!is_plain_or_empty(m.type)) return wrong("FRAME", "type");
        if (!is_place(m.collection, type && may_lack_collection(*type))) {
            return wrong("FRAME", "collection");
        }
        if (m.options.size() > text_bytes) return wrong("FRAME", "options");
        if (m.deadline_ms < 0) return wrong("FRAME", "deadline_ms");
        if (!are_boxes(m.known)) return wrong("FRAME", "known");
        if (!is_model_or_empty(m.detector)) return wrong("FRAME", "detector");
        if (!is_model_or_empty(m.embedder)) return wrong("FRAME", "embedder");
        return m.image.size() <= limits::body_bytes ? result<void>() : wrong("FRAME", "image");
    }
    result<void> operator()(const answer& m) const {
        if (!is_plain(m.frame_id, name_bytes)) return wrong("ANSWER", "frame_id");
        if (!is_plain_or_empty(m.error)) return wrong("ANSWER", "error");
        if (!is_plain_or_empty(m.type)) return wrong("ANSWER", "type");
        if (m.detail.size() > text_bytes) return wrong("ANSWER", "detail");
        return m.result.size() <= limits::result_bytes ? result<void>() : wrong("ANSWER", "result");
    }
    result<void> operator()(const status_request& m) const {
        return is_plain(m.request_id, name_bytes) ? result<void>() : wrong("STATUS", "request_id");
    }
    result<void> operator()(const status_reply& m) const {
        if (!is_plain(m.request_id, name_bytes)) return wrong("STATUS", "request_id");
        for (const worker_status& one : m.workers) {
            if (!is_worker(one.worker_id) || !is_line(one.host, host_bytes) ||
                !is_line(one.device, name_bytes) || !is_line(one.build, name_bytes) ||
                !is_line(one.gpu, host_bytes) || !is_plain_or_empty(one.state) ||
                !are_versions(one.galleries) || !are_model_names(one.detectors) ||
                !are_model_names(one.embedders)) {
                return wrong("STATUS", "workers");
            }
        }
        return is_line(m.broker_id, host_bytes) ? result<void>() : wrong("STATUS", "broker_id");
    }
    result<void> operator()(const drain_worker& m) const {
        return is_worker(m.worker_id) ? result<void>() : wrong("DRAIN_WORKER", "worker_id");
    }
    result<void> operator()(const cancel_request& m) const {
        return is_plain(m.job_id, name_bytes) ? result<void>() : wrong("CANCEL_REQUEST", "job_id");
    }
};

}  // namespace

result<void> check(const message& what) {
    return std::visit(checker{}, what);
}

}  // namespace vultus::protocol
