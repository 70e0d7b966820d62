// POST /api/train, recognize, detect, embed, verify and calibrate: read, check, store, answer.
#include "api/handlers/handlers.hpp"
#include "api/handlers/submissions.hpp"
#include "api/http/json.hpp"
#include "api/jobs/job_response.hpp"
#include "api/jobs/job_view.hpp"
#include "api/jobs/options.hpp"
#include "api/jobs/submission.hpp"
#include "api/jobs/url_photos.hpp"
#include "shared/base/failpoint.hpp"
#include "shared/base/ids.hpp"
#include "shared/base/limits.hpp"
#include "shared/model/person_key.hpp"
#include "shared/store/submission_store.hpp"

namespace vultus::api::handlers {
namespace {

using std::chrono::milliseconds;

// Large photos delay the fsync of all others: few at a time, with a longer time-out.
constexpr std::size_t large_bytes = limits::mib;
constexpr milliseconds large_patience{10'000};

asio::awaitable<result<accepted>> store(new_job job, services& ctx) {
    std::size_t bytes = 0;
    for (const auto& image : job.images) bytes += image.size();
    const auto& settings = ctx.settings;
    if (bytes <= large_bytes) {
        co_return co_await ctx.redis.call(ctx.submissions.accept(
            std::move(job), settings.queue_jobs_max, settings.queue_bytes_max));
    }
    const auto place = co_await ctx.large_accepts.enter(large_patience);
    if (!place) co_return fail(place.error());
    if (auto ready = ctx.health.ready(); !ready) co_return fail(ready.error());
    co_return co_await ctx.redis.call(
        ctx.submissions.accept(std::move(job), settings.queue_jobs_max, settings.queue_bytes_max),
        large_patience);
}

/// A repetition of a request whose job is there.
asio::awaitable<response> answer_repeated(const request& req, services& ctx, accepted before) {
    std::optional<event_hub::waiter> waiter;
    if (wait_wanted(req).count() > 0) waiter.emplace(ctx.events, before.job_id);
    event_hub::waiter* const news = waiter ? &*waiter : nullptr;
    job_record none;  // not a temporary: g++ 12 destroys it twice
    co_return co_await answer_accepted(req, ctx, news, std::move(before), std::move(none));
}

/// Completes what a train says of its person: the name of an id, and the id of a name if the person
/// gets an external id, for which the data are encrypted. The store checks all of it again.
asio::awaitable<result<void>> find_trained(const request& req, submission& what, services& ctx) {
    auto& who = what.person;
    if (who.is_new && !who.person_id.empty()) {
        co_return fail(errc::bad_option, "new_person and person_id exclude each other");
    }
    if (what.label.empty()) {
        // The answer has the name.
        if (req.key && !req.key->scopes.has(scope::read)) {
            co_return fail(errc::forbidden, "Without the scope read send the name, too");
        }
        // Nobody is an answer of the store, which knows a repeated request first.
        const auto person = co_await person_with_id(what.collection, who.person_id, ctx);
        if (person) what.label = name_of_key(person->key);
    }
    if (who.external_id.empty() || who.is_new) co_return result<void>();
    const bool by_id = !who.person_id.empty();
    const auto call = ctx.people.find(what.collection, by_id ? person_by::id : person_by::name,
                                      by_id ? who.person_id : what.label);
    const auto found = co_await ctx.redis.call(call);
    if (!found) co_return result<void>();  // a new person, or an error that the store has, too
    if (found->size() > 1) co_return result<void>();  // the store refuses it with their ids
    const auto& there = found->front();
    who.person_id = there.person_id;
    if (there.data.external_id == who.external_id) who.external_id.clear();
    co_return result<void>();
}

/// Checks what needs Redis, fetches photos by URL, and completes what the submission says of
/// people. returns   the hosts that photos were fetched from
asio::awaitable<result<std::string>> complete(const request& req, submitted& given, services& ctx) {
    const job_options& options = given.what.options;
    if (options.rotate && options.detector.empty()) {
        const auto now = co_await ctx.redis.call(ctx.models.defaults());
        if (!now) co_return fail(now.error());
        if (auto good = check_rotate(options, now->models.detector); !good) {
            co_return fail(good.error());
        }
    }
    const auto checked = co_await check_gallery(given, ctx);
    if (!checked) co_return fail(checked.error());
    auto hosts = co_await fetch_photos(given, req, ctx);
    if (!hosts || given.what.type != job_type::train) co_return hosts;
    const auto found = co_await find_trained(req, given.what, ctx);
    if (!found) co_return fail(found.error());
    co_return hosts;
}

/// The job of a complete submission; who sent it and its idempotency are there already.
void fill(new_job& job, submitted given, const request& req, services& ctx) {
    const submission& what = given.what;
    job.type = what.type;
    job.collection = what.collection;
    const bool patient = !is_question(what.type) && wait_wanted(req).count() == 0;
    job.priority = patient ? job_priority::bulk : job_priority::interactive;
    auto options = what.options;
    options.person_ids = reads_gallery(what) || job.type == job_type::calibrate;
    job.options = to_json(options);
    job.label = what.label;
    job.person = what.person;
    if (job.type == job_type::train) job.label_hash = ctx.access.label_hash(job.label);
    job.traceparent = req.traceparent;
    job.deadline = ctx.settings.job_deadline;
    job.images = std::move(given.images);
}

}  // namespace

asio::awaitable<response> accept(request& req, services& ctx, submitted given,
                                 std::optional<error> refusal) {
    auto hash = idempotency_hash(req);
    if (!hash) co_return refuse(hash.error(), req, ctx);
    new_job job;
    job.id = new_job_id(unix_now(), ctx.submissions.shard());
    job.client = req.client;
    job.address = req.address;
    job.idempotency_hash = std::move(*hash);
    if (!job.idempotency_hash.empty()) {
        co_await next_turn(ctx);
        job.fingerprint = fingerprint_of(given);
    }
    // Whatever is fetched or refused now, a repeated request is answered with its job.
    const bool may_end = refusal || !given.urls.empty() || has_gallery_check(given.what);
    if (may_end && !job.idempotency_hash.empty()) {
        const auto before = co_await ctx.redis.call(ctx.submissions.accepted_before(job));
        if (!before) co_return refuse(before.error(), req, ctx);
        if (*before) {
            accepted first = **before;
            co_return co_await answer_repeated(req, ctx, std::move(first));
        }
    }
    if (refusal) co_return refuse(*refusal, req, ctx);
    auto hosts = co_await complete(req, given, ctx);
    if (!hosts) co_return refuse(hosts.error(), req, ctx);
    job.hosts = std::move(*hosts);
    co_await next_turn(ctx);
    fill(job, std::move(given), req, ctx);
    auto fresh = fresh_job(job.id, job.type, job.collection, job.label, job_state::pending);
    // Register the waiter first, so that no event of the job is missed.
    std::optional<event_hub::waiter> waiter;
    if (wait_wanted(req).count() > 0) waiter.emplace(ctx.events, job.id);
    failpoint("api.before_accept");
    const auto outcome = co_await store(std::move(job), ctx);
    failpoint("api.after_accept");
    if (!outcome) co_return refuse(outcome.error(), req, ctx);
    if (outcome->duplicate && waiter) waiter.emplace(ctx.events, outcome->job_id);
    if (!outcome->duplicate) ctx.brokers.submit(outcome->job_id);
    ctx.measured.count("vultus_jobs_accepted_total", {{"type", name_of(fresh.type)}});
    co_return co_await answer_accepted(req, ctx, waiter ? &*waiter : nullptr, *outcome,
                                       std::move(fresh));
}

asio::awaitable<response> train(request& req, services& ctx) {
    co_await next_turn(ctx);
    auto given = read_submission(job_type::train, req);
    if (!given) co_return refuse(given.error(), req, ctx);
    if (auto good = may_use(req.key.get(), given->what.collection); !good) {
        co_return refuse(good.error(), req, ctx);
    }
    co_return co_await accept(req, ctx, std::move(*given));
}

asio::awaitable<response> ask(job_type type, request& req, services& ctx) {
    co_await next_turn(ctx);
    auto given = read_submission(type, req);
    if (!given) co_return refuse(given.error(), req, ctx);
    if (!given->what.collection.empty()) {
        if (auto good = may_use(req.key.get(), given->what.collection); !good) {
            co_return refuse(good.error(), req, ctx);
        }
    }
    // Not `co_await (durable ? a : b)`: g++ 12 destroys such an awaitable twice.
    if (given->what.durable) co_return co_await accept(req, ctx, std::move(*given));
    const auto good = co_await check_gallery(*given, ctx);
    if (!good) co_return refuse(good.error(), req, ctx);
    co_return co_await answer_unstored(req, ctx, std::move(*given));
}

/// Without a photo: the worker compares the faces that are stored.
asio::awaitable<response> calibrate(request& req, services& ctx) {
    const auto fields = read_fields(req, "collection");
    if (!fields) co_return refuse(fields.error(), req, ctx);
    auto collection = collection_for(req, *fields);
    if (!collection) co_return refuse(collection.error(), req, ctx);
    submitted given;
    given.what.type = job_type::calibrate;
    given.what.collection = std::move(*collection);
    co_return co_await accept(req, ctx, std::move(given));
}

}  // namespace vultus::api::handlers
