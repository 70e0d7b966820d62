// People registered, listed and removed. See calls.hpp.
#include <algorithm>
#include <set>

#include "api/compat/common/measures.hpp"
#include "api/compat/common/native.hpp"
#include "api/compat/deepstack/calls.hpp"
#include "api/http/json.hpp"
#include "api/http/problem.hpp"
#include "shared/model/person_key.hpp"

namespace vultus::api::compat::deepstack {
namespace {

constexpr std::size_t people_most = 100'000;  ///< of a listing, which has no pages

response done(std::string_view message = {}) {
    json_object text;
    text.add("success", true);
    if (!message.empty()) text.add("message", message);
    text.add("duration", 0);
    return json_response(200, text.take());
}

/// A photo with several faces: the largest is meant. It is taught by its embedding.
asio::awaitable<result<json_value>> teach_largest(call on, shared_bytes photo, name_values who) {
    name_values where{{"collection", on.collection}};
    const auto told =
        co_await ask(job_type::embed, on.req, on.ctx, std::move(photo), std::move(where));
    if (!told) co_return fail(told.error());
    const auto faces = faces_in(*told, detector_in(*told));
    if (faces.empty()) co_return fail(errc::no_face, "No face found");
    const auto* vector = faces.front().told->find("embedding");
    const auto* models = told->find("models");
    if (vector == nullptr || models == nullptr) {
        co_return fail(errc::several_faces, "More than one face found");
    }
    json_array list;
    list.raw(json_list(vector->numbers));
    json_object body;
    body.raw("embeddings", list.take()).add("model", models->text_of("embedding"));
    request inner =
        native_request(on.req, std::move(who), shared_bytes(body.take()), "application/json");
    const auto answer = co_await handlers::train(inner, on.ctx);
    co_return native_job(on.req, answer);
}

/// The id of the face that one photo taught.
asio::awaitable<result<std::string>> teach_one(call on, shared_bytes photo, name_values who) {
    auto again = who;
    auto copy = photo;
    auto made = co_await teach(on.req, on.ctx, std::move(photo), std::move(who));
    if (!made && made.error().code == errc::several_faces) {
        made = co_await teach_largest(on, std::move(copy), std::move(again));
    }
    if (!made) co_return fail(made.error());
    const auto* files = made->find("files");
    if (files == nullptr || files->items.empty()) co_return std::string();
    co_return std::string(files->items[0].text_of("face_id"));
}

/// Removes the faces that the person had before, but for those that were taught again.
asio::awaitable<result<void>> replace(call on, person_record person,
                                      std::vector<face_record> before,
                                      std::set<std::string> taught) {
    for (const auto& face : before) {
        if (taught.contains(face.face_id)) continue;
        const auto gone = co_await forget(on.req, on.ctx, on.collection, person, face.face_id);
        if (!gone && gone.error().code != errc::not_found) co_return fail(gone.error());
    }
    co_return result<void>();
}

}  // namespace

asio::awaitable<response> enroll(call on) {
    if (on.given.files.empty()) co_return refusal(400, "No valid image file found");
    const auto user = on.given.fields.find("userid");
    if (user == on.given.fields.end() || user->second.empty()) {
        co_return refusal(400, "userid not specified");
    }
    if (on.given.files.size() > limits::files_per_train) {
        co_return refusal(400, "More than 16 image files");
    }
    const auto people = co_await people_named(on.ctx, on.collection, user->second, false);
    if (!people) co_return answer_to(people.error(), on.req);
    const bool known = !people->empty();
    name_values who{{"collection", on.collection}, {"name", user->second}};
    std::vector<face_record> before;
    if (known) {
        who["name"] = name_of_key(people->front().key);
        if (people->size() > 1) who.emplace("person_id", people->front().person_id);
        const auto call = on.ctx.galleries.faces(on.collection, people->front().key);
        if (auto faces = co_await on.ctx.redis.call(call)) before = std::move(*faces);
    }
    std::set<std::string> taught;
    std::optional<error> first;
    for (const auto& part : on.given.files) {
        auto photo = part.body;
        auto id = co_await teach_one(on, std::move(photo), who);
        if (id) taught.insert(std::move(*id));
        if (!id && !first) first = id.error();
        if (!id && http_status(id.error().code) >= 429) break;
    }
    if (taught.empty()) co_return answer_to(*first, on.req);
    if (known && on.ctx.settings.compat.deepstack_register == "replace") {
        const person_record person = people->front();
        const auto gone = co_await replace(on, person, std::move(before), std::move(taught));
        if (!gone) co_return answer_to(gone.error(), on.req);
    }
    co_return done(known ? "face updated" : "face added");
}

asio::awaitable<response> list(call on) {
    const auto people = co_await everybody(on.ctx, on.collection, people_most);
    if (!people) co_return answer_to(people.error(), on.req);
    std::set<std::string, std::less<>> names;
    for (const auto& one : *people) names.emplace(name_of_key(one.key));
    json_array rows;
    for (const auto& one : names) rows.raw(json_quoted(one));
    json_object text;
    text.add("success", true).raw("faces", rows.take()).add("duration", 0);
    co_return json_response(200, text.take());
}

asio::awaitable<response> remove(call on) {
    const auto user = on.given.fields.find("userid");
    if (user == on.given.fields.end() || user->second.empty()) {
        co_return refusal(400, "userid not specified");
    }
    const auto people = co_await people_named(on.ctx, on.collection, user->second, false);
    if (!people) co_return answer_to(people.error(), on.req);
    for (const auto& person : *people) {
        const auto gone = co_await forget(on.req, on.ctx, on.collection, person);
        if (!gone && gone.error().code != errc::not_found) {
            co_return answer_to(gone.error(), on.req);
        }
    }
    co_return done();
}

}  // namespace vultus::api::compat::deepstack
