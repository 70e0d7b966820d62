// The table of routes: maps a method and a path to a route and its parameters. Pure. The server
// reads it before a body, and dispatch.cpp maps each route to its handler.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "api/http/access_rule.hpp"
#include "shared/base/result.hpp"
#include "shared/model/surface.hpp"

namespace vultus::api {

enum class route {
    train,
    recognize,
    detect,
    embed,
    verify,
    faces,
    label,
    face,
    face_picture,
    people,
    person,
    person_faces,
    person_face,
    person_picture,
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
    pictures,
    model,
    status,
    models,
    session,
    setup,
    live_channel,
    live,
    ready,
    metrics,
    openapi,
    web,
    compat,  ///< of another surface; the row says which call
};

/// The body that a route accepts.
enum class body_kind {
    none,   ///< none, or a small form with the names of the query; of a PATCH JSON
    photo,  ///< multipart, raw image or JSON
    any,    ///< as large as a photo, of any type or none: the surface says what it takes
};

/// Who may call each method; a missing method gets 405. HEAD follows GET, OPTIONS is open to
/// anybody. No defaults, except that few routes have a PATCH or PUT.
struct method_rules {
    access_rule get, post, remove;
    access_rule patch = access_rule::not_there(), put = access_rule::not_there();
};

/// How the collection that the key must allow follows from a request.
enum class reach {
    nothing,   ///< no collection is involved
    by_field,  ///< `collection` of query or body: 403 if the key does not allow it
    by_path,   ///< {}: 403 if the key does not allow it
    by_job,    ///< that of the job: 404 if the key does not allow it
    listing,   ///< entries that the key does not allow are left out
};

struct route_row {
    route to;
    std::string_view name;     ///< in metrics
    std::string_view pattern;  ///< "{}" stands for one segment
    method_rules rules;
    reach collection;
    body_kind body;          ///< of a POST
    std::string_view query;  ///< accepted names in the query, "*": any
    surface of = surface::native;
};

/// The options of each kind of request, in its query, form, JSON or settings message.
constexpr std::string_view recognize_names =
    "collection k distance_max similarity_min min_face_px upsample detector rotate annotate "
    "embeddings durable top model url";
constexpr std::string_view detect_names =
    "collection min_face_px upsample detector rotate durable url";
constexpr std::string_view embed_names =
    "collection min_face_px upsample detector rotate embedder durable url";
constexpr std::string_view verify_names =
    "collection person distance_max similarity_min min_face_px upsample detector rotate embedder "
    "durable url urls";
constexpr std::string_view train_names =
    "collection name person_id external_id new_person num_jitters quality min_face_px upsample "
    "detector rotate embeddings model url urls";
constexpr std::string_view live_names =
    "collection detector min_face_px distance_max similarity_min k tracks blur";

/// The JSON member that may hold vectors instead of photos, of a recognize and a train.
constexpr std::string_view vectors_member = "embeddings";

std::span<const route_row> route_table() noexcept;
/// The routes of the other surfaces (surfaces.cpp).
std::span<const route_row> compat_table() noexcept;

/// The surface that a path belongs to by its beginning, whether there is such a route or not.
/// `target`  as sent; a query does not matter
surface surface_of(std::string_view target) noexcept;

struct target_parts {
    std::vector<std::string> segments;  ///< decoded; empty for "/"
    std::string_view query;             ///< undecoded, after the '?'
};

/// Splits and decodes a request target in origin form.
/// errors    malformed: not in origin form, a bad percent escape, a byte 0 or bad UTF-8;
///           not_found: an empty segment; too_large: more than limits::target_bytes
result<target_parts> split_target(std::string_view target);

/// The target without a slash at the end of its path, which other services ignore.
std::string without_last_slash(std::string_view target);

struct route_match {
    const route_row* row = nullptr;
    std::vector<std::string> segments;  ///< the values of each {}
};

/// The first row that fits, of the surfaces that are on.
/// errors    not_found
result<route_match> match_path(const std::vector<std::string>& segments, surface_set on = {});

/// requires  the route accepts the method, which is not OPTIONS
const access_rule& rule_for(const route_row& row, std::string_view method) noexcept;

/// Whether the method may change something, so that it needs the proof that a page of ours sent it.
bool is_changing(std::string_view method) noexcept;

/// Whether the route accepts the method, HEAD and OPTIONS included.
bool allows(const route_row& row, std::string_view method) noexcept;

/// Whether `wanted` is one of the words, which are separated by single spaces.
bool has_word(std::string_view words, std::string_view wanted) noexcept;

/// The value of the Allow header.
std::string allow_header(const route_row& row);

/// Replaces %XX; `plus_is_space` for queries.
/// errors    malformed: a bad escape, a byte 0, or the result is not UTF-8
result<std::string> percent_decode(std::string_view text, bool plus_is_space);

}  // namespace vultus::api
