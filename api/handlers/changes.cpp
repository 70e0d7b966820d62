// Clear, forget, rename, merge and the end of a collection: changes that Redis commits at once.
// Their job succeeds when no worker can answer with what they removed or with a name that is gone.
#include "api/jobs/job_response.hpp"
#include "api/handlers/handlers.hpp"
#include "api/jobs/job_view.hpp"
#include "api/http/json.hpp"
#include "api/jobs/submission.hpp"
#include "shared/base/clock.hpp"
#include "shared/base/failpoint.hpp"
#include "shared/base/ids.hpp"
#include "shared/model/label.hpp"

namespace vultus::api::handlers {
namespace {

/// The names by which those are stored whom a change is about. A new name is in normal form.
asio::awaitable<result<void>> find_labels(new_change& wanted, services& with) {
    if (wanted.label.empty()) co_return result<void>{};
    auto label = co_await stored_label(wanted.collection, wanted.label, with);
    if (!label) co_return fail(label.error());
    wanted.label = *std::move(label);
    if (wanted.type == job_type::rename) {
        auto to = normal_label(wanted.to_label);
        if (!to) co_return fail(to.error());
        wanted.to_label = *std::move(to);
    } else if (wanted.type == job_type::merge) {
        auto to = co_await stored_label(wanted.collection, wanted.to_label, with);
        if (!to) co_return fail(to.error());
        wanted.to_label = *std::move(to);
    }
    co_return result<void>{};
}

asio::awaitable<response> change(request& from, services& with, new_change wanted) {
    if (auto good = with.health.ready(); !good) co_return refuse(good.error(), from, with);
    auto hash = idempotency_hash(from);
    if (!hash) co_return refuse(hash.error(), from, with);
    wanted.id = new_job_id(unix_now(), with.store.shard());
    wanted.client = from.client;
    wanted.address = from.address;
    wanted.traceparent = from.traceparent;
    if (!hash->empty()) {
        wanted.fingerprint =
            sha256_hex(std::string(name_of(wanted.type)) + "\n" + wanted.collection + "\n" +
                       json_quoted(wanted.label) + "\n" + wanted.face_id +
                       json_quoted(wanted.to_label));
    }
    // Behind the fingerprint, which is of what was asked: a repeated request is the same one.
    if (auto found = co_await find_labels(wanted, with); !found) {
        co_return refuse(found.error(), from, with);
    }
    if (!wanted.label.empty()) wanted.label_hash = with.access.label_hash(wanted.label);
    if (!wanted.to_label.empty()) wanted.label_to_hash = with.access.label_hash(wanted.to_label);
    wanted.idempotency_hash = std::move(*hash);
    std::optional<event_hub::waiter> waiter;
    if (wait_wanted(from).count() > 0) waiter.emplace(with.events, wanted.id);
    failpoint("api.before_accept");
    const auto outcome = co_await with.redis.call(with.store.change(wanted));
    failpoint("api.after_accept");
    if (!outcome) co_return refuse(outcome.error(), from, with);
    // Committed with no worker to tell, a change is finished already: its record has the result.
    auto fresh =
        fresh_job(outcome->job_id, wanted.type, wanted.collection, wanted.label, outcome->state);
    fresh.label_to = wanted.to_label;
    accepted told = *outcome;
    if (is_terminal(told.state)) told.duplicate = true;
    if (told.duplicate && waiter) waiter.emplace(with.events, told.job_id);
    if (!outcome->duplicate) with.brokers.submit(outcome->job_id);
    co_return co_await answer_accepted(from, with, waiter ? &*waiter : nullptr, std::move(told),
                                       std::move(fresh));
}

}  // namespace

asio::awaitable<response> clear(request& from, services& with) {
    const auto fields = read_fields(from, "collection");
    if (!fields) co_return refuse(fields.error(), from, with);
    auto collection = collection_for(from, *fields);
    if (!collection) co_return refuse(collection.error(), from, with);
    new_change wanted;
    wanted.type = job_type::clear;
    wanted.collection = std::move(*collection);
    co_return co_await change(from, with, std::move(wanted));
}

/// DELETE /api/faces/{label}, /api/faces/{label}/{face_id} and /api/faces?label=
asio::awaitable<response> forget(request& from, services& with) {
    const bool by_field = from.to == route::faces;
    const auto fields = read_fields(from, by_field ? "collection label" : "collection");
    if (!fields) co_return refuse(fields.error(), from, with);
    auto collection = collection_for(from, *fields);
    if (!collection) co_return refuse(collection.error(), from, with);
    new_change wanted;
    wanted.type = job_type::forget;
    wanted.collection = std::move(*collection);
    if (by_field) {
        const auto label = fields->find("label");
        if (label == fields->end()) {
            co_return refuse({errc::bad_option, "label is missing: /api/clear removes all people"},
                             from, with);
        }
        wanted.label = label->second;
    } else {
        wanted.label = from.segments[0];
    }
    if (auto good = check_label(wanted.label); !good) co_return refuse(good.error(), from, with);
    if (from.to == route::face) {
        wanted.face_id = from.segments[1];
        const auto dash = wanted.face_id.rfind('-');
        const auto number =
            std::string_view(wanted.face_id).substr(std::min(dash, wanted.face_id.size()));
        const bool numbered = number.size() >= 2 && number.size() <= 6 &&
                              number.find_first_not_of("0123456789", 1) == std::string_view::npos;
        if (!numbered || !is_job_id(std::string_view(wanted.face_id).substr(0, dash))) {
            co_return refuse({errc::not_found, "No such face"}, from, with);
        }
    }
    co_return co_await change(from, with, std::move(wanted));
}

/// POST /api/rename and /api/merge
asio::awaitable<response> rename(request& from, services& with) {
    const auto fields = read_fields(from, "collection label label_to");
    if (!fields) co_return refuse(fields.error(), from, with);
    auto collection = collection_for(from, *fields);
    if (!collection) co_return refuse(collection.error(), from, with);
    new_change wanted;
    wanted.type = from.to == route::merge ? job_type::merge : job_type::rename;
    wanted.collection = std::move(*collection);
    for (const auto& [name, label] : {std::pair{"label", &wanted.label},
                                      std::pair{"label_to", &wanted.to_label}}) {
        const auto given = fields->find(name);
        if (given == fields->end()) {
            co_return refuse({errc::bad_option, std::string(name) + " is missing"}, from, with);
        }
        if (auto good = check_label(given->second); !good) {
            co_return refuse(good.error(), from, with);
        }
        *label = given->second;
    }
    co_return co_await change(from, with, std::move(wanted));
}

asio::awaitable<response> delete_collection(request& from, services& with) {
    new_change wanted;
    wanted.type = job_type::delete_collection;
    wanted.collection = from.segments[0];
    if (auto good = check_collection(wanted.collection); !good) {
        co_return refuse(good.error(), from, with);
    }
    if (auto good = may_use(from.key.get(), wanted.collection); !good) {
        co_return refuse(good.error(), from, with);
    }
    co_return co_await change(from, with, std::move(wanted));
}

}  // namespace vultus::api::handlers
