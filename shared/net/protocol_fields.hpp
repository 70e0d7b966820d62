// The keys in the map of each message: visit(v, message) calls v(key, field) for each, and
// v.id(...) for the required ones. Only protocol.cpp uses it, to encode and to decode.
#pragma once

#include <type_traits>

#include "shared/net/protocol.hpp"

namespace vultus::protocol {

template <class V, class M>
void visit(V& v, M& m, std::type_identity<leased_job>) {
    v.id("job_id", m.job_id), v.id("attempt", m.attempt), v.id("type", m.type);
    v.id("collection", m.collection), v("min_version", m.min_version);
    v("lease_until_ms", m.lease_until), v("deadline_ms", m.deadline), v("solo", m.solo);
    v("traceparent", m.traceparent);
}
template <class V, class M>
void visit(V& v, M& m, std::type_identity<worker_load>) {
    v("batches", m.batches), v("faces", m.faces), v("photos", m.photos);
    v("card_bytes", m.gpu_bytes), v("card_free_bytes", m.gpu_free_bytes);
    v("decoders_lost", m.decoders_lost), v("turn_cpu_us", m.turn_cpu_us);
    v("turn_wall_us", m.turn_wall_us);
}
template <class V, class M>
void visit(V& v, M& m, std::type_identity<worker_status>) {
    v.id("worker_id", m.worker_id), v("host", m.host), v("device", m.device), v("build", m.build);
    v("state", m.state), v("pid", m.pid), v("window", m.window), v("outstanding", m.outstanding);
    v("frames", m.frames), v("last_seen_ms", m.last_seen_ms), v("galleries", m.galleries);
    v("card", m.gpu), v("load", m.load), v("detectors", m.detectors);
    v("embedders", m.embedders);
}
template <class V, class M>
void visit(V& v, M& m, std::type_identity<ready>) {
    v.id("worker_id", m.worker_id), v("host", m.host), v("pid", m.pid), v("device", m.device);
    v("build", m.build), v("types", m.types), v("window", m.window);
    v("frame_window", m.frame_window), v("running", m.running), v("galleries", m.galleries);
    v("card", m.gpu), v("detectors", m.detectors), v("embedders", m.embedders);
}
template <class V, class M>
void visit(V& v, M& m, std::type_identity<worker_heartbeat>) {
    v("last_n", m.last_n), v("running", m.running), v("frames", m.frames);
    v("progress", m.progress), v("load", m.load);
}
template <class V, class M>
void visit(V& v, M& m, std::type_identity<broker_heartbeat>) {
    v("interval_ms", m.interval_ms), v("now_ms", m.now_ms), v("versions", m.galleries);
}
template <class V, class M>
void visit(V& v, M& m, std::type_identity<job>) {
    v.id("n", m.n), v.id("jobs", m.jobs);
}
template <class V, class M>
void visit(V& v, M& m, std::type_identity<done>) {
    v.id("job_id", m.job_id), v.id("attempt", m.attempt), v("state", m.state);
    v("stage_ms", m.stage_ms);
}
template <class V, class M>
void visit(V& v, M& m, std::type_identity<reload>) {
    v.id("collection", m.collection), v("version", m.version);
}
template <class V, class M>
void visit(V& v, M& m, std::type_identity<cancel>) {
    v.id("job_id", m.job_id), v.id("attempt", m.attempt);
}
template <class V, class M>
void visit(V& v, M& m, std::type_identity<drain>) {
    v("reason", m.reason);
}
template <class V, class M>
void visit(V& v, M& m, std::type_identity<bye>) {
    v("reason", m.reason);
}
template <class V, class M>
void visit(V& v, M& m, std::type_identity<submit>) {
    v("shard", m.shard), v.id("job_ids", m.job_ids);
}
template <class V, class M>
void visit(V& v, M& m, std::type_identity<frame>) {
    v.id("frame_id", m.frame_id), v("attempt", m.attempt), v("live_id", m.live_id);
    v.id("collection", m.collection), v("options", m.options), v("min_version", m.min_version);
    v("deadline_ms", m.deadline_ms), v("known", m.known);
    v("detector", m.detector), v("embedder", m.embedder), v("type", m.type);
}
template <class V, class M>
void visit(V& v, M& m, std::type_identity<answer>) {
    v.id("frame_id", m.frame_id), v("attempt", m.attempt), v("version", m.version);
    v("error", m.error), v("detail", m.detail), v("type", m.type);
}
template <class V, class M>
void visit(V& v, M& m, std::type_identity<status_request>) {
    v.id("request_id", m.request_id);
}
template <class V, class M>
void visit(V& v, M& m, std::type_identity<status_reply>) {
    v.id("request_id", m.request_id), v("broker_id", m.broker_id), v("workers", m.workers);
    v("workers_left_out", m.workers_left_out), v("frames_waiting", m.frames_waiting);
    v("frame_bytes", m.frame_bytes), v("refused_peers", m.refused_peers);
    v("turn_cpu_us", m.turn_cpu_us), v("turn_wall_us", m.turn_wall_us);
}
template <class V, class M>
void visit(V& v, M& m, std::type_identity<drain_worker>) {
    v.id("worker_id", m.worker_id);
}
template <class V, class M>
void visit(V& v, M& m, std::type_identity<cancel_request>) {
    v.id("job_id", m.job_id);
}

template <class V, class M>
void visit(V& v, M& m) {
    visit(v, m, std::type_identity<std::remove_const_t<M>>{});
}

}  // namespace vultus::protocol
