// The embedding model of a collection: read it and who could not follow to another one, change it.
#include <algorithm>
#include <optional>

#include "api/handlers/handlers.hpp"
#include "api/http/json.hpp"
#include "api/jobs/job_response.hpp"
#include "api/jobs/submission.hpp"
#include "shared/model/model_names.hpp"
#include "shared/store/picture_store.hpp"

namespace vultus::api::handlers {
namespace {

constexpr std::size_t people_listed = 100;
constexpr int steps_most = 50;  ///< of 1,000 faces

struct model_view {
    gallery_info gallery;
    std::uint64_t pictures = 0;
    std::vector<std::string> without;  ///< people with a face that has no picture
    bool complete = true;
    bool all_have_pictures() const { return pictures >= gallery.faces; }
};

asio::awaitable<result<model_view>> view_of(const std::string& collection, services& ctx) {
    model_view seen;
    const auto gallery = co_await ctx.redis.call(ctx.galleries.gallery(collection));
    if (!gallery) co_return fail(gallery.error());
    if (gallery->version == 0) co_return fail(errc::not_found, "No such collection");
    seen.gallery = *gallery;
    const auto rule = co_await ctx.redis.call(ctx.pictures.rule_of(collection));
    if (!rule) co_return fail(rule.error());
    seen.pictures = rule->pictures;
    if (seen.all_have_pictures()) co_return seen;
    std::string cursor;
    for (int step = 0; step < steps_most && seen.without.size() < people_listed; ++step) {
        const auto some = co_await ctx.redis.call(ctx.pictures.people_without(collection, cursor));
        if (!some) co_return fail(some.error());
        for (const std::string& label : some->labels) {
            if (seen.without.empty() || seen.without.back() != label) seen.without.push_back(label);
        }
        cursor = some->cursor;
        if (cursor.empty()) break;
    }
    seen.complete = cursor.empty() && seen.without.size() <= people_listed;
    if (seen.without.size() > people_listed) seen.without.resize(people_listed);
    co_return seen;
}

/// A name as workers announce it, "omz_0095/unit". Whether one has it is seen when the job waits.
result<void> check_embedder(std::string_view name) {
    const bool good = is_model_name(name) && std::count(name.begin(), name.end(), '/') == 1 &&
                      name.front() != '/' && name.back() != '/';
    if (good) return {};
    return fail(errc::bad_option, "embedder must be the name of a model, such as omz_0095/unit");
}

result<job_options> options_in(const name_values& given) {
    job_options options;
    const auto embedder = given.find("embedder");
    if (embedder == given.end()) return fail(errc::bad_option, "embedder is missing");
    if (auto good = check_embedder(embedder->second); !good) return fail(good.error());
    options.embedder = embedder->second;
    const auto without = given.find("without_pictures");
    if (without != given.end() && without->second != "refuse" && without->second != "forget") {
        return fail(errc::bad_option, "without_pictures must be refuse or forget");
    }
    options.forget_without_pictures = without != given.end() && without->second == "forget";
    return options;
}

/// "3 of 14 faces have no picture, of Ada, Bob"
error lacks_pictures(const model_view& seen) {
    std::string text = std::to_string(seen.gallery.faces - seen.pictures) + " of " +
                       std::to_string(seen.gallery.faces) + " faces have no picture, of ";
    constexpr std::size_t named = 10;
    for (std::size_t i = 0; i < std::min(named, seen.without.size()); ++i) {
        text += (i > 0 ? ", " : "") + seen.without[i];
    }
    if (seen.without.size() > named || !seen.complete) text += " and others";
    return {errc::wrong_state, text + ". without_pictures=forget removes these faces"};
}

/// Why the collection cannot get this model now.
std::optional<error> refusal_of(const result<model_view>& seen, const job_options& options) {
    if (!seen) return seen.error();
    if (seen->gallery.faces == 0) return error{errc::wrong_state, "Collection has no faces"};
    if (seen->gallery.embedding_model == options.embedder) {
        return error{errc::wrong_state, "Collection has this model already"};
    }
    if (seen->all_have_pictures() || options.forget_without_pictures) return std::nullopt;
    return lacks_pictures(*seen);
}

}  // namespace

/// GET /api/collections/{collection}/model
asio::awaitable<response> model(request& req, services& ctx) {
    const auto collection = collection_in_path(req);
    if (!collection) co_return refuse(collection.error(), req, ctx);
    const auto seen = co_await view_of(*collection, ctx);
    if (!seen) co_return refuse(seen.error(), req, ctx);
    json_object text;
    text.add("collection", *collection);
    text.raw("embedding_model", seen->gallery.embedding_model.empty()
                                    ? "null"
                                    : json_quoted(seen->gallery.embedding_model));
    text.raw("dimension",
             seen->gallery.dimension == 0 ? "null" : std::to_string(seen->gallery.dimension));
    text.add("faces", seen->gallery.faces).add("pictures", seen->pictures);
    json_array people;
    for (const std::string& label : seen->without) people.raw(json_quoted(label));
    text.raw("people_without_pictures", people.take());
    text.add("people_without_pictures_complete", seen->complete);
    co_return json_response(200, text.take());
}

/// POST /api/collections/{collection}/model
asio::awaitable<response> change_model(request& req, services& ctx) {
    const auto collection = collection_in_path(req);
    if (!collection) co_return refuse(collection.error(), req, ctx);
    const auto fields = read_fields(req, "embedder without_pictures");
    if (!fields) co_return refuse(fields.error(), req, ctx);
    auto options = options_in(*fields);
    if (!options) co_return refuse(options.error(), req, ctx);
    const auto seen = co_await view_of(*collection, ctx);
    if (!seen && seen.error().code != errc::not_found) co_return refuse(seen.error(), req, ctx);
    auto refusal = refusal_of(seen, *options);
    submitted given;
    given.what.type = job_type::reembed;
    given.what.collection = *collection;
    given.what.options = std::move(*options);
    co_return co_await accept(req, ctx, std::move(given), std::move(refusal));
}

}  // namespace vultus::api::handlers
