// The one table of addresses: method and path in, route and parameters out. Pure; the server asks
// it before a body is read, and dispatch.cpp gives each route its handler.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "api/http/access_rule.hpp"
#include "shared/base/result.hpp"

namespace vultus::api {

enum class route {
    train,
    recognize,
    faces,
    label,
    face,
    face_picture,
    calibrate,
    clear,
    rename,
    merge,
    jobs,
    job,
    job_events,
    job_image,
    events,
    collections,
    collection,
    retention,
    status,
    session,
    live_channel,
    live,
    ready,
    metrics,
    openapi,
    web,
};

/// What a route takes as a body.
enum class body_kind {
    none,   ///< nothing, or a small form with names of the query
    photo,  ///< multipart, raw image or JSON
};

/// Who may call each method; one that is not there is refused with 405. HEAD goes with GET, OPTIONS
/// is anybody's. None has a default.
struct method_rules {
    access_rule get, post, remove;
};

/// How a request to the route says which collection its key must have.
enum class reach {
    nothing,   ///< no collection comes into it
    by_field,  ///< `collection` of query or body: another one is 403
    by_path,   ///< {}: another one is 403
    by_job,    ///< that of the job: another one's is 404
    listing,   ///< what the key may not see is left out
};

struct route_row {
    route to;
    std::string_view name;     ///< in metrics
    std::string_view pattern;  ///< "{}" stands for one segment
    method_rules rules;
    reach collection;
    body_kind body;          ///< of a POST
    std::string_view query;  ///< names that may stand in the query, "*": any
};

/// What may be chosen for each kind of request, in its query, form, JSON or settings message.
constexpr std::string_view recognize_names =
    "collection k distance_max min_face_px upsample detector annotate embeddings durable";
constexpr std::string_view train_names =
    "collection name num_jitters min_face_px upsample detector";
constexpr std::string_view live_names =
    "collection detector min_face_px distance_max k tracks blur";

std::span<const route_row> route_table() noexcept;

struct target_parts {
    std::vector<std::string> segments;  ///< decoded; of "/" none
    std::string_view query;             ///< undecoded, after the '?'
};

/// Splits and decodes a request target in origin form.
/// errors    malformed: not in origin form, a bad percent escape, a byte 0 or bad UTF-8;
///           not_found: an empty segment; too_large: more than limits::target_bytes
result<target_parts> split_target(std::string_view target);

struct route_match {
    const route_row* row = nullptr;
    std::vector<std::string> segments;  ///< what stood for each {}
};

/// errors    not_found
result<route_match> match_path(const std::vector<std::string>& segments);

/// requires  the route takes the method, which is not OPTIONS
const access_rule& rule_for(const route_row& row, std::string_view method) noexcept;

/// Whether the route takes the method; HEAD and OPTIONS are decided here too.
bool allows(const route_row& row, std::string_view method) noexcept;

/// Whether `wanted` is one of the words, which a space separates.
bool has_word(std::string_view words, std::string_view wanted) noexcept;

/// The value of the Allow header.
std::string allow_header(const route_row& row);

/// Replaces %XX; `plus_is_space` for queries.
/// errors    malformed: a bad escape, a byte 0, or what comes out is not UTF-8
result<std::string> percent_decode(std::string_view text, bool plus_is_space);

}  // namespace vultus::api
