// See job_response.hpp.
#include "api/jobs/job_response.hpp"

#include <boost/asio/post.hpp>

#include "api/http/header_fields.hpp"
#include "api/http/json.hpp"
#include "api/http/problem.hpp"
#include "api/jobs/job_view.hpp"
#include "shared/base/failpoint.hpp"
#include "shared/base/ids.hpp"
#include "shared/base/limits.hpp"
#include "shared/base/log.hpp"
#include "shared/model/gallery_version.hpp"
#include "shared/model/person_key.hpp"
#include "shared/store/job_reader.hpp"
#include "shared/store/submission_store.hpp"

namespace vultus::api {

const error no_such_job{errc::not_found, "No such job"};

const error no_place_to_wait{errc::queue_full, "Too many waiting requests"};

std::shared_ptr<const void> place_to_wait(const request& req, services& ctx) {
    if (req.hurried) return nullptr;
    return shares::take(ctx.waits, req.holder);
}

asio::awaitable<void> next_turn(services& ctx) {
    co_await asio::post(ctx.io, asio::use_awaitable);
}

response refuse(const error& why, const request& req, services& ctx) {
    if (why.code == errc::internal) {
        log::error("request_failed", {{"what", why.detail}, {"trace_id", req.trace_id}});
    }
    return problem(why, req.trace_id,
                   req.retry_after > 0 ? req.retry_after : ctx.health.retry_after());
}

result<std::string> idempotency_hash(const request& req) {
    bool given = false;
    for (const auto& [name, value] : req.fields) {
        if (!same_text(name, "idempotency-key")) continue;
        if (given) return fail(errc::malformed, "Idempotency-Key occurs twice");
        given = true;
    }
    if (!given) return std::string();
    const auto key = req.header("idempotency-key");
    bool good = !key.empty() && key.size() <= limits::idempotency_key_bytes;
    for (const char c : key) good = good && c > ' ' && c <= '~';
    if (!good) {
        return fail(errc::malformed, "Idempotency-Key must be 1 to 255 visible ASCII characters");
    }
    return sha256_hex(req.client + std::string(1, '\0') + std::string(key));
}

std::chrono::seconds wait_wanted(const request& req) {
    return prefer_wait(req.header("prefer")).value_or(std::chrono::seconds(0));
}

asio::awaitable<result<job_record>> wait_for_end(event_hub::waiter& waiter, std::string id,
                                                 std::chrono::milliseconds patience,
                                                 services& ctx) {
    const auto until = boot_now() + patience;
    while (true) {
        const auto woken = co_await waiter.next(until - boot_now());
        const bool last = woken == event_hub::wake::timeout || woken == event_hub::wake::stopping;
        if (woken == event_hub::wake::happened) {
            const auto state = job_state_named(waiter.last().to);
            if (!state || !is_terminal(*state)) continue;
        }
        auto job = co_await ctx.redis.call(ctx.jobs.job(id));
        if (!job || last || is_terminal(job->state)) co_return job;
    }
}

namespace {

/// Whom these faces belong to now; nobody for those that were removed.
asio::awaitable<face_names> names_of(std::string collection, std::vector<std::string> faces,
                                     services& ctx) {
    face_names names;
    const auto now = co_await ctx.redis.call(ctx.galleries.gallery(collection));
    if (!now || now->version == 0) co_return names;
    const auto epoch = epoch_of(now->version);
    const auto found = co_await ctx.redis.call(ctx.galleries.face_json(collection, epoch, faces));
    if (!found) co_return names;
    std::vector<std::string> keys;
    for (const auto& text : *found) keys.push_back(stored_label_of(text));
    keys.resize(faces.size());
    const auto people = co_await ctx.redis.call(ctx.retention.watch_gallery(collection, keys));
    for (std::size_t i = 0; i < keys.size(); ++i) {
        if (keys[i].empty()) continue;
        const bool seen = people && i < people->people.size();
        if (seen && people->people[i].person_id.empty()) continue;  // removed meanwhile
        face_name& who = names[faces[i]];
        who.label = name_of_key(keys[i]);
        if (!seen) continue;
        who.person_id = people->people[i].person_id;
        who.name_shared = people->people[i].name_shared;
    }
    co_return names;
}

}  // namespace

asio::awaitable<std::string> job_text(const job_record& job, const access_key* key, services& ctx) {
    face_names names;
    auto faces = faces_compared(job);
    if (!faces.empty() && (key == nullptr || key->scopes.has(scope::read))) {
        names = co_await names_of(job.collection, std::move(faces), ctx);
    }
    co_return job_json(job, names, ctx.settings.base_path);
}

asio::awaitable<response> answer_accepted(const request& req, services& ctx,
                                          event_hub::waiter* waiter, accepted outcome,
                                          job_record fresh) {
    auto wanted = wait_wanted(req);
    const std::string& base = ctx.settings.base_path;
    const auto path = job_path(outcome.job_id, base);
    std::string text;
    bool finished = false;
    if (outcome.duplicate) {
        auto job = co_await ctx.redis.call(ctx.jobs.job(outcome.job_id));
        finished = job && is_terminal(job->state);
        // Not `text = job ? co_await a : b`: g++ 12 destroys such a value twice.
        if (job) text = co_await job_text(*job, req.key.get(), ctx);
        if (!job) text = job_reference_json(outcome.job_id, base);
        if (!job && job.error().code != errc::collected && job.error().code != errc::not_found) {
            co_return refuse(job.error(), req, ctx);
        }
        if (!job) waiter = nullptr;
    } else {
        text = job_json(fresh, {}, base);
        finished = is_terminal(fresh.state);
    }
    if (waiter != nullptr && wanted.count() > 0 && !(finished && !outcome.duplicate)) {
        const auto place = finished ? nullptr : place_to_wait(req, ctx);
        if (!finished && !place) wanted = std::chrono::seconds(0);
        if (place) {
            auto job = co_await wait_for_end(*waiter, outcome.job_id, wanted, ctx);
            // The job is accepted, whatever happens to Redis now: 202.
            if (job) {
                finished = is_terminal(job->state);
                text = co_await job_text(*job, req.key.get(), ctx);
            }
        }
    }
    failpoint("api.before_reply");
    const bool whole = finished && wanted.count() > 0;
    auto answer = json_response(whole ? 200 : 202, std::move(text));
    answer.with("Location", path).with("Cache-Control", "no-store");
    if (!whole) answer.with("Retry-After", "1");
    if (wanted.count() > 0) {
        answer.with("Preference-Applied", "wait=" + std::to_string(wanted.count()));
    }
    co_return answer;
}

}  // namespace vultus::api
