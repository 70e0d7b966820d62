// What a submission says of a gallery, checked with it (submissions.hpp).
#include "api/handlers/handlers.hpp"
#include "api/handlers/submissions.hpp"
#include "shared/model/person_key.hpp"

namespace vultus::api::handlers {

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

namespace {

/// The person of a verify, given by name or, if nobody has that name, by person_id.
/// errors    not_found; several_people; migrating
asio::awaitable<result<person_record>> find_verified(const submission& what, services& ctx) {
    const auto label = co_await stored_label(what.collection, what.label, ctx);
    if (!label) co_return fail(label.error());
    const auto by_name = ctx.people.find(what.collection, person_by::name, *label);
    auto found = co_await ctx.redis.call(by_name);
    if (found && found->size() > 1) {
        std::vector<std::string> ids;
        for (const auto& one : *found) ids.push_back(one.person_id);
        co_return fail(several_people(ids));
    }
    if (found) co_return std::move(found->front());
    if (found.error().code != errc::not_found) co_return fail(found.error());
    if (check_person_id(what.label)) {
        auto person = co_await person_with_id(what.collection, what.label, ctx);
        if (person || person.error().code != errc::not_found) co_return person;
    }
    co_return fail(errc::not_found, "No such person in this collection");
}

}  // namespace

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
    auto person = co_await find_verified(what, ctx);
    if (!person) co_return fail(person.error());
    what.label = std::move(person->key);
    what.person.person_id = std::move(person->person_id);
    co_return result<void>();
}

asio::awaitable<result<void>> find_again(submission& what, services& ctx) {
    if (what.type != job_type::verify || what.person.person_id.empty()) co_return result<void>();
    auto person = co_await person_with_id(what.collection, what.person.person_id, ctx);
    if (!person && person.error().code == errc::not_found) {
        co_return fail(errc::not_found, "The person was removed, or merged into another");
    }
    if (!person) co_return fail(person.error());
    what.label = std::move(person->key);
    co_return result<void>();
}

}  // namespace vultus::api::handlers
