// Jobs: one (with long poll and entity tag), many, cancelling, and the annotated photo.
#include "api/jobs/job_response.hpp"
#include "api/http/header_fields.hpp"
#include "api/handlers/handlers.hpp"
#include "api/jobs/job_view.hpp"
#include "api/http/json.hpp"
#include "api/http/query.hpp"
#include "shared/base/ids.hpp"
#include "shared/model/page_token.hpp"

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

constexpr std::string_view job_states =
    "pending running delayed publishing succeeded failed dead cancelled";
constexpr std::string_view job_types =
    "recognize train calibrate clear forget rename merge delete_collection";
constexpr int listing_calls = 20;

/// "<milliseconds> <job id>": anything else would begin at the newest job again.
bool is_job_cursor(std::string_view cursor) {
    const auto space = std::min(cursor.find(' '), cursor.size());
    const auto digits = cursor.substr(0, space);
    return !digits.empty() && digits.size() <= 16 &&
           digits.find_first_not_of("0123456789") == std::string_view::npos &&
           is_job_id(cursor.substr(std::min(space + 1, cursor.size())));
}

/// The value of a name of the query, nothing if it is not given. errors bad_option
template <class Value, class Named>
result<std::optional<Value>> chosen_in(const name_values& query, const std::string& name,
                                       std::string_view words, Named named) {
    const auto given = query.find(name);
    if (given == query.end()) return std::optional<Value>();
    const auto value = named(given->second);
    if (value) return value;
    return fail(errc::bad_option,
                name + " must be one of " + std::string(words) + ", not " +
                    in_quotes(given->second));
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
    auto wanted = parse_page(from.query);
    if (!wanted) co_return refuse(wanted.error(), from, with);
    const auto state = chosen_in<job_state>(from.query, "state", job_states, job_state_named);
    if (!state) co_return refuse(state.error(), from, with);
    const auto type = chosen_in<job_type>(from.query, "type", job_types, job_type_named);
    if (!type) co_return refuse(type.error(), from, with);
    if (!wanted->token.empty() && !is_job_cursor(wanted->token)) {
        co_return refuse({errc::bad_option, "page_token is not from a list of jobs"}, from, with);
    }
    json_array rows;
    std::size_t found_rows = 0;
    // A call looks at 1,000 jobs. A page of none that has another behind it reads as the end.
    for (int calls = 0; calls < listing_calls; ++calls) {
        const auto found =
            co_await with.redis.call(with.store.jobs(*state, *type, wanted->size, wanted->token));
        if (!found) co_return refuse(found.error(), from, with);
        for (const auto& one : found->jobs) {
            if (!sees(from.key.get(), one.type, one.collection)) continue;
            rows.raw(job_summary_json(one));
            ++found_rows;
        }
        wanted->token = found->next;
        if (found_rows > 0 || found->next.empty()) break;
    }
    json_object text;
    text.raw("jobs", rows.take());
    if (!wanted->token.empty()) text.add("next_page_token", page_token(wanted->token));
    co_return json_response(200, text.take());
}

asio::awaitable<response> cancel_job(request& from, services& with) {
    const auto& id = from.segments[0];
    if (auto good = check_id(id); !good) co_return refuse(good.error(), from, with);
    if (from.query.contains("wait")) {
        co_return refuse({errc::bad_option, "wait is only for GET"}, from, with);
    }
    if (from.key) {
        const auto job = co_await look_at(from, id, with);
        if (!job) co_return refuse(job.error(), from, with);
        if (!from.key->scopes.meets({scope_to_make(job->type), scope::admin})) {
            co_return refuse({errc::forbidden, "Key lacks the scope of this job"}, from,
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
        co_return refuse({errc::no_image, "Job has no annotated image"}, from, with);
    }
    response answer;
    answer.body = std::move(*picture);
    answer.with("Content-Type", "image/jpeg").with("Cache-Control", "private, max-age=60");
    co_return answer;
}

}  // namespace vultus::api::handlers
