// See problem.hpp.
#include "api/problem.hpp"

#include <iterator>
#include <utility>

#include "api/json.hpp"

namespace vultus::api {
namespace {

constexpr std::pair<errc, std::string_view> titles[] = {
    {errc::malformed, "The request cannot be read"},
    {errc::bad_option, "An option is unknown or out of its range"},
    {errc::bad_label, "The person's name is not usable"},
    {errc::bad_collection, "The collection's name is not usable"},
    {errc::not_found, "Not found"},
    {errc::collected, "The job is no longer kept"},
    {errc::method_not_allowed, "The method is not allowed here"},
    {errc::already_terminal, "The job is finished"},
    {errc::wrong_state, "The present state does not allow this"},
    {errc::length_required, "The length of the body is missing"},
    {errc::too_large, "Over a limit"},
    {errc::unsupported_media, "This kind of content is not taken"},
    {errc::idempotency_conflict, "The Idempotency-Key was used with other content"},
    {errc::unauthorized, "A key or a login is needed"},
    {errc::forbidden, "This is not allowed to you"},
    {errc::forbidden_origin, "A page of another site may not do this"},
    {errc::misdirected, "This service does not answer for that host"},
    {errc::quota, "Your share is used up"},
    {errc::request_timeout, "The request came too slowly"},
    {errc::upgrade_required, "This address is a WebSocket"},
    {errc::queue_full, "The queue is full"},
    {errc::store_unavailable, "The store is not available"},
    {errc::no_worker, "No worker can answer now"},
    {errc::draining, "The service is stopping"},
    {errc::unknown_outcome, "The outcome is not known"},
    {errc::undecodable_image, "The picture cannot be decoded"},
    {errc::truncated_image, "The picture is cut short"},
    {errc::no_face, "Nobody is on the photo"},
    {errc::several_faces, "More than one face is on the photo"},
    {errc::no_usable_photo, "No photo could be used"},
    {errc::too_few_people, "The collection has too few people to calibrate"},
    {errc::label_full, "The person has too many faces"},
    {errc::gallery_full, "The collection has too many faces"},
    {errc::model_mismatch, "The collection belongs to another model"},
    {errc::no_image, "The picture is not kept any more"},
    {errc::deadline_exceeded, "It took too long"},
    {errc::out_of_memory, "No memory is left now"},
    {errc::device_fault, "A device failed"},
    {errc::poison, "The photo stops the workers"},
    {errc::stale, "The answer was overtaken by a change; try again"},
    {errc::old_version, "The answer was overtaken by a change; try again"},
    {errc::not_registered, "The answer was overtaken by a change; try again"},
    {errc::wrong_version, "The answer was overtaken by a change; try again"},
    {errc::internal, "A defect of the service"},
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
    return "A defect of the service";
}

response problem(const error& why, std::string_view trace_id, int retry_after) {
    const int status = http_status(why.code);
    json_object text;
    text.add("type", "/problems/" + std::string(name_of(why.code)));
    text.add("title", title_of(why.code));
    text.add("status", status);
    const bool told = why.code != errc::internal && !why.detail.empty();
    text.add("detail", told ? std::string_view(why.detail) : title_of(why.code));
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
