// Every reason for which an operation of Vultus can fail, in one list. The same words stand in HTTP
// problem types, in the `error` field of a job, in logs and in metrics. Two switches give them
// meaning: api/http/problem.cpp (HTTP status) and retryable() below (try the job again, or fail
// it).
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace vultus {

enum class errc {
    // the request
    malformed,             ///< not what the route takes: bad JSON, multipart, query, header
    bad_option,            ///< an option is unknown or out of its range
    bad_label,             ///< a person's name breaks the rules of job.hpp
    bad_collection,        ///< a collection's name breaks the rules of job.hpp
    not_found,             ///< no such route, job, person or collection
    collected,             ///< the job existed; its retention is over
    method_not_allowed,    ///< the route exists, the method does not
    already_terminal,      ///< the job is finished (or committed); it cannot be cancelled
    wrong_state,           ///< an operator's kick, bury or delete does not fit the job's state
    length_required,       ///< a body without Content-Length or chunked coding
    too_large,             ///< over a limit of limits.hpp
    unsupported_media,     ///< no photo of a format that is read
    idempotency_conflict,  ///< the Idempotency-Key was used with other content
    unauthorized,          ///< no key, or none that is good now (api/ACCESS.md)
    forbidden,             ///< the key has not the scope or the collection
    forbidden_origin,      ///< a web page of another site sent this
    misdirected,           ///< the Host header names another machine
    quota,                 ///< this client's own share is used up
    request_timeout,       ///< the client was too slow
    upgrade_required,      ///< the address is a WebSocket
    // the service
    queue_full,         ///< no room for another job
    store_unavailable,  ///< Redis is away, or not safe to use
    no_worker,          ///< nobody can answer a request that is not stored
    draining,           ///< this process is stopping
    unknown_outcome,    ///< the connection broke after the command was sent: it may have run
    // the work
    undecodable_image,  ///< the picture's data is broken
    truncated_image,    ///< the picture ends before its end
    no_face,            ///< a training photo shows nobody
    several_faces,      ///< a training photo shows more than one face
    no_usable_photo,    ///< a train of which no file was accepted
    too_few_people,     ///< a calibrate of a collection that has not enough to compare
    label_full,         ///< a person has limits::faces_per_label faces already
    gallery_full,       ///< a collection has limits::gallery_faces faces already
    model_mismatch,     ///< the collection holds embeddings of another model
    no_image,           ///< the job's image is not kept any more
    deadline_exceeded,  ///< the job waited longer than its deadline
    out_of_memory,      ///< Redis or the device has no room now
    device_fault,       ///< the device cannot be trusted any more
    poison,             ///< lost three workers, each while it ran alone
    // the protocol between the processes
    stale,           ///< the attempt is no longer the worker's
    old_version,     ///< computed with a gallery older than the last removal
    not_registered,  ///< the worker's registration lapsed or never was
    wrong_version,   ///< another major version of the protocol or of the key layout
    internal,        ///< a defect; the detail goes to the log only
};

/// The stable name, as it stands in JSON and logs: the enumerator's own spelling.
std::string_view name_of(errc code) noexcept;

/// The code with that name. Unknown names give nothing.
std::optional<errc> errc_named(std::string_view name) noexcept;

/// True if the same work may succeed later (Redis away, memory short), so the job is delayed and
/// tried again; false if it never will, so the job fails.
bool retryable(errc code) noexcept;

/// A failed operation: what, and one sentence for the person who asked. The sentence never holds a
/// third party's exception text, a path or a secret.
struct error {
    errc code = errc::internal;
    std::string detail;
    bool operator==(const error&) const = default;
};

}  // namespace vultus
