// Every reason why an operation of Vultus can fail, in one list. HTTP problem types, the `error`
// field of a job and logs use the same names. Two switches give them meaning: api/http/problem.cpp
// (HTTP status) and retryable() below (retry the job, or fail it).
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace vultus {

enum class errc {
    // the request
    malformed,             ///< bad syntax: JSON, multipart, query, header, file
    bad_option,            ///< an option is unknown or out of its range
    bad_label,             ///< a person's name breaks the rules of job.hpp
    bad_collection,        ///< a collection's name breaks the rules of job.hpp
    not_found,             ///< no such route, job, person or collection
    collected,             ///< the job existed; its retention is over
    method_not_allowed,    ///< the route exists, the method does not
    already_terminal,      ///< the job is finished (or committed); it cannot be cancelled
    wrong_state,           ///< the operation does not apply: a job's state, a file that exists
    several_people,        ///< the name is that of several people; the detail has their ids
    person_exists,         ///< another person has this id or external_id
    length_required,       ///< a body without Content-Length or chunked coding
    too_large,             ///< over a limit of limits.hpp
    unsupported_media,     ///< not a photo of a supported format
    idempotency_conflict,  ///< the Idempotency-Key was used with other content
    unauthorized,          ///< no valid key (api/ACCESS.md)
    forbidden,             ///< the key does not allow this scope or collection
    forbidden_origin,      ///< a web page of another site sent this
    misdirected,           ///< the Host header names another machine
    quota,                 ///< this client's own share is used up
    request_timeout,       ///< the client was too slow
    upgrade_required,      ///< the route is a WebSocket
    url_refused,           ///< a photo may not be fetched from there (api.fetch_urls)
    fetch_failed,          ///< the server of a photo's URL did not give it
    // the service
    queue_full,         ///< no room for another job
    store_unavailable,  ///< Redis is unreachable, or not safe to use
    migrating,          ///< people of an older version are being indexed
    no_worker,          ///< no worker for a request that is not stored
    draining,           ///< this process is stopping
    unknown_outcome,    ///< no reply after the command was sent: it may have run
    // the work
    undecodable_image,  ///< the picture's data is broken
    truncated_image,    ///< the picture's data ends too early
    no_face,            ///< a training photo shows no face
    several_faces,      ///< a training photo shows more than one face
    too_small,          ///< quality gate: the face has too few pixels
    blurred,            ///< quality gate: the face has too little detail
    turned_away,        ///< quality gate: the face looks too far aside, up or down
    too_dark,           ///< quality gate: the face is too dark
    too_bright,         ///< quality gate: the face is too bright
    looks_like_other,   ///< quality gate: the nearest trained face belongs to somebody else
    no_usable_photo,    ///< a train job without an accepted photo
    too_few_people,     ///< a calibrate job on a collection with too few faces to compare
    label_full,         ///< a person has limits::faces_per_label faces already
    gallery_full,       ///< a collection has limits::gallery_faces faces already
    model_mismatch,     ///< the collection holds embeddings of another model
    no_image,           ///< the job's image is no longer stored
    deadline_exceeded,  ///< the job waited longer than its deadline
    out_of_memory,      ///< Redis or the device has no memory left now
    device_fault,       ///< the device cannot be trusted any more
    poison,             ///< the job was lost with three workers, each time while it ran alone
    // the protocol between the processes
    stale,           ///< the worker no longer holds the attempt
    old_version,     ///< computed with a gallery older than the last removal
    not_registered,  ///< the worker's registration lapsed or never was
    wrong_version,   ///< another major version of the protocol or of the key layout
    internal,        ///< a defect; the detail goes to the log only
};

/// The stable name, as in JSON and logs: the enumerator's own spelling.
std::string_view name_of(errc code) noexcept;

/// The code with that name; nothing for an unknown name.
std::optional<errc> errc_named(std::string_view name) noexcept;

/// Whether the same work may succeed later (Redis unreachable, memory short), so that the job is
/// delayed and retried; otherwise it fails.
bool retryable(errc code) noexcept;

/// A failed operation: the code, and one sentence for the person who asked, which never contains a
/// secret.
struct error {
    errc code = errc::internal;
    std::string detail;
    bool operator==(const error&) const = default;
};

}  // namespace vultus
