// See encrypt.hpp.
#include "clients/ctl/privacy/encrypt.hpp"

#include <algorithm>
#include <functional>

#include "clients/ctl/keys/keys.hpp"
#include "clients/ctl/output/json_text.hpp"
#include "shared/base/limits.hpp"
#include "shared/security/secret.hpp"
#include "shared/store/gallery_admin.hpp"
#include "shared/store/gallery_reader.hpp"
#include "shared/store/person_store.hpp"

namespace vultus::ctl {
namespace {

constexpr std::size_t people_a_page = 200;

using each = std::function<result<void>(const gallery_info&, gallery_value)>;

/// Vectors and pictures of all collections.
result<void> each_gallery(redis_blocking& redis, const store_context& store, const each& work) {
    std::string page;
    do {
        const auto some = redis.call(gallery_reader(store).collections(limits::page_size, page));
        if (!some) return fail(some.error());
        for (const gallery_info& one : some->collections) {
            for (const auto what : {gallery_value::vector, gallery_value::picture}) {
                if (auto done = work(one, what); !done) return done;
            }
        }
        page = some->next;
    } while (!page.empty());
    return {};
}

void note_foreign(const std::string& collection, gallery_value what,
                  const std::vector<std::string>& ids, std::vector<std::string>& found) {
    for (const std::string& id : ids) {
        found.push_back(std::string("gallery ") + collection + ": the " +
                        (what == gallery_value::vector ? "vector" : "picture") + " of face " + id +
                        " does not open: corrupted, or moved from another face or collection");
    }
}

struct encrypting {
    redis_blocking& redis;
    const store_context& store;
    const listener& on;
    std::uint64_t looked_at = 0, encrypted = 0;
    std::vector<std::string> foreign{};

    result<void> all(const gallery_info& gallery, gallery_value what) {
        const std::uint64_t epoch = gallery.version / epoch_factor;
        std::string cursor = "0";
        do {
            auto chunk =
                redis.call(gallery_reader(store).scan(gallery.collection, epoch, what, cursor));
            if (!chunk) return fail(chunk.error());
            cursor = chunk->cursor;
            looked_at += chunk->fields.size() + chunk->foreign.size();
            note_foreign(gallery.collection, what, chunk->foreign, foreign);
            std::vector<std::pair<std::string, std::string>> some;
            for (const std::size_t at : chunk->unbound) {
                some.push_back(std::move(chunk->fields[at]));
            }
            if (some.empty()) continue;
            const auto done = redis.call(
                gallery_admin(store).seal(gallery.collection, epoch, what, std::move(some)));
            if (!done) return fail(done.error());
            encrypted += *done;
            on.progress(looked_at, std::max(looked_at, gallery.faces), "faces");
        } while (cursor != "0");
        return {};
    }
};

/// Data of people that are plain; their external ids are then found by a hash under the key.
result<std::uint64_t> encrypt_people(redis_blocking& redis, const store_context& store) {
    std::uint64_t encrypted = 0;
    const auto done = each_gallery(
        redis, store, [&](const gallery_info& one, gallery_value what) -> result<void> {
            if (what != gallery_value::vector) return {};
            std::string page;
            do {
                const auto some =
                    redis.call(person_store(store).list(one.collection, "", people_a_page, page));
                if (!some) return fail(some.error());
                for (const person_record& person : some->rows) {
                    if (person.stored.empty() || sealing::is_sealed_text(person.stored)) continue;
                    const auto set = redis.call(
                        person_store(store).set(one.collection, person, person.data, who()));
                    if (!set) return fail(set.error());
                    if (*set) ++encrypted;
                }
                page = some->next;
            } while (!page.empty());
            return {};
        });
    if (!done) return fail(done.error());
    return encrypted;
}

}  // namespace

result<report> encrypt_faces(redis_blocking& redis, const store_context& store,
                             const listener& on) {
    encrypting work{redis, store, on};
    const auto done = each_gallery(redis, store, [&](const gallery_info& one, gallery_value what) {
        return work.all(one, what);
    });
    if (!done) return fail(done.error());
    const auto people = encrypt_people(redis, store);
    if (!people) return fail(people.error());
    json_text json;
    json.open_object().key("looked_at").number(work.looked_at).key("people").number(*people);
    json.key("encrypted").number(work.encrypted).key("foreign").open_array();
    for (const std::string& one : work.foreign) json.text(one);
    json.close_array();
    std::string text = std::to_string(work.encrypted) + " of " + std::to_string(work.looked_at) +
                       " vectors and pictures were plain or not bound to their collection and "
                       "are now encrypted";
    if (*people > 0) text += ", and the data of " + std::to_string(*people) + " people";
    if (work.encrypted > 0 || *people > 0) {
        text +=
            "; the append-only file of Redis contains them plain until it is rewritten: "
            "redis-cli BGREWRITEAOF";
    }
    report made{{{"", {}, text}}, json.close_object().str(), !work.foreign.empty()};
    for (const std::string& one : work.foreign) made.sections.push_back({"", {}, one});
    return made;
}

result<std::vector<std::string>> foreign_values(redis_blocking& redis, const store_context& store) {
    std::vector<std::string> found;
    const auto done = each_gallery(
        redis, store, [&](const gallery_info& one, gallery_value what) -> result<void> {
            std::string cursor = "0";
            do {
                auto chunk = redis.call(gallery_reader(store).scan(
                    one.collection, one.version / epoch_factor, what, cursor));
                if (!chunk) return fail(chunk.error());
                cursor = chunk->cursor;
                note_foreign(one.collection, what, chunk->foreign, found);
            } while (cursor != "0");
            return {};
        });
    if (!done) return fail(done.error());
    return found;
}

result<report> make_encryption_key(const std::string& file) {
    const auto made = make_secret_file(file);
    if (!made) return fail(made.error());
    json_text json;
    json.open_object().key("file").text(file);
    return report{{{"", {}, file + ": keep a copy elsewhere; without it the faces are lost"}},
                  json.close_object().str(),
                  false};
}

}  // namespace vultus::ctl
