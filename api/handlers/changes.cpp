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
#include "shared/model/person_key.hpp"
#include "shared/store/submission_store.hpp"

namespace vultus::api::handlers {
namespace {

/// A person as the functions take one, and the name for the audit log and the answer.
struct named_person {
    std::string text, name;
};

asio::awaitable<result<named_person>> find_person(std::string collection, std::string text,
                                                  person_by by, services& ctx) {
    if (by == person_by::id) {
        // Nobody is an answer of the store, which knows a repeated request first.
        const auto found = co_await person_with_id(collection, text, ctx);
        co_return named_person{text, found ? std::string(name_of_key(found->key)) : ""};
    }
    const auto label = co_await stored_label(collection, text, ctx);
    if (!label) co_return fail(label.error());
    co_return named_person{*label, *label};
}

/// The names in a change.
struct change_names {
    std::string label, to_label;
};

/// Replaces the names in a change by the stored ones. A new name is in normal form.
asio::awaitable<result<change_names>> find_labels(new_change& wanted, services& ctx) {
    change_names names;
    if (wanted.label.empty()) co_return names;
    auto whom = co_await find_person(wanted.collection, wanted.label, wanted.by, ctx);
    if (!whom) co_return fail(whom.error());
    wanted.label = std::move(whom->text);
    names.label = std::move(whom->name);
    if (wanted.type == job_type::rename) {
        auto to = normal_label(wanted.to_label);
        if (!to) co_return fail(to.error());
        names.to_label = wanted.to_label = *std::move(to);
    } else if (wanted.type == job_type::merge) {
        auto to = co_await find_person(wanted.collection, wanted.to_label, wanted.to_by, ctx);
        if (!to) co_return fail(to.error());
        wanted.to_label = std::move(to->text);
        names.to_label = std::move(to->name);
    }
    co_return names;
}

/// What is equal in a repeated change.
std::string fingerprint_of(const new_change& wanted) {
    std::string text = std::string(name_of(wanted.type)) + "\n" + wanted.collection + "\n" +
                       json_quoted(wanted.label) + "\n" + wanted.face_id +
                       json_quoted(wanted.to_label);
    if (wanted.by == person_by::id) text += "\nby id";
    if (wanted.to_by == person_by::id) text += "\nto id";
    if (wanted.shared_name) text += "\nshared";
    return sha256_hex(text);
}

}  // namespace

}  // namespace vultus::api::handlers

namespace vultus::api {

asio::awaitable<result<person_record>> person_with_id(std::string collection, std::string id,
                                                      services& ctx) {
    if (auto good = check_person_id(id); !good) co_return fail(good.error());
    const auto call = ctx.people.find(collection, person_by::id, id);
    auto found = co_await ctx.redis.call(call);
    if (!found) co_return fail(found.error());
    co_return std::move(found->front());
}

asio::awaitable<response> accept_change(request& req, services& ctx, new_change wanted) {
    if (auto good = ctx.health.ready(); !good) co_return refuse(good.error(), req, ctx);
    auto hash = idempotency_hash(req);
    if (!hash) co_return refuse(hash.error(), req, ctx);
    wanted.id = new_job_id(unix_now(), ctx.submissions.shard());
    wanted.client = req.client;
    wanted.address = req.address;
    wanted.traceparent = req.traceparent;
    if (!hash->empty()) wanted.fingerprint = handlers::fingerprint_of(wanted);
    // After the fingerprint, which is that of the request, so that a repeated request matches.
    const auto names = co_await handlers::find_labels(wanted, ctx);
    if (!names) co_return refuse(names.error(), req, ctx);
    if (!names->label.empty()) wanted.label_hash = ctx.access.label_hash(names->label);
    if (!names->to_label.empty()) wanted.label_to_hash = ctx.access.label_hash(names->to_label);
    wanted.idempotency_hash = std::move(*hash);
    std::optional<event_hub::waiter> waiter;
    if (wait_wanted(req).count() > 0) waiter.emplace(ctx.events, wanted.id);
    failpoint("api.before_accept");
    const auto outcome = co_await ctx.redis.call(ctx.submissions.change(wanted));
    failpoint("api.after_accept");
    if (!outcome) co_return refuse(outcome.error(), req, ctx);
    // Without a worker to notify, the change is finished already: its record has the result.
    auto fresh =
        fresh_job(outcome->job_id, wanted.type, wanted.collection, names->label, outcome->state);
    fresh.label_to = names->to_label;
    if (wanted.by == person_by::id) fresh.person_id = wanted.label;
    accepted answer = *outcome;
    if (is_terminal(answer.state)) answer.duplicate = true;
    if (answer.duplicate && waiter) waiter.emplace(ctx.events, answer.job_id);
    if (!outcome->duplicate) ctx.brokers.submit(outcome->job_id);
    co_return co_await answer_accepted(req, ctx, waiter ? &*waiter : nullptr, std::move(answer),
                                       std::move(fresh));
}

}  // namespace vultus::api

namespace vultus::api::handlers {

namespace {

result<void> check_person(const std::string& text, person_by by) {
    return by == person_by::id ? check_person_id(text) : check_label(text);
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
    co_return co_await accept_change(req, ctx, std::move(wanted));
}

/// DELETE /api/faces/{label}, /api/faces/{label}/{face_id} and /api/faces?label=, and
/// /api/people/{person_id} and /api/people/{person_id}/faces/{face_id}
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
    if (req.to == route::person || req.to == route::person_face) wanted.by = person_by::id;
    if (auto good = check_person(wanted.label, wanted.by); !good) {
        co_return refuse(good.error(), req, ctx);
    }
    if (req.to == route::face || req.to == route::person_face) {
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
    co_return co_await accept_change(req, ctx, std::move(wanted));
}

namespace {

/// A person by the field `name` or, instead of it, `id`; empty `id`: only by name.
result<void> read_person(const name_values& fields, const std::string& name, const std::string& id,
                         std::string& text, person_by& by) {
    const auto label = fields.find(name);
    const auto person = id.empty() ? fields.end() : fields.find(id);
    const bool named = label != fields.end(), identified = person != fields.end();
    if (named && identified) {
        return fail(errc::bad_option, name + " and " + id + " exclude each other");
    }
    if (!named && !identified) return fail(errc::bad_option, name + " is missing");
    by = identified ? person_by::id : person_by::name;
    text = identified ? person->second : label->second;
    return check_person(text, by);
}

}  // namespace

/// POST /api/rename and /api/merge
asio::awaitable<response> rename(request& req, services& ctx) {
    const bool joins = req.to == route::merge;
    const auto fields = read_fields(req, joins ? "collection label person_id label_to person_id_to"
                                               : "collection label person_id label_to");
    if (!fields) co_return refuse(fields.error(), req, ctx);
    auto collection = collection_for(req, *fields);
    if (!collection) co_return refuse(collection.error(), req, ctx);
    new_change wanted;
    wanted.type = joins ? job_type::merge : job_type::rename;
    wanted.collection = std::move(*collection);
    auto good = read_person(*fields, "label", "person_id", wanted.label, wanted.by);
    if (good) {
        good = read_person(*fields, "label_to", joins ? "person_id_to" : "", wanted.to_label,
                           wanted.to_by);
    }
    if (!good) co_return refuse(good.error(), req, ctx);
    co_return co_await accept_change(req, ctx, std::move(wanted));
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
    co_return co_await accept_change(req, ctx, std::move(wanted));
}

}  // namespace vultus::api::handlers
