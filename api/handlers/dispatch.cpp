// Maps routes to handlers.
#include "api/handlers/handlers.hpp"
#include "api/jobs/job_response.hpp"

namespace vultus::api {
namespace {

response found_or_refused(response answer, const request& req, services& ctx) {
    if (answer.status != 404) return answer;
    return refuse({errc::not_found, "No such route"}, req, ctx);
}

job_type question_of(route to) {
    switch (to) {
        case route::detect:
            return job_type::detect;
        case route::embed:
            return job_type::embed;
        case route::verify:
            return job_type::verify;
        default:
            return job_type::recognize;
    }
}

/// What concerns the service and its users, and no job or person.
asio::awaitable<response> dispatch_service(request& req, services& ctx) {
    switch (req.to) {
        case route::status:
            co_return co_await handlers::status(req, ctx);
        case route::models:
            co_return co_await handlers::models(req, ctx);
        case route::session:
            if (req.method == "DELETE") co_return co_await handlers::log_out(req, ctx);
            if (req.method == "POST") co_return co_await handlers::log_in(req, ctx);
            co_return handlers::session(req, ctx);
        case route::setup:
            co_return co_await handlers::set_up(req, ctx);
        case route::live:
            co_return handlers::live(ctx);
        case route::ready:
            co_return handlers::ready(req, ctx);
        case route::metrics:
            co_return co_await handlers::metrics_text(ctx);
        case route::openapi:
        case route::web:
            co_return found_or_refused(handlers::web(req, ctx), req, ctx);
        default:
            co_return refuse({errc::not_found, "No such route"}, req, ctx);
    }
}

/// Of one person or face, by name or by id, and the list by id.
asio::awaitable<response> dispatch_people(request& req, services& ctx) {
    if (req.method == "DELETE") co_return co_await handlers::forget(req, ctx);
    if (req.method == "PATCH") co_return co_await handlers::change_person(req, ctx);
    if (req.to == route::people) co_return co_await handlers::list_people(req, ctx);
    if (req.to == route::person) co_return co_await handlers::person(req, ctx);
    co_return co_await handlers::list_faces(req, ctx);
}

}  // namespace

asio::awaitable<response> dispatch(request& req, services& ctx) {
    const bool removes = req.method == "DELETE";
    switch (req.to) {
        case route::train:
            co_return co_await handlers::train(req, ctx);
        case route::recognize:
        case route::detect:
        case route::embed:
        case route::verify:
            co_return co_await handlers::ask(question_of(req.to), req, ctx);
        case route::live_channel:
            co_return handlers::open_live_channel(req, ctx);
        case route::faces:
            if (removes) co_return co_await handlers::forget(req, ctx);
            co_return co_await handlers::list_labels(req, ctx);
        case route::face_picture:
        case route::person_picture:
            co_return co_await handlers::face_picture(req, ctx);
        case route::label:
        case route::face:
        case route::people:
        case route::person:
        case route::person_faces:
        case route::person_face:
            co_return co_await dispatch_people(req, ctx);
        case route::calibrate:
            co_return co_await handlers::calibrate(req, ctx);
        case route::clear:
            co_return co_await handlers::clear(req, ctx);
        case route::rename:
        case route::merge:
            co_return co_await handlers::rename(req, ctx);
        case route::jobs:
            co_return co_await handlers::list_jobs(req, ctx);
        case route::job:
            if (removes) co_return co_await handlers::cancel_job(req, ctx);
            co_return co_await handlers::job(req, ctx);
        case route::job_events:
            co_return co_await handlers::job_events(req, ctx);
        case route::job_image:
            co_return co_await handlers::job_image(req, ctx);
        case route::events:
            co_return handlers::all_events(req, ctx);
        case route::collections:
            co_return co_await handlers::list_collections(req, ctx);
        case route::collection:
            co_return co_await handlers::delete_collection(req, ctx);
        case route::retention:
            co_return co_await handlers::retention(req, ctx);
        case route::pictures:
            co_return co_await handlers::pictures(req, ctx);
        case route::model:
            if (req.method == "POST") co_return co_await handlers::change_model(req, ctx);
            co_return co_await handlers::model(req, ctx);
        default:
            co_return co_await dispatch_service(req, ctx);
    }
}

}  // namespace vultus::api
