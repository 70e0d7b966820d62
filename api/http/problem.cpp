// See problem.hpp.
#include "api/http/problem.hpp"

#include <iterator>
#include <utility>

#include "api/http/json.hpp"

namespace vultus::api {
namespace {

constexpr std::pair<errc, std::string_view> titles[] = {
    {errc::malformed, "Malformed request"},
    {errc::bad_option, "Unknown option or value out of range"},
    {errc::bad_label, "Invalid name of a person"},
    {errc::bad_collection, "Invalid collection name"},
    {errc::not_found, "Not found"},
    {errc::collected, "Job no longer stored"},
    {errc::method_not_allowed, "Method not allowed"},
    {errc::already_terminal, "Job already finished"},
    {errc::wrong_state, "Not allowed in the current state"},
    {errc::length_required, "Content-Length required"},
    {errc::too_large, "Too large"},
    {errc::unsupported_media, "Unsupported content type"},
    {errc::idempotency_conflict, "Idempotency-Key reused with different content"},
    {errc::unauthorized, "Key or login required"},
    {errc::forbidden, "Forbidden"},
    {errc::forbidden_origin, "Cross-site request refused"},
    {errc::misdirected, "Unknown host"},
    {errc::quota, "Quota exceeded"},
    {errc::request_timeout, "Request timed out"},
    {errc::upgrade_required, "WebSocket required"},
    {errc::queue_full, "Queue full"},
    {errc::store_unavailable, "Database unavailable"},
    {errc::no_worker, "No worker available"},
    {errc::draining, "Service is stopping"},
    {errc::unknown_outcome, "Outcome unknown"},
    {errc::undecodable_image, "Image cannot be decoded"},
    {errc::truncated_image, "Image is truncated"},
    {errc::no_face, "No face found"},
    {errc::several_faces, "More than one face found"},
    {errc::too_small, "Face too small"},
    {errc::blurred, "Face blurred"},
    {errc::turned_away, "Face turned away"},
    {errc::too_dark, "Face too dark"},
    {errc::too_bright, "Face too bright"},
    {errc::looks_like_other, "Face looks like another person's"},
    {errc::no_usable_photo, "No usable photo"},
    {errc::too_few_people, "Too few people to calibrate"},
    {errc::label_full, "Person has too many faces"},
    {errc::gallery_full, "Collection has too many faces"},
    {errc::model_mismatch, "Collection was trained with another model"},
    {errc::no_image, "Image not stored"},
    {errc::deadline_exceeded, "Deadline exceeded"},
    {errc::out_of_memory, "Out of memory"},
    {errc::device_fault, "Device failure"},
    {errc::poison, "Photo crashes the workers"},
    {errc::stale, "Answer outdated by a change: retry"},
    {errc::old_version, "Answer outdated by a change: retry"},
    {errc::not_registered, "Answer outdated by a change: retry"},
    {errc::wrong_version, "Answer outdated by a change: retry"},
    {errc::internal, "Internal error"},
};
static_assert(std::size(titles) == static_cast<std::size_t>(errc::internal) + 1);

}  // namespace

int http_status(errc code) noexcept {
    switch (code) {
        case errc::malformed:
        case errc::bad_option:
        case errc::bad_collection:
            return 400;
        case errc::unauthorized:
            return 401;
        case errc::forbidden:
        case errc::forbidden_origin:
            return 403;
        case errc::not_found:
        case errc::no_image:
            return 404;
        case errc::method_not_allowed:
            return 405;
        case errc::request_timeout:
            return 408;
        case errc::already_terminal:
        case errc::wrong_state:
            return 409;
        case errc::collected:
            return 410;
        case errc::length_required:
            return 411;
        case errc::too_large:
            return 413;
        case errc::unsupported_media:
            return 415;
        case errc::misdirected:
            return 421;
        case errc::bad_label:
        case errc::idempotency_conflict:
        case errc::undecodable_image:
        case errc::truncated_image:
        case errc::no_face:
        case errc::several_faces:
        case errc::too_small:
        case errc::blurred:
        case errc::turned_away:
        case errc::too_dark:
        case errc::too_bright:
        case errc::looks_like_other:
        case errc::no_usable_photo:
        case errc::too_few_people:
        case errc::label_full:
        case errc::gallery_full:
        case errc::model_mismatch:
        case errc::poison:
            return 422;
        case errc::upgrade_required:
            return 426;
        case errc::quota:
            return 429;
        case errc::queue_full:
        case errc::store_unavailable:
        case errc::no_worker:
        case errc::draining:
        case errc::unknown_outcome:
        case errc::deadline_exceeded:
        case errc::out_of_memory:
        case errc::device_fault:
        case errc::stale:
        case errc::old_version:
        case errc::not_registered:
        case errc::wrong_version:
            return 503;
        case errc::internal:
            return 500;
    }
    return 500;
}

std::string_view title_of(errc code) noexcept {
    for (const auto& [value, title] : titles) {
        if (value == code) return title;
    }
    return "Internal error";
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
