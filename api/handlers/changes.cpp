// Clear, forget, rename, merge and the deletion of a collection: changes that Redis commits at
// once. Their job succeeds when no worker can answer any more with what they removed or renamed.
#include "api/handlers/handlers.hpp"
#include "api/http/json.hpp"
#include "api/jobs/job_response.hpp"
#include "api/jobs/job_view.hpp"
#include "api/jobs/submission.hpp"
#include "shared/base/clock.hpp"
#include "shared/base/failpoint.hpp"
#include "shared/base/ids.hpp"
#include "shared/model/label.hpp"
#include "shared/store/submission_store.hpp"

namespace vultus::api::handlers {
namespace {

/// Replaces the names in a change by the stored ones. A new name is in normal form.
asio::awaitable<result<void>> find_labels(new_change& wanted, services& ctx) {
    if (wanted.label.empty()) co_return result<void>{};
    auto label = co_await stored_label(wanted.collection, wanted.label, ctx);
    if (!label) co_return fail(label.error());
    wanted.label = *std::move(label);
    if (wanted.type == job_type::rename) {
        auto to = normal_label(wanted.to_label);
        if (!to) co_return fail(to.error());
        wanted.to_label = *std::move(to);
    } else if (wanted.type == job_type::merge) {
        auto to = co_await stored_label(wanted.collection, wanted.to_label, ctx);
        if (!to) co_return fail(to.error());
        wanted.to_label = *std::move(to);
    }
    co_return result<void>{};
}

asio::awaitable<response> change(request& req, services& ctx, new_change wanted) {
    if (auto good = ctx.health.ready(); !good) co_return refuse(good.error(), req, ctx);
    auto hash = idempotency_hash(req);
    if (!hash) co_return refuse(hash.error(), req, ctx);
    wanted.id = new_job_id(unix_now(), ctx.submissions.shard());
    wanted.client = req.client;
    wanted.address = req.address;
    wanted.traceparent = req.traceparent;
    if (!hash->empty()) {
        wanted.fingerprint = sha256_hex(std::string(name_of(wanted.type)) + "\n" +
                                        wanted.collection + "\n" + json_quoted(wanted.label) +
                                        "\n" + wanted.face_id + json_quoted(wanted.to_label));
    }
    // After the fingerprint, which is that of the request, so that a repeated request matches.
    if (auto found = co_await find_labels(wanted, ctx); !found) {
        co_return refuse(found.error(), req, ctx);
    }
    if (!wanted.label.empty()) wanted.label_hash = ctx.access.label_hash(wanted.label);
    if (!wanted.to_label.empty()) wanted.label_to_hash = ctx.access.label_hash(wanted.to_label);
    wanted.idempotency_hash = std::move(*hash);
    std::optional<event_hub::waiter> waiter;
    if (wait_wanted(req).count() > 0) waiter.emplace(ctx.events, wanted.id);
    failpoint("api.before_accept");
    const auto outcome = co_await ctx.redis.call(ctx.submissions.change(wanted));
    failpoint("api.after_accept");
    if (!outcome) co_return refuse(outcome.error(), req, ctx);
    // Without a worker to notify, the change is finished already: its record has the result.
    auto fresh =
        fresh_job(outcome->job_id, wanted.type, wanted.collection, wanted.label, outcome->state);
    fresh.label_to = wanted.to_label;
    accepted answer = *outcome;
    if (is_terminal(answer.state)) answer.duplicate = true;
    if (answer.duplicate && waiter) waiter.emplace(ctx.events, answer.job_id);
    if (!outcome->duplicate) ctx.brokers.submit(outcome->job_id);
    co_return co_await answer_accepted(req, ctx, waiter ? &*waiter : nullptr, std::move(answer),
                                       std::move(fresh));
}

}  // namespace

asio::awaitable<response> clear(request& req, services& ctx) {
    const auto fields = read_fields(req, "collection");
    if (!fields) co_return refuse(fields.error(), req, ctx);
    auto collection = collection_for(req, *fields);
    if (!collection) co_return refuse(collection.error(), req, ctx);
    new_change wanted;
    wanted.type = job_type::clear;
    wanted.collection = std::move(*collection);
    co_return co_await change(req, ctx, std::move(wanted));
}

/// DELETE /api/faces/{label}, /api/faces/{label}/{face_id} and /api/faces?label=
asio::awaitable<response> forget(request& req, services& ctx) {
    const bool by_field = req.to == route::faces;
    const auto fields = read_fields(req, by_field ? "collection label" : "collection");
    if (!fields) co_return refuse(fields.error(), req, ctx);
    auto collection = collection_for(req, *fields);
    if (!collection) co_return refuse(collection.error(), req, ctx);
    new_change wanted;
    wanted.type = job_type::forget;
    wanted.collection = std::move(*collection);
    if (by_field) {
        const auto label = fields->find("label");
        if (label == fields->end()) {
            co_return refuse({errc::bad_option, "label is missing: /api/clear removes all people"},
                             req, ctx);
        }
        wanted.label = label->second;
    } else {
        wanted.label = req.segments[0];
    }
    if (auto good = check_label(wanted.label); !good) co_return refuse(good.error(), req, ctx);
    if (req.to == route::face) {
        wanted.face_id = req.segments[1];
        const auto dash = wanted.face_id.rfind('-');
        const auto number =
            std::string_view(wanted.face_id).substr(std::min(dash, wanted.face_id.size()));
        const bool numbered = number.size() >= 2 && number.size() <= 6 &&
                              number.find_first_not_of("0123456789", 1) == std::string_view::npos;
        if (!numbered || !is_job_id(std::string_view(wanted.face_id).substr(0, dash))) {
            co_return refuse({errc::not_found, "No such face"}, req, ctx);
        }
    }
    co_return co_await change(req, ctx, std::move(wanted));
}

/// POST /api/rename and /api/merge
asio::awaitable<response> rename(request& req, services& ctx) {
    const auto fields = read_fields(req, "collection label label_to");
    if (!fields) co_return refuse(fields.error(), req, ctx);
    auto collection = collection_for(req, *fields);
    if (!collection) co_return refuse(collection.error(), req, ctx);
    new_change wanted;
    wanted.type = req.to == route::merge ? job_type::merge : job_type::rename;
    wanted.collection = std::move(*collection);
    for (const auto& [name, label] :
         {std::pair{"label", &wanted.label}, std::pair{"label_to", &wanted.to_label}}) {
        const auto given = fields->find(name);
        if (given == fields->end()) {
            co_return refuse({errc::bad_option, std::string(name) + " is missing"}, req, ctx);
        }
        if (auto good = check_label(given->second); !good) {
            co_return refuse(good.error(), req, ctx);
        }
        *label = given->second;
    }
    co_return co_await change(req, ctx, std::move(wanted));
}

asio::awaitable<response> delete_collection(request& req, services& ctx) {
    new_change wanted;
    wanted.type = job_type::delete_collection;
    wanted.collection = req.segments[0];
    if (auto good = check_collection(wanted.collection); !good) {
        co_return refuse(good.error(), req, ctx);
    }
    if (auto good = may_use(req.key.get(), wanted.collection); !good) {
        co_return refuse(good.error(), req, ctx);
    }
    co_return co_await change(req, ctx, std::move(wanted));
}

}  // namespace vultus::api::handlers
