// People with their ids and data: pages, search, look-up, and changes of one person.
#include "api/handlers/handlers.hpp"
#include "api/http/json.hpp"
#include "api/jobs/job_response.hpp"
#include "api/jobs/person_view.hpp"
#include "api/jobs/submission.hpp"
#include "shared/base/failpoint.hpp"
#include "shared/model/label.hpp"
#include "shared/model/page_token.hpp"
#include "shared/model/person_key.hpp"
#include "shared/store/person_store.hpp"

namespace vultus::api::handlers {
namespace {

constexpr int set_most = 8;  ///< tries for one PATCH that others overtake

/// The people of an external id or of a name; nobody is an empty list.
asio::awaitable<response> looked_up(request& req, services& ctx, std::string collection,
                                    person_by by, std::string text) {
    const auto call = ctx.people.find(collection, by, text);
    const auto found = co_await ctx.redis.call(call);
    if (!found && found.error().code != errc::not_found) {
        co_return refuse(found.error(), req, ctx);
    }
    json_array rows;
    if (found) {
        for (const auto& one : *found) rows.raw(person_json(one));
    }
    json_object answer;
    answer.add("collection", collection).raw("people", rows.take());
    co_return json_response(200, answer.take());
}

asio::awaitable<response> one_page(request& req, services& ctx, std::string collection,
                                   std::string words, page wanted) {
    const auto call = ctx.people.list(collection, words, wanted.size, wanted.token, true);
    const auto found = co_await ctx.redis.call(call);
    if (!found) co_return refuse(found.error(), req, ctx);
    json_array rows;
    for (const auto& one : found->rows) rows.raw(person_json(one));
    json_object text;
    text.add("collection", collection);
    text.add("version", found->version);
    text.add("faces_total", found->faces);
    text.add("people_total", found->people);
    text.raw("people", rows.take());
    if (!found->next.empty()) text.add("next_page_token", page_token(found->next));
    co_return json_response(200, text.take());
}

/// The client, its address and the hash of the name, as the functions take them.
std::string by_whom(const request& req, const services& ctx, std::string_view name) {
    std::string text = req.client + ' ' + req.address;
    const auto hash = ctx.access.label_hash(std::string(name));
    if (!hash.empty()) text += ' ' + hash;
    return text;
}

asio::awaitable<result<person_record>> set_data(const request& req, services& ctx,
                                                std::string collection, std::string id,
                                                const person_patch& patch) {
    for (int tries = 0; tries < set_most; ++tries) {
        auto person = co_await person_with_id(collection, id, ctx);
        if (!person) co_return fail(person.error());
        if (!person->readable) {
            co_return fail(errc::store_unavailable, "The person's data cannot be decrypted");
        }
        auto data = patched(person->data, patch);
        if (data == person->data) co_return std::move(*person);
        failpoint("api.before_set_person");
        const auto call =
            ctx.people.set(collection, *person, data, by_whom(req, ctx, name_of_key(person->key)));
        const auto done = co_await ctx.redis.call(call);
        failpoint("api.after_set_person");
        if (!done) co_return fail(done.error());
        if (*done) {
            person->data = std::move(data);
            co_return std::move(*person);
        }
    }
    co_return fail(errc::queue_full, "The person is being changed by others: try again");
}

}  // namespace

/// GET /api/people
asio::awaitable<response> list_people(request& req, services& ctx) {
    const auto& fields = req.query;
    const auto collection = collection_for(req, fields);
    if (!collection) co_return refuse(collection.error(), req, ctx);
    const auto value = [&](const char* name) {
        const auto found = fields.find(name);
        return found == fields.end() ? std::nullopt : std::optional(found->second);
    };
    const auto words = value("q"), name = value("name"), external = value("external_id");
    if ((words ? 1 : 0) + (name ? 1 : 0) + (external ? 1 : 0) > 1) {
        co_return refuse({errc::bad_option, "q, name and external_id exclude each other"}, req,
                         ctx);
    }
    if (external) {
        if (auto good = check_external_id(*external); !good) {
            co_return refuse(good.error(), req, ctx);
        }
        co_return co_await looked_up(req, ctx, *collection, person_by::external_id, *external);
    }
    if (name) {
        if (auto good = check_label(*name); !good) co_return refuse(good.error(), req, ctx);
        auto label = co_await stored_label(*collection, *name, ctx);
        if (!label) co_return refuse(label.error(), req, ctx);
        co_return co_await looked_up(req, ctx, *collection, person_by::name, *label);
    }
    const auto folded = words ? folded_name(*words) : std::string();
    if (words && folded.empty()) co_return refuse({errc::bad_option, "q is empty"}, req, ctx);
    const auto wanted = parse_page(fields);
    if (!wanted) co_return refuse(wanted.error(), req, ctx);
    co_return co_await one_page(req, ctx, *collection, folded, *wanted);
}

/// GET /api/people/{person_id}
asio::awaitable<response> person(request& req, services& ctx) {
    const auto collection = collection_for(req, req.query);
    if (!collection) co_return refuse(collection.error(), req, ctx);
    const auto found = co_await person_with_id(*collection, req.segments[0], ctx);
    if (!found) co_return refuse(found.error(), req, ctx);
    co_return json_response(200, person_json(*found));
}

/// PATCH /api/people/{person_id}: data at once, 200 with the person; a name by a job, as rename,
/// but other people may have it.
asio::awaitable<response> change_person(request& req, services& ctx) {
    const auto collection = collection_for(req, req.query);
    if (!collection) co_return refuse(collection.error(), req, ctx);
    if (auto good = ctx.health.ready(); !good) co_return refuse(good.error(), req, ctx);
    const auto patch = parse_person_patch(req.body);
    if (!patch) co_return refuse(patch.error(), req, ctx);
    const std::string id = req.segments[0];
    if (patch->changes_data()) {
        const auto person = co_await set_data(req, ctx, *collection, id, *patch);
        if (!person) co_return refuse(person.error(), req, ctx);
        if (!patch->name) co_return json_response(200, person_json(*person));
    }
    new_change wanted;
    wanted.type = job_type::rename;
    wanted.collection = *collection;
    wanted.label = id;
    wanted.by = person_by::id;
    wanted.to_label = *patch->name;
    wanted.shared_name = true;
    co_return co_await accept_change(req, ctx, std::move(wanted));
}

}  // namespace vultus::api::handlers
