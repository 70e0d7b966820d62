// The messages between api, broker and worker, and their bytes: PROTOCOL.md in C++. The only file
// with MessagePack is protocol.cpp.
#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "shared/base/result.hpp"
#include "shared/base/shared_bytes.hpp"
#include "shared/model/job.hpp"

namespace vultus::protocol {

constexpr std::string_view magic = "VLT1";  ///< frame 0: name and major version

using versions = std::map<std::string, gallery_version>;  ///< collection -> version

struct ready {  // 01 worker > broker
    std::string worker_id, host, device, build;
    std::int64_t pid = 0;
    std::vector<std::string> types;  ///< job types it runs
    std::uint32_t window = 0;        ///< jobs it accepts at one time
    std::uint32_t frame_window = 0;  ///< frames it accepts at one time
    std::vector<attempt_id> running;
    versions galleries;    ///< collections it holds
    std::string gpu = {};  ///< name, memory and compute capability; empty: none
    /// Names of the models it has; empty: an older worker. At most limits::models_of_worker each.
    std::vector<std::string> detectors = {}, embedders = {};
    bool operator==(const ready&) const = default;
};
struct worker_load {                   // in HEARTBEAT and STATUS: since the worker started
    std::uint64_t batches = 0;         ///< passes of the embedding network
    std::uint64_t faces = 0;           ///< faces in those passes
    std::uint64_t photos = 0;          ///< of jobs and frames, processed
    std::uint64_t gpu_bytes = 0;       ///< memory of its GPU; 0: no GPU
    std::uint64_t gpu_free_bytes = 0;  ///< of that, free
    std::uint64_t decoders_lost = 0;   ///< decoder processes that ended unexpectedly
    std::uint64_t turn_cpu_us = 0, turn_wall_us = 0;  ///< longest turn of the loop of its session
    bool operator==(const worker_load&) const = default;
};
struct worker_heartbeat {      // 02 worker > broker
    std::uint64_t last_n = 0;  ///< n of the last JOB received on this connection
    std::vector<attempt_id> running;
    std::vector<std::string> frames;  ///< frames it works on
    std::uint64_t progress = 0;       ///< increases while stages move
    worker_load load = {};
    bool operator==(const worker_heartbeat&) const = default;
};
struct broker_heartbeat {  // 02 broker > worker
    std::uint32_t interval_ms = 0;
    std::int64_t now_ms = 0;  ///< estimate of Redis' clock
    versions galleries;       ///< current versions of the collections it holds
    bool operator==(const broker_heartbeat&) const = default;
};
struct job {                       // 03 broker > worker
    std::uint64_t n = 0;           ///< counts the JOB messages of this connection from 1
    std::vector<leased_job> jobs;  ///< at most limits::jobs_per_message
    bool operator==(const job&) const = default;
};
struct done {  // 04 worker > broker, after the commit; a hint
    std::string job_id;
    std::uint64_t attempt = 0;
    std::string state;
    std::map<std::string, double> stage_ms;
    bool operator==(const done&) const = default;
};
struct reload {  // 06 broker > worker: catch up now; a hint
    std::string collection;
    gallery_version version = 0;
    bool operator==(const reload&) const = default;
};
struct cancel {  // 08 broker > worker
    std::string job_id;
    std::uint64_t attempt = 0;
    bool operator==(const cancel&) const = default;
};
struct drain {  // 09 both ways; worker > broker: send no more work
    std::string reason;
    bool operator==(const drain&) const = default;
};
struct bye {  // 0A both ways; from the broker: open new sockets and send READY again
    std::string reason;
    bool operator==(const bye&) const = default;
};
struct submit {  // 10 api > broker; a hint
    std::uint32_t shard = 0;
    std::vector<std::string> job_ids;
    bool operator==(const submit&) const = default;
};
struct frame {                  // 11 api > broker > worker; never stored
    std::string frame_id;       ///< chosen by the api, unique in its lifetime
    std::uint64_t attempt = 0;  ///< set by the broker, 1 or 2
    std::string live_id;        ///< of a live channel, whose newest frame wins; or empty
    std::string collection;
    std::string options;  ///< JSON text of job_options
    gallery_version min_version = 0;
    std::int64_t deadline_ms = 0;  ///< milliseconds after sending until nobody needs the answer
    shared_bytes image;            ///< frame 3, at most limits::body_bytes; never copied
    /// Left, top, right, bottom of each face that the sender has identified; at most
    /// limits::faces_per_image.
    std::vector<std::int64_t> known = {};
    /// The models that it needs; empty: an older sender, and then the worker chooses.
    std::string detector = {}, embedder = {};
    /// What its worker must have announced in READY: a type, or vectors_word. Empty: a recognize of
    /// a photo, which every worker takes.
    std::string type = {};
    bool operator==(const frame&) const = default;
};
struct answer {  // 12 worker > broker > api
    std::string frame_id;
    std::uint64_t attempt = 0;
    gallery_version version = 0;
    std::string error;      ///< name of an errc, empty on success
    std::string detail;     ///< for people
    std::string result;     ///< frame 3: JSON text, at most limits::result_bytes
    std::string type = {};  ///< of the frame: an older worker or broker drops it
    bool operator==(const answer&) const = default;
};
struct status_request {  // 13 api > broker
    std::string request_id;
    bool operator==(const status_request&) const = default;
};
struct worker_status {
    std::string worker_id, host, device, build, state;  ///< ready | draining
    std::int64_t pid = 0;
    std::uint32_t window = 0, outstanding = 0, frames = 0;
    std::int64_t last_seen_ms = 0;  ///< milliseconds ago
    versions galleries;
    std::string gpu = {};  ///< as in READY
    worker_load load = {};
    std::vector<std::string> detectors = {}, embedders = {};  ///< as in READY
    bool operator==(const worker_status&) const = default;
};
struct status_reply {  // 13 broker > api
    std::string request_id;
    std::string broker_id;
    std::vector<worker_status> workers;
    std::uint64_t workers_left_out = 0;  ///< set by encode() if not all fit into one message
    std::uint64_t frames_waiting = 0, frame_bytes = 0;
    std::uint64_t refused_peers = 0;                  ///< connections refused since it started
    std::uint64_t turn_cpu_us = 0, turn_wall_us = 0;  ///< longest turn of its loop
    bool operator==(const status_reply&) const = default;
};
struct drain_worker {  // 14 api or vultusctl > broker: drain one worker
    std::string worker_id;
    bool operator==(const drain_worker&) const = default;
};
struct cancel_request {  // 15 api > broker: send CANCEL to the worker that runs it; a hint
    std::string job_id;
    bool operator==(const cancel_request&) const = default;
};

/// Every message. The direction decides between the two forms of 02 and 13.
using message =
    std::variant<ready, worker_heartbeat, broker_heartbeat, job, done, reload, cancel, drain, bye,
                 submit, frame, answer, status_request, status_reply, drain_worker, cancel_request>;

enum class direction { to_broker, from_broker };

/// Frames after the routing id: magic, command, map and, for frame and answer, the payload. The
/// image of a frame is shared with `what`.
/// requires  the map is at most limits::map_bytes (the limits of what it lists see to that); only a
///           status_reply is shortened to fit
std::vector<shared_bytes> encode(const message& what);

/// The image of a frame is shared with `frames`.
/// errors    wrong_version: another magic or an unknown command (reply BYE "version", drop);
///           malformed: anything else (drop). Never throws, and never allocates more than the
///           limits because of a length that the bytes only claim.
result<message> decode(direction which, std::span<const shared_bytes> frames);

}  // namespace vultus::protocol
