// From a route to its handler.
#include "api/jobs/job_response.hpp"
#include "api/handlers/handlers.hpp"

namespace vultus::api {
namespace {

response found_or_refused(response answer, const request& from, services& with) {
    if (answer.status != 404) return answer;
    return refuse({errc::not_found, "No such route"}, from, with);
}

}  // namespace

asio::awaitable<response> dispatch(request& from, services& with) {
    const bool removes = from.method == "DELETE";
    switch (from.to) {
        case route::train:
            co_return co_await handlers::train(from, with);
        case route::recognize:
            co_return co_await handlers::recognize(from, with);
        case route::live_channel:
            co_return handlers::live_channel(from, with);
        case route::faces:
            if (removes) co_return co_await handlers::forget(from, with);
            co_return co_await handlers::list_labels(from, with);
        case route::label:
            if (removes) co_return co_await handlers::forget(from, with);
            co_return co_await handlers::list_faces(from, with);
        case route::face:
            co_return co_await handlers::forget(from, with);
        case route::face_picture:
            co_return co_await handlers::face_picture(from, with);
        case route::calibrate:
            co_return co_await handlers::calibrate(from, with);
        case route::clear:
            co_return co_await handlers::clear(from, with);
        case route::rename:
        case route::merge:
            co_return co_await handlers::rename(from, with);
        case route::jobs:
            co_return co_await handlers::list_jobs(from, with);
        case route::job:
            if (removes) co_return co_await handlers::cancel_job(from, with);
            co_return co_await handlers::job(from, with);
        case route::job_events:
            co_return co_await handlers::job_events(from, with);
        case route::job_image:
            co_return co_await handlers::job_image(from, with);
        case route::events:
            co_return handlers::all_events(from, with);
        case route::collections:
            co_return co_await handlers::list_collections(from, with);
        case route::collection:
            co_return co_await handlers::delete_collection(from, with);
        case route::retention:
            co_return co_await handlers::retention(from, with);
        case route::status:
            co_return co_await handlers::status(from, with);
        case route::session:
            if (removes) co_return co_await handlers::log_out(from, with);
            if (from.method == "POST") co_return co_await handlers::log_in(from, with);
            co_return handlers::session(from, with);
        case route::live:
            co_return handlers::live(with);
        case route::ready:
            co_return handlers::ready(from, with);
        case route::metrics:
            co_return co_await handlers::metrics_text(with);
        case route::openapi:
        case route::web:
            co_return found_or_refused(handlers::web(from), from, with);
    }
    co_return refuse({errc::not_found, "No such route"}, from, with);
}

}  // namespace vultus::api
