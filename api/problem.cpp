// See problem.hpp.
#include "api/problem.hpp"

#include "api/json.hpp"

namespace vultus::api {

int http_status(errc code) noexcept {
    switch (code) {
        case errc::malformed:
        case errc::bad_option:
        case errc::bad_collection:
            return 400;
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
        case errc::label_full:
        case errc::gallery_full:
        case errc::model_mismatch:
        case errc::poison:
            return 422;
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
    switch (code) {
        case errc::malformed:
            return "The request cannot be read";
        case errc::bad_option:
            return "An option is unknown or out of its range";
        case errc::bad_label:
            return "The person's name is not usable";
        case errc::bad_collection:
            return "The collection's name is not usable";
        case errc::not_found:
            return "Not found";
        case errc::collected:
            return "The job is no longer kept";
        case errc::method_not_allowed:
            return "The method is not allowed here";
        case errc::already_terminal:
            return "The job is finished";
        case errc::wrong_state:
            return "The job's state does not allow this";
        case errc::length_required:
            return "The length of the body is missing";
        case errc::too_large:
            return "Over a limit";
        case errc::unsupported_media:
            return "Not a JPEG, PNG or WebP picture";
        case errc::idempotency_conflict:
            return "The Idempotency-Key was used with other content";
        case errc::forbidden_origin:
            return "A page of another site may not do this";
        case errc::misdirected:
            return "This service does not answer for that host";
        case errc::quota:
            return "Your share is used up";
        case errc::request_timeout:
            return "The request came too slowly";
        case errc::queue_full:
            return "The queue is full";
        case errc::store_unavailable:
            return "The store is not available";
        case errc::no_worker:
            return "No worker can answer now";
        case errc::draining:
            return "The service is stopping";
        case errc::unknown_outcome:
            return "The outcome is not known";
        case errc::undecodable_image:
            return "The picture cannot be decoded";
        case errc::truncated_image:
            return "The picture is cut short";
        case errc::no_face:
            return "Nobody is on the photo";
        case errc::several_faces:
            return "More than one face is on the photo";
        case errc::no_usable_photo:
            return "No photo could be used";
        case errc::label_full:
            return "The person has too many faces";
        case errc::gallery_full:
            return "The collection has too many faces";
        case errc::model_mismatch:
            return "The collection belongs to another model";
        case errc::no_image:
            return "The picture is not kept any more";
        case errc::deadline_exceeded:
            return "It took too long";
        case errc::out_of_memory:
            return "No memory is left now";
        case errc::device_fault:
            return "A device failed";
        case errc::poison:
            return "The photo stops the workers";
        case errc::stale:
        case errc::old_version:
        case errc::not_registered:
        case errc::wrong_version:
            return "The answer was overtaken by a change; try again";
        case errc::internal:
            return "A defect of the service";
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
    made.close = status == 413 || status == 408;
    return made;
}

}  // namespace vultus::api
