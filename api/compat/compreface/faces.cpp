// Faces, which CompreFace calls examples: added, listed in pages, removed, shown. See calls.hpp.
#include <algorithm>
#include <charconv>

#include "api/compat/common/native.hpp"
#include "api/compat/compreface/calls.hpp"
#include "api/compat/compreface/image_id.hpp"
#include "api/http/json.hpp"
#include "shared/base/limits.hpp"
#include "shared/model/gallery_version.hpp"
#include "shared/model/person_key.hpp"

namespace vultus::api::compat::compreface {
namespace {

constexpr std::uint64_t page_most = limits::page_size;
constexpr std::size_t ids_most = limits::page_size;  ///< of one call that removes faces by id

std::string face_text(std::string_view image_id, std::string_view subject) {
    json_object text;
    text.add("image_id", image_id).add("subject", subject);
    return text.take();
}

response no_image(std::string_view id) {
    return refusal(code::no_image, "Image " + std::string(id) + " not found");
}

response deleted(std::uint64_t count) {
    json_object text;
    text.add("deleted", count);
    return json_response(200, text.take());
}

std::uint64_t removed_by(const json_value& job) {
    return static_cast<std::uint64_t>(std::max(0.0, job.number_of("removed_faces")));
}

struct wanted_page {
    std::uint64_t number = 0, size = 20;
};

outcome<wanted_page> page_in(const name_values& fields) {
    wanted_page wanted;
    for (const auto& [name, into] :
         {std::pair{"page", &wanted.number}, std::pair{"size", &wanted.size}}) {
        const auto found = fields.find(name);
        if (found == fields.end() || found->second.empty()) continue;
        const auto& text = found->second;
        const auto* last = text.data() + text.size();
        const auto [end, bad] = std::from_chars(text.data(), last, *into);
        if (bad != std::errc{} || end != last) return refused(code::anything);
    }
    wanted.size = std::clamp<std::uint64_t>(wanted.size, 1, page_most);
    wanted.number = std::min<std::uint64_t>(wanted.number, limits::gallery_faces);
    return wanted;
}

/// The people whose faces are on a page, and what is to be skipped of theirs.
struct people_of_page {
    std::vector<person_record> people;
    std::uint64_t skip = 0, total = 0;
};

/// Of all people, page by page of the store, so that only those of this page are held.
asio::awaitable<result<people_of_page>> people_at(call on, wanted_page wanted) {
    people_of_page found;
    found.skip = wanted.number * wanted.size;
    std::uint64_t held = 0;
    std::string next;
    do {
        const auto list = on.ctx.people.list(on.collection, "", limits::page_size, next);
        auto page = co_await on.ctx.redis.call(list);
        if (!page) co_return fail(page.error());
        found.total = page->faces;
        for (auto& one : page->rows) {
            if (held == 0 && found.skip >= one.faces) {
                found.skip -= one.faces;
                continue;
            }
            held += one.faces;
            found.people.push_back(std::move(one));
            if (held >= found.skip + wanted.size) co_return found;
        }
        next = page->next;
    } while (!next.empty());
    co_return found;
}

/// Those of one subject.
asio::awaitable<result<people_of_page>> people_of(call on, wanted_page wanted,
                                                  std::string subject) {
    people_of_page found;
    found.skip = wanted.number * wanted.size;
    auto people = co_await people_named(on.ctx, on.collection, std::move(subject));
    if (!people) co_return fail(people.error());
    found.people = std::move(*people);
    for (const auto& one : found.people) found.total += one.faces;
    co_return found;
}

/// The faces of a page: of people in the order of their names, each in the order of the ids.
asio::awaitable<result<std::string>> faces_from(call on, std::vector<person_record> people,
                                                std::uint64_t skip, std::uint64_t most) {
    std::vector<std::pair<std::string, std::string>> rows;  // key of the person, text
    std::vector<std::string> keys;
    for (const auto& person : people) {
        if (most == 0) break;
        if (skip >= person.faces) {
            skip -= person.faces;
            continue;
        }
        const auto call = on.ctx.galleries.faces(on.collection, person.key);
        const auto faces = co_await on.ctx.redis.call(call);
        if (!faces && faces.error().code == errc::not_found) continue;
        if (!faces) co_return fail(faces.error());
        for (const auto& face : *faces) {
            if (skip > 0) {
                --skip;
                continue;
            }
            if (most == 0) break;
            --most;
            const auto id = image_id_of(face.face_id);
            if (id) rows.emplace_back(person.key, face_text(*id, name_of_key(person.key)));
        }
        if (!rows.empty() && rows.back().first == person.key) keys.push_back(person.key);
    }
    json_array list;
    if (rows.empty()) co_return list.take();
    // The last look: nobody who was removed meanwhile.
    const auto now =
        co_await on.ctx.redis.call(on.ctx.retention.watch_gallery(on.collection, keys));
    if (!now) co_return fail(now.error());
    std::set<std::string> there;
    for (std::size_t i = 0; i < keys.size() && i < now->people.size(); ++i) {
        if (!now->people[i].person_id.empty()) there.insert(keys[i]);
    }
    for (auto& [key, text] : rows) {
        if (there.contains(key)) list.raw(std::move(text));
    }
    co_return list.take();
}

/// The id of the face in the path.
outcome<std::string> face_in_path(const request& req) {
    auto id = face_id_of(req.segments[0]);
    if (id) return std::move(*id);
    if (!is_uuid(req.segments[0])) return refused(code::anything);
    return tl::unexpected<response>(no_image(req.segments[0]));
}

/// Removes one face. False: it is not there (any more).
asio::awaitable<result<bool>> remove_face(call on, stored_face face) {
    const auto by_key = on.ctx.people.find(on.collection, person_by::key, face.key);
    const auto person = co_await on.ctx.redis.call(by_key);
    if (!person && person.error().code == errc::not_found) co_return false;
    if (!person) co_return fail(person.error());
    const person_record whose = person->front();
    const auto done = co_await forget(on.req, on.ctx, on.collection, whose, face.face_id);
    if (!done && done.error().code == errc::not_found) co_return false;
    if (!done) co_return fail(done.error());
    co_return removed_by(*done) > 0;
}

}  // namespace

asio::awaitable<result<std::optional<stored_face>>> find_face(call on, std::string face_id) {
    const auto gallery = co_await on.ctx.redis.call(on.ctx.galleries.gallery(on.collection));
    if (!gallery) co_return fail(gallery.error());
    std::optional<stored_face> found;
    if (gallery->version == 0) co_return found;
    const std::vector<std::string> ids{face_id};
    stored_face face{std::move(face_id), "", "", epoch_of(gallery->version)};
    const auto call = on.ctx.galleries.face_json(on.collection, face.epoch, ids);
    const auto json = co_await on.ctx.redis.call(call);
    if (!json) co_return fail(json.error());
    if (json->empty() || json->front().empty()) co_return found;
    face.json = json->front();
    face.key = stored_label_of(face.json);
    if (!face.key.empty()) found = std::move(face);
    co_return found;
}

asio::awaitable<response> add_face(call on) {
    auto given = read_pictures(on.req, {"file"});
    auto fields = given ? given->fields : name_values{};
    if (!given) {  // the query is looked at before the body
        auto query = lenient_query(on.req.target);
        const auto named = query ? subject_in(*query) : outcome<std::string>(std::string());
        const bool in_query = query && query->contains("subject");
        co_return in_query && !named ? named.error() : given.error();
    }
    const auto subject = subject_in(fields);
    if (!subject) co_return subject.error();
    const auto wanted = read_options(fields);
    if (!wanted) co_return wanted.error();
    const auto people = co_await people_named(on.ctx, on.collection, *subject);
    if (!people) {
        co_return answer_to(people.error(), on.req);
    }
    name_values query{{"collection", on.collection}};
    std::string name = on.empty.find(on.collection, *subject);
    if (name.empty()) name = *subject;
    if (!people->empty()) name = name_of_key(people->front().key);
    query.emplace("name", name);
    if (people->size() > 1) query.emplace("person_id", people->front().person_id);
    const auto done =
        co_await teach(on.req, on.ctx, std::move(given->pictures[0]), std::move(query));
    if (!done) co_return answer_about_photo(done.error(), on.req);
    on.empty.remove(on.collection, *subject);
    const auto* files = done->find("files");
    const auto id = files == nullptr || files->items.empty()
                        ? std::nullopt
                        : image_id_of(files->items[0].text_of("face_id"));
    if (!id) co_return refusal(code::unavailable, "The face was removed meanwhile");
    co_return json_response(201, face_text(*id, name));
}

asio::awaitable<response> list_faces(call on) {
    const auto fields = read_parameters(on.req);
    if (!fields) co_return fields.error();
    const auto wanted = page_in(*fields);
    if (!wanted) co_return wanted.error();
    const auto subject = fields->find("subject");
    const bool one = subject != fields->end() && !subject->second.empty();
    const wanted_page page = *wanted;
    result<people_of_page> found = fail(errc::internal);
    if (one) found = co_await people_of(on, page, subject->second);
    if (!one) found = co_await people_at(on, page);
    if (!found) co_return answer_to(found.error(), on.req);
    const auto list = co_await faces_from(on, std::move(found->people), found->skip, page.size);
    if (!list) co_return answer_to(list.error(), on.req);
    json_object text;
    text.raw("faces", *list);
    text.add("page_number", wanted->number).add("page_size", wanted->size);
    text.add("total_pages", (found->total + page.size - 1) / page.size);
    text.add("total_elements", found->total);
    co_return json_response(200, text.take());
}

asio::awaitable<response> delete_faces(call on) {
    const auto fields = read_parameters(on.req);
    if (!fields) co_return fields.error();
    const auto subject = fields->find("subject");
    if (subject == fields->end() || subject->second.empty()) {
        new_change wanted;
        wanted.type = job_type::clear;
        wanted.collection = on.collection;
        const auto done = co_await change(on.req, on.ctx, std::move(wanted));
        if (!done) co_return answer_to(done.error(), on.req);
        on.empty.clear(on.collection);
        co_return deleted(removed_by(*done));
    }
    const auto people = co_await people_named(on.ctx, on.collection, subject->second);
    if (!people) co_return answer_to(people.error(), on.req);
    std::uint64_t count = 0;
    for (const auto& person : *people) {
        const auto done = co_await forget(on.req, on.ctx, on.collection, person);
        if (!done && done.error().code == errc::not_found) continue;
        if (!done) co_return answer_to(done.error(), on.req);
        count += removed_by(*done);
    }
    on.empty.remove(on.collection, subject->second);
    co_return deleted(count);
}

asio::awaitable<response> delete_face(call on) {
    const auto id = face_in_path(on.req);
    if (!id) co_return id.error();
    const auto face = co_await find_face(on, *id);
    if (!face) co_return answer_to(face.error(), on.req);
    if (!*face) co_return no_image(on.req.segments[0]);
    const stored_face found = **face;
    const auto gone = co_await remove_face(on, found);
    if (!gone) co_return answer_to(gone.error(), on.req);
    if (!*gone) co_return no_image(on.req.segments[0]);
    co_return json_response(200, face_text(*image_id_of(found.face_id), name_of_key(found.key)));
}

asio::awaitable<response> delete_some(call on) {
    const auto body = read_body(on.req, json_value::kind::list);
    if (!body) co_return body.error();
    if (!body->numbers.empty() || body->items.size() > ids_most) {
        co_return refusal(code::anything);
    }
    for (const auto& one : body->items) {
        if (!is_uuid(one.text)) co_return refusal(code::anything);
    }
    json_array list;
    for (const auto& one : body->items) {
        const auto id = face_id_of(one.text);
        if (!id) continue;
        const auto face = co_await find_face(on, *id);
        if (!face) co_return answer_to(face.error(), on.req);
        if (!*face) continue;
        const stored_face found = **face;
        const auto gone = co_await remove_face(on, found);
        if (!gone) co_return answer_to(gone.error(), on.req);
        if (*gone) list.raw(face_text(*image_id_of(found.face_id), name_of_key(found.key)));
    }
    co_return json_response(200, list.take());
}

/// Not for a cache, though the original allows it for a year: no cache shows a removed face.
asio::awaitable<response> face_picture(call on) {
    response answer;
    answer.with("Content-Type", "application/octet-stream");
    answer.with("Cache-Control", "private, no-store");
    const auto id = face_in_path(on.req);
    if (!id && !is_uuid(on.req.segments[0])) co_return id.error();
    if (!id) co_return answer;
    const auto face = co_await find_face(on, *id);
    if (!face) co_return answer_to(face.error(), on.req);
    if (!*face) co_return answer;
    const stored_face found = **face;
    const auto call = on.ctx.galleries.picture(on.collection, found.key, found.face_id);
    auto picture = co_await on.ctx.redis.call(call);
    if (!picture && picture.error().code != errc::not_found) {
        co_return answer_to(picture.error(), on.req);
    }
    if (picture) answer.body = std::move(*picture);
    co_return answer;
}

}  // namespace vultus::api::compat::compreface
