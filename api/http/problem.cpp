// See problem.hpp.
#include "api/http/problem.hpp"

#include <iterator>
#include <string_view>

#include "api/http/json.hpp"

namespace vultus::api {
namespace {

struct row {
    errc code;
    int status;
    std::string_view title;
};

constexpr row rows[] = {
    {errc::malformed, 400, "Malformed request"},
    {errc::bad_option, 400, "Unknown option or value out of range"},
    {errc::bad_label, 422, "Invalid name of a person"},
    {errc::bad_collection, 400, "Invalid collection name"},
    {errc::not_found, 404, "Not found"},
    {errc::collected, 410, "Job no longer stored"},
    {errc::method_not_allowed, 405, "Method not allowed"},
    {errc::already_terminal, 409, "Job already finished"},
    {errc::wrong_state, 409, "Not allowed in the current state"},
    {errc::several_people, 409, "Several people have this name"},
    {errc::person_exists, 409, "Another person has this id"},
    {errc::length_required, 411, "Content-Length required"},
    {errc::too_large, 413, "Too large"},
    {errc::unsupported_media, 415, "Unsupported content type"},
    {errc::idempotency_conflict, 422, "Idempotency-Key reused with different content"},
    {errc::unauthorized, 401, "Key or login required"},
    {errc::forbidden, 403, "Forbidden"},
    {errc::forbidden_origin, 403, "Cross-site request refused"},
    {errc::misdirected, 421, "Unknown host"},
    {errc::quota, 429, "Quota exceeded"},
    {errc::request_timeout, 408, "Request timed out"},
    {errc::upgrade_required, 426, "WebSocket required"},
    {errc::url_refused, 403, "URL refused"},
    {errc::fetch_failed, 422, "Photo could not be fetched"},
    {errc::queue_full, 503, "Queue full"},
    {errc::store_unavailable, 503, "Database unavailable"},
    {errc::migrating, 503, "People are being indexed"},
    {errc::no_worker, 503, "No worker available"},
    {errc::draining, 503, "Service is stopping"},
    {errc::unknown_outcome, 503, "Outcome unknown"},
    {errc::undecodable_image, 422, "Image cannot be decoded"},
    {errc::truncated_image, 422, "Image is truncated"},
    {errc::no_face, 422, "No face found"},
    {errc::several_faces, 422, "More than one face found"},
    {errc::too_small, 422, "Face too small"},
    {errc::blurred, 422, "Face blurred"},
    {errc::turned_away, 422, "Face turned away"},
    {errc::too_dark, 422, "Face too dark"},
    {errc::too_bright, 422, "Face too bright"},
    {errc::looks_like_other, 422, "Face looks like another person's"},
    {errc::no_usable_photo, 422, "No usable photo"},
    {errc::too_few_people, 422, "Too few people to calibrate"},
    {errc::label_full, 422, "Person has too many faces"},
    {errc::gallery_full, 422, "Collection has too many faces"},
    {errc::model_mismatch, 422, "Collection was trained with another model"},
    {errc::no_image, 404, "Image not stored"},
    {errc::deadline_exceeded, 503, "Deadline exceeded"},
    {errc::out_of_memory, 503, "Out of memory"},
    {errc::device_fault, 503, "Device failure"},
    {errc::poison, 422, "Photo crashes the workers"},
    {errc::stale, 503, "Answer outdated by a change: retry"},
    {errc::old_version, 503, "Answer outdated by a change: retry"},
    {errc::not_registered, 503, "Answer outdated by a change: retry"},
    {errc::wrong_version, 503, "Answer outdated by a change: retry"},
    {errc::internal, 500, "Internal error"},
};
static_assert(std::size(rows) == static_cast<std::size_t>(errc::internal) + 1);

const row& row_of(errc code) noexcept {
    for (const row& one : rows) {
        if (one.code == code) return one;
    }
    return rows[std::size(rows) - 1];
}

}  // namespace

int http_status(errc code) noexcept {
    return row_of(code).status;
}

std::string_view title_of(errc code) noexcept {
    return row_of(code).title;
}

response problem(const error& why, std::string_view trace_id, int retry_after) {
    const int status = http_status(why.code);
    json_object text;
    text.add("type", "/problems/" + std::string(name_of(why.code)));
    text.add("title", title_of(why.code));
    text.add("status", status);
    const bool shown = why.code != errc::internal && !why.detail.empty();
    text.add("detail", shown ? std::string_view(why.detail) : title_of(why.code));
    text.add("trace_id", trace_id);
    response made;
    made.status = status;
    made.body = text.take();
    made.with("Content-Type", "application/problem+json");
    made.with("Cache-Control", "no-store");
    if (status == 503 || status == 429) made.with("Retry-After", std::to_string(retry_after));
    if (status == 401) made.with("WWW-Authenticate", "Bearer realm=\"vultus\"");
    made.close = status == 413 || status == 408;
    return made;
}

}  // namespace vultus::api
