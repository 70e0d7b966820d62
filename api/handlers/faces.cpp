// Listings: people with their number of faces, the faces of one person and their pictures,
// collections.
#include "api/handlers/handlers.hpp"
#include "api/http/json.hpp"
#include "api/jobs/job_response.hpp"
#include "api/jobs/submission.hpp"
#include "shared/model/page_token.hpp"
#include "shared/model/person_key.hpp"
#include "shared/store/gallery_reader.hpp"

namespace vultus::api::handlers {

asio::awaitable<response> list_labels(request& req, services& ctx) {
    if (req.query.contains("label")) {
        co_return refuse({errc::bad_option, "label is only for DELETE"}, req, ctx);
    }
    const auto fields = read_fields(req, "collection page_size page_token");
    if (!fields) co_return refuse(fields.error(), req, ctx);
    const auto collection = collection_for(req, *fields);
    if (!collection) co_return refuse(collection.error(), req, ctx);
    const auto wanted = parse_page(*fields);
    if (!wanted) co_return refuse(wanted.error(), req, ctx);
    const auto found = co_await ctx.redis.call(
        ctx.people.list(*collection, "", wanted->size, wanted->token, true));
    if (!found) co_return refuse(found.error(), req, ctx);
    json_array rows;
    for (const auto& one : found->rows) {
        json_object row;
        row.add("label", name_of_key(one.key));
        if (!one.person_id.empty()) row.add("person_id", one.person_id);
        if (one.name_shared) row.add("name_shared", true);
        row.add("count", one.faces);
        if (!one.picture.empty()) row.add("picture_face_id", one.picture);
        rows.raw(row.take());
    }
    json_object text;
    text.add("collection", *collection);
    text.add("version", found->version);
    text.add("faces_total", found->faces);
    text.add("people_total", found->people);
    text.raw("faces", rows.take());
    if (!found->next.empty()) text.add("next_page_token", page_token(found->next));
    co_return json_response(200, text.take());
}

/// Of /api/faces/{label}… the stored name, of /api/people/{person_id}… the id.
asio::awaitable<result<std::string>> person_in_path(request& req, services& ctx,
                                                    std::string collection, person_by by) {
    const std::string text = req.segments[0];
    auto good = by == person_by::id ? check_person_id(text) : check_label(text);
    if (!good) co_return fail(good.error());
    if (by == person_by::id) co_return text;
    co_return co_await stored_label(std::move(collection), text, ctx);
}

/// GET /api/faces/{label} and /api/people/{person_id}/faces
asio::awaitable<response> list_faces(request& req, services& ctx) {
    const auto collection = collection_for(req, req.query);
    if (!collection) co_return refuse(collection.error(), req, ctx);
    const auto by = req.to == route::person_faces ? person_by::id : person_by::name;
    const auto label = co_await person_in_path(req, ctx, *collection, by);
    if (!label) co_return refuse(label.error(), req, ctx);
    const auto found = co_await ctx.redis.call(ctx.galleries.faces(*collection, *label, true, by));
    if (!found) co_return refuse(found.error(), req, ctx);
    if (found->empty()) co_return refuse({errc::not_found, "No such person"}, req, ctx);
    json_array rows;
    for (const auto& face : *found) {
        rows.raw(trained_face_json(face.face_id, face.json, face.picture));
    }
    json_object text;
    text.add("collection", *collection);
    text.add(by == person_by::id ? "person_id" : "label", *label).raw("faces", rows.take());
    co_return json_response(200, text.take());
}

/// Not cacheable, so that no cache shows a removed face.
asio::awaitable<response> face_picture(request& req, services& ctx) {
    const auto collection = collection_for(req, req.query);
    if (!collection) co_return refuse(collection.error(), req, ctx);
    const auto by = req.to == route::person_picture ? person_by::id : person_by::name;
    const auto label = co_await person_in_path(req, ctx, *collection, by);
    if (!label) co_return refuse(label.error(), req, ctx);
    auto found =
        co_await ctx.redis.call(ctx.galleries.picture(*collection, *label, req.segments[1], by));
    if (!found) co_return refuse(found.error(), req, ctx);
    response answer;
    answer.body = std::move(*found);
    answer.with("Content-Type", "image/jpeg").with("Cache-Control", "private, no-store");
    co_return answer;
}

/// The collections that the key names, so that page boundaries reveal no others.
asio::awaitable<result<collection_page>> named_collections(const access_key& key, page wanted,
                                                           services& ctx) {
    collection_page found;
    for (const auto& name : key.collections) {
        if (name <= wanted.token) continue;
        if (found.collections.size() == wanted.size) {
            found.next = found.collections.back().collection;
            break;
        }
        auto one = co_await ctx.redis.call(ctx.galleries.gallery(name));
        if (!one) co_return fail(one.error());
        one->collection = name;
        if (one->version > 0) found.collections.push_back(std::move(*one));
    }
    co_return found;
}

asio::awaitable<result<collection_page>> visible_collections(const request& req, page wanted,
                                                             services& ctx) {
    if (req.key && !covers(*req.key, "*")) {
        co_return co_await named_collections(*req.key, std::move(wanted), ctx);
    }
    co_return co_await ctx.redis.call(ctx.galleries.collections(wanted.size, wanted.token));
}

asio::awaitable<response> list_collections(request& req, services& ctx) {
    const auto wanted = parse_page(req.query);
    if (!wanted) co_return refuse(wanted.error(), req, ctx);
    const auto found = co_await visible_collections(req, *wanted, ctx);
    if (!found) co_return refuse(found.error(), req, ctx);
    json_array rows;
    for (const auto& one : found->collections) {
        json_object row;
        row.add("name", one.collection).add("faces", one.faces).add("people", one.people);
        row.add("version", one.version);
        row.raw("embedding_model",
                one.embedding_model.empty() ? "null" : json_quoted(one.embedding_model));
        row.raw("dimension", one.dimension == 0 ? "null" : std::to_string(one.dimension));
        row.add("keep_pictures", one.keep_pictures);
        rows.raw(row.take());
    }
    json_object text;
    text.raw("collections", rows.take());
    if (!found->next.empty()) text.add("next_page_token", page_token(found->next));
    co_return json_response(200, text.take());
}

}  // namespace vultus::api::handlers
