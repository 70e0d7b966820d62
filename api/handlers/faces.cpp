// Who is known: people with their number of faces, the faces of one person and their pictures,
// collections.
#include "api/jobs/job_response.hpp"
#include "api/handlers/handlers.hpp"
#include "api/http/json.hpp"
#include "api/jobs/submission.hpp"
#include "shared/model/page_token.hpp"

namespace vultus::api::handlers {

asio::awaitable<response> list_labels(request& from, services& with) {
    if (from.query.contains("label")) {
        co_return refuse({errc::bad_option, "label is only for DELETE"}, from, with);
    }
    const auto fields = read_fields(from, "collection page_size page_token");
    if (!fields) co_return refuse(fields.error(), from, with);
    const auto collection = collection_for(from, *fields);
    if (!collection) co_return refuse(collection.error(), from, with);
    const auto wanted = parse_page(*fields);
    if (!wanted) co_return refuse(wanted.error(), from, with);
    const auto found =
        co_await with.redis.call(with.store.labels(*collection, wanted->size, wanted->token, true));
    if (!found) co_return refuse(found.error(), from, with);
    json_array rows;
    for (const auto& one : found->labels) {
        json_object row;
        row.add("label", one.label).add("count", one.faces);
        if (!one.picture.empty()) row.add("picture_face_id", one.picture);
        rows.raw(row.take());
    }
    json_object text;
    text.add("collection", *collection);
    text.add("version", found->gallery.version);
    text.add("faces_total", found->gallery.faces);
    text.add("people_total", found->gallery.people);
    text.raw("faces", rows.take());
    if (!found->next.empty()) text.add("next_page_token", page_token(found->next));
    co_return json_response(200, text.take());
}

asio::awaitable<response> list_faces(request& from, services& with) {
    const auto collection = collection_for(from, from.query);
    if (!collection) co_return refuse(collection.error(), from, with);
    if (auto good = check_label(from.segments[0]); !good) {
        co_return refuse(good.error(), from, with);
    }
    const auto label = co_await stored_label(*collection, from.segments[0], with);
    if (!label) co_return refuse(label.error(), from, with);
    const auto found = co_await with.redis.call(with.store.faces(*collection, *label, true));
    if (!found) co_return refuse(found.error(), from, with);
    if (found->empty()) {
        co_return refuse({errc::not_found, "No person of that name in the collection"}, from, with);
    }
    json_array rows;
    for (const auto& face : *found) {
        rows.raw(trained_face_json(face.face_id, face.json, face.picture));
    }
    json_object text;
    text.add("collection", *collection).add("label", *label).raw("faces", rows.take());
    co_return json_response(200, text.take());
}

/// Kept nowhere on its way: a face that was removed is shown by no cache.
asio::awaitable<response> face_picture(request& from, services& with) {
    const auto collection = collection_for(from, from.query);
    if (!collection) co_return refuse(collection.error(), from, with);
    if (auto good = check_label(from.segments[0]); !good) {
        co_return refuse(good.error(), from, with);
    }
    const auto label = co_await stored_label(*collection, from.segments[0], with);
    if (!label) co_return refuse(label.error(), from, with);
    auto found =
        co_await with.redis.call(with.store.picture(*collection, *label, from.segments[1]));
    if (!found) co_return refuse(found.error(), from, with);
    response answer;
    answer.body = std::move(*found);
    answer.with("Content-Type", "image/jpeg").with("Cache-Control", "private, no-store");
    co_return answer;
}

/// Those that the key names, so that no page shows where others would stand.
asio::awaitable<result<collection_page>> named_collections(const access_key& key, page wanted,
                                                           services& with) {
    collection_page found;
    for (const auto& name : key.collections) {
        if (name <= wanted.token) continue;
        if (found.collections.size() == wanted.size) {
            found.next = found.collections.back().collection;
            break;
        }
        auto one = co_await with.redis.call(with.store.gallery(name));
        if (!one) co_return fail(one.error());
        one->collection = name;
        if (one->version > 0) found.collections.push_back(std::move(*one));
    }
    co_return found;
}

asio::awaitable<result<collection_page>> visible_collections(const request& from, page wanted,
                                                             services& with) {
    if (from.key && !covers(*from.key, "*")) {
        co_return co_await named_collections(*from.key, std::move(wanted), with);
    }
    co_return co_await with.redis.call(with.store.collections(wanted.size, wanted.token));
}

asio::awaitable<response> list_collections(request& from, services& with) {
    const auto wanted = parse_page(from.query);
    if (!wanted) co_return refuse(wanted.error(), from, with);
    const auto found = co_await visible_collections(from, *wanted, with);
    if (!found) co_return refuse(found.error(), from, with);
    json_array rows;
    for (const auto& one : found->collections) {
        json_object row;
        row.add("name", one.collection).add("faces", one.faces).add("people", one.people);
        row.add("version", one.version);
        row.raw("embedding_model",
                one.embedding_model.empty() ? "null" : json_quoted(one.embedding_model));
        rows.raw(row.take());
    }
    json_object text;
    text.raw("collections", rows.take());
    if (!found->next.empty()) text.add("next_page_token", page_token(found->next));
    co_return json_response(200, text.take());
}

}  // namespace vultus::api::handlers
