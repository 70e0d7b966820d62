// POST /api/train, recognize, detect, embed, verify and calibrate: read, check, store, answer.
#include "api/handlers/handlers.hpp"
#include "api/http/json.hpp"
#include "api/jobs/job_response.hpp"
#include "api/jobs/job_view.hpp"
#include "api/jobs/last_seen.hpp"
#include "api/jobs/options.hpp"
#include "api/jobs/person_ids.hpp"
#include "api/jobs/submission.hpp"
#include "api/jobs/url_photos.hpp"
#include "shared/base/clock.hpp"
#include "shared/base/failpoint.hpp"
#include "shared/base/ids.hpp"
#include "shared/base/limits.hpp"
#include "shared/model/person_key.hpp"
#include "shared/store/retention.hpp"
#include "shared/store/submission_store.hpp"

namespace vultus::api::handlers {
namespace {

using std::chrono::milliseconds;

// Large photos delay the fsync of all others: few at a time, with a longer time-out.
constexpr std::size_t large_bytes = limits::mib;
constexpr milliseconds large_patience{10'000};
constexpr milliseconds frame_patience = limits::wait;
constexpr int asked_most = 2;  ///< times for one answer that changes overtake

/// Whether the answer of a question is computed with the faces of the collection.
bool reads_gallery(const submission& what) {
    return what.type == job_type::recognize ||
           (what.type == job_type::verify && !what.label.empty());
}

asio::awaitable<result<accepted>> store(new_job job, services& ctx,
                                        const std::optional<error>& refusal) {
    if (refusal) {  // a job without room for any: only what was accepted before
        if (job.idempotency_hash.empty()) co_return fail(*refusal);
        auto earlier = co_await ctx.redis.call(ctx.submissions.accept(std::move(job), 0, 0));
        if (!earlier && earlier.error().code == errc::queue_full) co_return fail(*refusal);
        co_return earlier;
    }
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

}  // namespace

asio::awaitable<response> accept(request& req, services& ctx, submitted given,
                                 std::optional<error> refusal) {
    auto hash = idempotency_hash(req);
    if (!hash) co_return refuse(hash.error(), req, ctx);
    if (given.what.options.rotate && given.what.options.detector.empty()) {
        const auto now = co_await ctx.redis.call(ctx.models.defaults());
        if (!now) co_return refuse(now.error(), req, ctx);
        if (auto good = check_rotate(given.what.options, now->models.detector); !good) {
            co_return refuse(good.error(), req, ctx);
        }
    }
    std::string fingerprint;  // of the request, so that a repeated request matches
    if (!hash->empty()) {
        co_await next_turn(ctx);
        fingerprint = fingerprint_of(given);
    }
    if (!hash->empty() && !given.urls.empty()) {
        const auto before =
            co_await ctx.redis.call(ctx.submissions.accepted_before(*hash, fingerprint));
        if (!before) co_return refuse(before.error(), req, ctx);
        if (*before) {
            accepted first = **before;
            co_return co_await answer_repeated(req, ctx, std::move(first));
        }
    }
    auto hosts = co_await fetch_photos(given, req, ctx);
    if (!hosts) co_return refuse(hosts.error(), req, ctx);
    if (given.what.type == job_type::train) {
        if (auto good = co_await find_trained(req, given.what, ctx); !good) {
            co_return refuse(good.error(), req, ctx);
        }
    }
    const auto wanted = wait_wanted(req);
    const bool patient = !is_question(given.what.type);
    new_job job;
    job.id = new_job_id(unix_now(), ctx.submissions.shard());
    job.type = given.what.type;
    job.collection = given.what.collection;
    job.priority = patient && wanted.count() == 0 ? job_priority::bulk : job_priority::interactive;
    auto options = given.what.options;
    options.person_ids = reads_gallery(given.what) || job.type == job_type::calibrate;
    job.options = to_json(options);
    job.label = given.what.label;
    job.person = given.what.person;
    job.client = req.client;
    job.address = req.address;
    if (job.type == job_type::train) job.label_hash = ctx.access.label_hash(job.label);
    job.traceparent = req.traceparent;
    job.deadline = ctx.settings.job_deadline;
    job.hosts = std::move(*hosts);
    job.fingerprint = std::move(fingerprint);
    co_await next_turn(ctx);
    job.idempotency_hash = std::move(*hash);
    job.images = std::move(given.images);
    auto fresh = fresh_job(job.id, job.type, job.collection, job.label, job_state::pending);
    // Register the waiter first, so that no event of the job is missed.
    std::optional<event_hub::waiter> waiter;
    if (wanted.count() > 0) waiter.emplace(ctx.events, job.id);
    failpoint("api.before_accept");
    const auto outcome = co_await store(std::move(job), ctx, refusal);
    failpoint("api.after_accept");
    if (!outcome) co_return refuse(outcome.error(), req, ctx);
    if (outcome->duplicate && waiter) waiter.emplace(ctx.events, outcome->job_id);
    if (!outcome->duplicate) ctx.brokers.submit(outcome->job_id);
    ctx.measured.count("vultus_jobs_accepted_total", {{"type", name_of(fresh.type)}});
    co_return co_await answer_accepted(req, ctx, waiter ? &*waiter : nullptr, *outcome,
                                       std::move(fresh));
}

namespace {

/// Whom the answer says it saw.
std::vector<std::string> named_in(const submission& asked, std::string_view answer) {
    if (asked.type != job_type::verify) return known_labels(answer);
    if (!answer.starts_with(R"({"same":true)")) return {};
    return {asked.label};
}

/// Sends the photo to a worker and returns its answer, unless the gallery that it was computed with
/// changed by a removal meanwhile: then old_version.
asio::awaitable<result<std::string>> ask_once(const protocol::frame& what, const submission& asked,
                                              milliseconds patience, services& ctx) {
    auto answer = co_await ctx.brokers.ask(what, patience);
    if (!answer) co_return fail(answer.error());
    if (!answer->error.empty()) {
        co_return fail(errc_named(answer->error).value_or(errc::internal), answer->detail);
    }
    if (answer->type != what.type) {
        co_return fail(errc::no_worker, "Broker or worker is of an older version");
    }
    failpoint("api.before_reply");
    if (!reads_gallery(asked)) co_return std::move(answer->result);
    // Read last: an answer sent after a clear or a delete succeeded must not use the faces before
    // it.
    const auto people = keys_in(answer->result);
    const auto gallery =
        co_await ctx.redis.call(ctx.retention.watch_gallery(what.collection, people));
    if (!gallery) co_return fail(errc::store_unavailable, gallery.error().detail);
    if (!gallery->allows(answer->version) && !seeded_bug("api.no_last_look")) {
        co_return fail(errc::old_version, "Gallery changed while the answer was computed");
    }
    if (gallery->forgets) note_seen(ctx, what.collection, named_in(asked, answer->result));
    co_return with_person_ids(answer->result, people, gallery->person_ids);
}

/// The gallery of a submission; without a collection one of version 0 with the service's models.
asio::awaitable<result<watched_gallery>> gallery_of(std::string collection, services& ctx) {
    if (!collection.empty()) {
        co_return co_await ctx.redis.call(ctx.retention.watch_gallery(collection));
    }
    const auto usual = co_await ctx.redis.call(ctx.models.defaults());
    if (!usual) co_return fail(usual.error());
    watched_gallery none;
    none.models = usual->models;
    none.dimension = usual->dimension;
    co_return none;
}

/// What the frame needs of a collection that was just read.
result<void> prepare(protocol::frame& what, const submitted& given,
                     const watched_gallery& gallery) {
    const job_options& options = given.what.options;
    what.min_version = reads_gallery(given.what) ? gallery.version : 0;
    what.embedder = options.embedder.empty() ? gallery.models.embedder : options.embedder;
    if (given.what.type == job_type::detect) what.embedder.clear();
    if (options.vectors > 0) {
        what.type = vectors_word;
        return check_model(given, what.embedder, gallery.dimension);
    }
    if (given.what.type != job_type::recognize) what.type = name_of(given.what.type);
    what.detector = options.detector.empty() ? gallery.models.detector : options.detector;
    return check_rotate(options, what.detector);
}

/// The photos as one payload; two are joined, and the options tell where the first one ends.
shared_bytes payload_of(std::vector<shared_bytes> images, job_options& options) {
    if (images.size() == 1) return std::move(images.front());
    options.first_bytes = static_cast<int>(images.front().size());
    std::string both;
    both.reserve(images[0].size() + images[1].size());
    both += images[0].view();
    both += images[1].view();
    return both;
}

/// The collection changed, or got another model, while the answer was on its way.
bool is_overtaken(const result<std::string>& outcome) {
    if (outcome) return false;
    const errc why = outcome.error().code;
    return why == errc::old_version || why == errc::model_mismatch;
}

asio::awaitable<response> answer_unstored(request& req, services& ctx, submitted given) {
    if (auto hosts = co_await fetch_photos(given, req, ctx); !hosts) {
        co_return refuse(hosts.error(), req, ctx);
    }
    std::size_t bytes = 0;
    for (const auto& image : given.images) bytes += image.size();
    const auto place = place_to_wait(req, ctx);
    const auto room = shares::take(ctx.frames, req.holder, bytes);
    if (!place || !room) co_return refuse(no_place_to_wait, req, ctx);
    if (bytes > limits::body_bytes) {
        co_return refuse({errc::too_large, "The two photos have more than 10 MiB"}, req, ctx);
    }
    protocol::frame what;
    what.collection = given.what.collection;
    job_options options = given.what.options;
    options.label = given.what.label;
    options.person_ids = reads_gallery(given.what);
    what.image = payload_of(given.images, options);
    what.options = to_json(options);
    const auto until = boot_now() + frame_patience;
    result<std::string> outcome = fail(errc::old_version);
    gallery_version first = 0;  // of the gallery when the photo was sent at first
    for (int asked = 0; asked < asked_most && is_overtaken(outcome); ++asked) {
        const auto gallery = co_await gallery_of(what.collection, ctx);
        if (!gallery) co_return refuse(gallery.error(), req, ctx);
        if (auto good = prepare(what, given, *gallery); !good) {
            co_return refuse(good.error(), req, ctx);
        }
        if (asked == 0) first = what.min_version;
        const auto patience = std::max(until - boot_now(), milliseconds(1'000));
        outcome = co_await ask_once(what, given.what, patience, ctx);
    }
    if (is_overtaken(outcome) && what.min_version != first) {  // it changed again
        outcome = fail(errc::old_version, "Collection changed while the answer was computed");
    }
    if (!outcome) co_return refuse(outcome.error(), req, ctx);
    auto answer = json_response(200, std::move(*outcome));
    answer.with("Cache-Control", "no-store");
    co_return answer;
}

/// The key of the person of a verify, given by name or, if nobody has that name, by person_id.
/// errors    not_found; several_people; migrating
asio::awaitable<result<std::string>> key_of_verified(const submission& what, services& ctx) {
    const auto label = co_await stored_label(what.collection, what.label, ctx);
    if (!label) co_return fail(label.error());
    const auto by_name = ctx.people.find(what.collection, person_by::name, *label);
    const auto found = co_await ctx.redis.call(by_name);
    if (found && found->size() > 1) {
        std::vector<std::string> ids;
        for (const auto& one : *found) ids.push_back(one.person_id);
        co_return fail(several_people(ids));
    }
    if (found) co_return found->front().key;
    if (found.error().code != errc::not_found) co_return fail(found.error());
    if (check_person_id(what.label)) {
        const auto person = co_await person_with_id(what.collection, what.label, ctx);
        if (person) co_return person->key;
        if (person.error().code != errc::not_found) co_return fail(person.error());
    }
    co_return fail(errc::not_found, "No such person in this collection");
}

/// Refuses before anything is stored what the gallery would refuse: vectors of another model, and a
/// person whom nobody taught. The name or person_id of a verify becomes the key.
asio::awaitable<result<void>> check_gallery(submitted& given, services& ctx) {
    submission& what = given.what;
    if (what.options.vectors > 0) {
        const auto gallery = co_await gallery_of(what.collection, ctx);
        if (!gallery) co_return fail(gallery.error());
        if (auto good = check_model(given, gallery->models.embedder, gallery->dimension); !good) {
            co_return fail(good.error());
        }
    }
    if (what.type != job_type::verify || what.label.empty()) co_return result<void>();
    auto key = co_await key_of_verified(what, ctx);
    if (!key) co_return fail(key.error());
    what.label = *std::move(key);
    co_return result<void>();
}

}  // namespace

asio::awaitable<response> train(request& req, services& ctx) {
    co_await next_turn(ctx);
    auto given = read_submission(job_type::train, req);
    if (!given) co_return refuse(given.error(), req, ctx);
    if (auto good = may_use(req.key.get(), given->what.collection); !good) {
        co_return refuse(good.error(), req, ctx);
    }
    const auto good = co_await check_gallery(*given, ctx);
    if (!good) co_return refuse(good.error(), req, ctx);
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
    const auto good = co_await check_gallery(*given, ctx);
    if (!good) co_return refuse(good.error(), req, ctx);
    // Not `co_await (durable ? a : b)`: g++ 12 destroys such an awaitable twice.
    if (given->what.durable) co_return co_await accept(req, ctx, std::move(*given));
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
