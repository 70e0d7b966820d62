// Jobs: one (with long poll and entity tag), many, cancelling, and the annotated photo.
#include "api/accepting.hpp"
#include "api/fields.hpp"
#include "api/handlers.hpp"
#include "api/job_view.hpp"
#include "api/json.hpp"
#include "shared/ids.hpp"

namespace vultus::api::handlers {
namespace {

using std::chrono::milliseconds;

response shown(const job_record& job, const request& from) {
    const auto tag = job_tag(job);
    response answer;
    if (matches_tag(from.header("if-none-match"), tag)) {
        answer.status = 304;
    } else {
        answer = json_response(200, job_json(job));
    }
    if (!is_terminal(job.state)) answer.with("Retry-After", "1");
    answer.with("ETag", tag).with("Cache-Control", "no-cache");
    return answer;
}

/// The job, if the request may see it; another's is not there.
asio::awaitable<result<job_record>> look_at(const request& from, std::string id, services& with) {
    auto job = co_await with.redis.call(with.store.job(id));
    if (job && !sees(from.key.get(), job->type, job->collection)) co_return fail(no_such_job);
    co_return job;
}

/// Long poll: until the job is finished or, for a client that has seen it, until it changes.
asio::awaitable<result<job_record>> poll(const request& from, std::string id, milliseconds patience,
                                         services& with) {
    const auto seen = from.header("if-none-match");
    std::optional<event_hub::waiter> waiter;
    std::shared_ptr<const void> place;
    if (patience.count() > 0) place = place_to_wait(from, with);
    if (place) waiter.emplace(with.events, id);
    auto job = co_await look_at(from, id, with);
    const auto until = boot_now() + patience;
    while (waiter && job && !is_terminal(job->state)) {
        if (!seen.empty() && !matches_tag(seen, job_tag(*job))) break;
        const auto woken = co_await waiter->next(until - boot_now());
        if (woken == event_hub::wake::timeout || woken == event_hub::wake::stopping) break;
        job = co_await with.redis.call(with.store.job(id));
    }
    co_return job;
}

/// errors    not_found: no job has such an id
result<void> check_id(const std::string& id) {
    if (!is_job_id(id)) return fail(no_such_job);
    return {};
}

}  // namespace

asio::awaitable<response> job(request& from, services& with) {
    const auto& id = from.segments[0];
    if (auto good = check_id(id); !good) co_return refuse(good.error(), from, with);
    milliseconds patience{0};
    if (const auto wait = from.query.find("wait"); wait != from.query.end()) {
        const auto seconds = parse_wait(wait->second);
        if (!seconds) co_return refuse(seconds.error(), from, with);
        patience = *seconds;
    }
    const auto found = co_await poll(from, id, patience, with);
    if (!found) co_return refuse(found.error(), from, with);
    co_return shown(*found, from);
}

asio::awaitable<response> list_jobs(request& from, services& with) {
    const auto wanted = parse_page(from.query);
    if (!wanted) co_return refuse(wanted.error(), from, with);
    std::optional<job_state> state;
    if (const auto given = from.query.find("state"); given != from.query.end()) {
        state = job_state_named(given->second);
        if (!state) co_return refuse({errc::bad_option, "state is not one of a job"}, from, with);
    }
    std::optional<job_type> type;
    if (const auto given = from.query.find("type"); given != from.query.end()) {
        type = job_type_named(given->second);
        if (!type) co_return refuse({errc::bad_option, "type is not one of a job"}, from, with);
    }
    const auto found =
        co_await with.redis.call(with.store.jobs(state, type, wanted->size, wanted->token));
    if (!found) co_return refuse(found.error(), from, with);
    json_array rows;
    for (const auto& one : found->jobs) {
        if (sees(from.key.get(), one.type, one.collection)) rows.raw(job_summary_json(one));
    }
    json_object text;
    text.raw("jobs", rows.take());
    if (!found->next.empty()) text.add("next_page_token", found->next);
    co_return json_response(200, text.take());
}

asio::awaitable<response> cancel_job(request& from, services& with) {
    const auto& id = from.segments[0];
    if (auto good = check_id(id); !good) co_return refuse(good.error(), from, with);
    if (from.query.contains("wait")) {
        co_return refuse({errc::bad_option, "wait is for GET only"}, from, with);
    }
    if (from.key) {
        const auto job = co_await look_at(from, id, with);
        if (!job) co_return refuse(job.error(), from, with);
        if (!from.key->scopes.meets({scope_to_make(job->type), scope::admin})) {
            co_return refuse({errc::forbidden, "only who may make such a job may cancel it"}, from,
                             with);
        }
    }
    const auto outcome = co_await with.redis.call(with.store.cancel(id, from.client, from.address));
    if (!outcome) co_return refuse(outcome.error(), from, with);
    const bool done = *outcome == "cancelled";
    if (!done) with.brokers.cancel(id);
    const auto found = co_await with.redis.call(with.store.job(id));
    if (!found) co_return refuse(found.error(), from, with);
    co_return json_response(done ? 200 : 202, job_json(*found));
}

asio::awaitable<response> job_image(request& from, services& with) {
    const auto& id = from.segments[0];
    if (auto good = check_id(id); !good) co_return refuse(good.error(), from, with);
    const auto found = co_await look_at(from, id, with);
    if (!found) co_return refuse(found.error(), from, with);
    auto picture = co_await with.redis.call(with.store.annotated(id));
    if (!picture && picture.error().code != errc::not_found) {
        co_return refuse(picture.error(), from, with);
    }
    if (!picture || picture->empty()) {
        co_return refuse({errc::no_image, "the job keeps no picture"}, from, with);
    }
    response answer;
    answer.body = std::move(*picture);
    answer.with("Content-Type", "image/jpeg").with("Cache-Control", "private, max-age=60");
    co_return answer;
}

}  // namespace vultus::api::handlers
