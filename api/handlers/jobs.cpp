// Jobs: one (with long poll and entity tag), many, cancelling, and the annotated photo.
#include "api/handlers/handlers.hpp"
#include "api/http/header_fields.hpp"
#include "api/http/json.hpp"
#include "api/http/query.hpp"
#include "api/jobs/job_response.hpp"
#include "api/jobs/job_view.hpp"
#include "shared/base/ids.hpp"
#include "shared/model/page_token.hpp"
#include "shared/store/job_reader.hpp"

namespace vultus::api::handlers {
namespace {

using std::chrono::milliseconds;

asio::awaitable<response> shown(const job_record& job, const request& req, services& ctx) {
    const auto tag = job_tag(job);
    response answer;
    if (matches_tag(req.header("if-none-match"), tag)) {
        answer.status = 304;
    } else {
        answer = json_response(200, co_await job_text(job, req.key.get(), ctx));
    }
    if (!is_terminal(job.state)) answer.with("Retry-After", "1");
    answer.with("ETag", tag).with("Cache-Control", "no-cache");
    co_return answer;
}

/// The job, if the request may see it; otherwise not_found.
asio::awaitable<result<job_record>> look_at(const request& req, std::string id, services& ctx) {
    auto job = co_await ctx.redis.call(ctx.jobs.job(id));
    if (job && !sees(req.key.get(), *job)) co_return fail(no_such_job);
    co_return job;
}

/// Long poll: until the job is finished or, for a client that has seen it, until it changes.
asio::awaitable<result<job_record>> poll(const request& req, std::string id, milliseconds patience,
                                         services& ctx) {
    const auto seen = req.header("if-none-match");
    std::optional<event_hub::waiter> waiter;
    std::shared_ptr<const void> place;
    if (patience.count() > 0) place = place_to_wait(req, ctx);
    if (place) waiter.emplace(ctx.events, id);
    auto job = co_await look_at(req, id, ctx);
    const auto until = boot_now() + patience;
    while (waiter && job && !is_terminal(job->state)) {
        if (!seen.empty() && !matches_tag(seen, job_tag(*job))) break;
        const auto woken = co_await waiter->next(until - boot_now());
        if (woken == event_hub::wake::timeout || woken == event_hub::wake::stopping) break;
        job = co_await ctx.redis.call(ctx.jobs.job(id));
    }
    co_return job;
}

/// errors    not_found: not the form of a job id
result<void> check_id(const std::string& id) {
    if (!is_job_id(id)) return fail(no_such_job);
    return {};
}

constexpr std::string_view job_states =
    "pending running delayed publishing succeeded failed dead cancelled";
constexpr std::string_view job_types =
    "recognize detect embed verify train calibrate reembed clear forget rename merge "
    "delete_collection";
constexpr int listing_calls = 20;

/// "<milliseconds> <job id>": with anything else Redis would start at the newest job again.
bool is_job_cursor(std::string_view cursor) {
    const auto space = std::min(cursor.find(' '), cursor.size());
    const auto digits = cursor.substr(0, space);
    return !digits.empty() && digits.size() <= 16 &&
           digits.find_first_not_of("0123456789") == std::string_view::npos &&
           is_job_id(cursor.substr(std::min(space + 1, cursor.size())));
}

/// The value of a name in the query; nothing without it. errors bad_option
template <class Value, class Named>
result<std::optional<Value>> chosen_in(const name_values& query, const std::string& name,
                                       std::string_view words, Named named) {
    const auto given = query.find(name);
    if (given == query.end()) return std::optional<Value>();
    const auto value = named(given->second);
    if (value) return value;
    return fail(errc::bad_option, name + " must be one of " + std::string(words) + ", not " +
                                      in_quotes(given->second));
}

}  // namespace

asio::awaitable<response> job(request& req, services& ctx) {
    const auto& id = req.segments[0];
    if (auto good = check_id(id); !good) co_return refuse(good.error(), req, ctx);
    milliseconds patience{0};
    if (const auto wait = req.query.find("wait"); wait != req.query.end()) {
        const auto seconds = parse_wait(wait->second);
        if (!seconds) co_return refuse(seconds.error(), req, ctx);
        patience = *seconds;
    }
    const auto found = co_await poll(req, id, patience, ctx);
    if (!found) co_return refuse(found.error(), req, ctx);
    co_return co_await shown(*found, req, ctx);
}

asio::awaitable<response> list_jobs(request& req, services& ctx) {
    auto wanted = parse_page(req.query);
    if (!wanted) co_return refuse(wanted.error(), req, ctx);
    const auto state = chosen_in<job_state>(req.query, "state", job_states, job_state_named);
    if (!state) co_return refuse(state.error(), req, ctx);
    const auto type = chosen_in<job_type>(req.query, "type", job_types, job_type_named);
    if (!type) co_return refuse(type.error(), req, ctx);
    if (!wanted->token.empty() && !is_job_cursor(wanted->token)) {
        co_return refuse({errc::bad_option, "page_token is not from a list of jobs"}, req, ctx);
    }
    json_array rows;
    std::size_t found_rows = 0;
    // One call scans 1,000 jobs. Clients take an empty page for the end, so read on if more follow.
    for (int calls = 0; calls < listing_calls; ++calls) {
        const auto found =
            co_await ctx.redis.call(ctx.jobs.jobs(*state, *type, wanted->size, wanted->token));
        if (!found) co_return refuse(found.error(), req, ctx);
        for (const auto& one : found->jobs) {
            if (!sees(req.key.get(), one)) continue;
            rows.raw(job_summary_json(one, ctx.settings.base_path));
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

asio::awaitable<response> cancel_job(request& req, services& ctx) {
    const auto& id = req.segments[0];
    if (auto good = check_id(id); !good) co_return refuse(good.error(), req, ctx);
    if (req.query.contains("wait")) {
        co_return refuse({errc::bad_option, "wait is only for GET"}, req, ctx);
    }
    if (req.key) {
        const auto job = co_await look_at(req, id, ctx);
        if (!job) co_return refuse(job.error(), req, ctx);
        if (!req.key->scopes.meets({scope_to_make(job->type), scope::admin})) {
            co_return refuse({errc::forbidden, "Key lacks the scope of this job"}, req, ctx);
        }
    }
    const auto outcome =
        co_await ctx.redis.call(ctx.submissions.cancel(id, req.client, req.address));
    if (!outcome) co_return refuse(outcome.error(), req, ctx);
    const bool done = *outcome == "cancelled";
    if (!done) ctx.brokers.cancel(id);
    const auto found = co_await ctx.redis.call(ctx.jobs.job(id));
    if (!found) co_return refuse(found.error(), req, ctx);
    co_return json_response(done ? 200 : 202, co_await job_text(*found, req.key.get(), ctx));
}

asio::awaitable<response> job_image(request& req, services& ctx) {
    const auto& id = req.segments[0];
    if (auto good = check_id(id); !good) co_return refuse(good.error(), req, ctx);
    const auto found = co_await look_at(req, id, ctx);
    if (!found) co_return refuse(found.error(), req, ctx);
    auto picture = co_await ctx.redis.call(ctx.jobs.annotated(id));
    if (!picture && picture.error().code != errc::not_found) {
        co_return refuse(picture.error(), req, ctx);
    }
    if (!picture || picture->empty()) {
        co_return refuse({errc::no_image, "Job has no annotated image"}, req, ctx);
    }
    response answer;
    answer.body = std::move(*picture);
    answer.with("Content-Type", "image/jpeg").with("Cache-Control", "private, max-age=60");
    co_return answer;
}

}  // namespace vultus::api::handlers
