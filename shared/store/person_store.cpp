// See person_store.hpp.
#include "shared/store/person_store.hpp"

#include <algorithm>

#include "shared/base/limits.hpp"
#include "shared/model/label.hpp"
#include "shared/model/person_key.hpp"
#include "shared/store/store_reply.hpp"

namespace vultus {

namespace store_reply {
namespace {

std::string about_person(std::string_view collection, std::string_view person_id) {
    return "person " + std::string(collection) + " " + std::string(person_id);
}

/// The number at the start of the text, which loses it and the character after it.
std::size_t take_number(std::string_view& text) {
    std::size_t value = 0;
    const auto [end, bad] = std::from_chars(text.data(), text.data() + text.size(), value);
    const auto used = static_cast<std::size_t>(end - text.data());
    if (bad != std::errc() || used == text.size()) {
        text = {};
        return 0;
    }
    text.remove_prefix(used + 1);
    return value;
}

}  // namespace

// "1 <bytes of external_id> <bytes of notes>\n", then external_id, notes and metadata.
std::string stored_person(const sealing& seals, std::string_view collection,
                          std::string_view person_id, const person_data& data) {
    if (data.empty()) return {};
    return seals.close_text("1 " + std::to_string(data.external_id.size()) + " " +
                                std::to_string(data.notes.size()) + "\n" + data.external_id +
                                data.notes + data.metadata,
                            about_person(collection, person_id));
}

result<person_data> read_person(const sealing& seals, std::string_view collection,
                                std::string_view person_id, std::string_view stored) {
    person_data data;
    if (stored.empty()) return data;
    const auto text = seals.open_text(stored, about_person(collection, person_id));
    if (!text) return fail(text.error());
    std::string_view rest = *text;
    const bool known = rest.starts_with("1 ");
    rest.remove_prefix(std::min<std::size_t>(rest.size(), 2));
    const auto external = take_number(rest), notes = take_number(rest);
    if (!known || external > rest.size() || notes > rest.size() - external) {
        return fail(errc::store_unavailable, "Stored data of a person are damaged");
    }
    data.external_id = rest.substr(0, external);
    data.notes = rest.substr(external, notes);
    data.metadata = rest.substr(external + notes);
    return data;
}

std::string hash_of_external(const sealing& seals, std::string_view collection,
                             std::string_view external_id) {
    if (external_id.empty()) return {};
    return seals.digest("external " + std::string(collection) + " " + std::string(external_id));
}

std::string_view word_of(person_by by) noexcept {
    switch (by) {
        case person_by::id:
            return "id";
        case person_by::external_id:
            return "external";
        case person_by::name:
            return "name";
        case person_by::key:
            break;
    }
    return "key";
}

std::optional<error> person_error(const std::string& status, fields& all) {
    if (status == "migrating") {
        return error{errc::migrating, "People of this collection are being indexed: try again"};
    }
    if (status == "external_taken") {
        return error{errc::person_exists, "Another person has this external_id: " + all.text()};
    }
    if (status == "person_exists") {
        return error{errc::person_exists,
                     "Person " + all.text() + " has another name or external_id, or other data"};
    }
    if (status == "ambiguous") {
        std::vector<std::string> ids;
        while (all.more()) ids.push_back(all.text());
        return several_people(ids);
    }
    return std::nullopt;
}

}  // namespace store_reply

using namespace store_reply;

error several_people(const std::vector<std::string>& person_ids) {
    std::string ids;
    for (const auto& id : person_ids) ids += (ids.empty() ? "" : ", ") + id;
    return {errc::several_people, "Several people have this name; use person_id: " + ids};
}

namespace {

person_record read_row(const sealing& seals, const std::string& collection, fields& all) {
    person_record one;
    one.key = all.text();
    one.person_id = all.text();
    one.faces = all.number();
    one.created = all.time();
    one.last_seen = all.time();
    one.stored = all.text();
    one.picture = all.text();
    one.name_shared = all.text() == "1";
    auto data = read_person(seals, collection, one.person_id, one.stored);
    one.readable = data.has_value();
    if (data) one.data = *std::move(data);
    return one;
}

}  // namespace

redis_call<person_page> person_store::list(std::string_view collection, const std::string& words,
                                           std::size_t count, const std::string& page,
                                           bool pictures) const {
    count = std::clamp<std::size_t>(count, 1, limits::page_size);
    std::vector<std::string> arguments{std::string(collection), words, page, std::to_string(count)};
    if (pictures) arguments.emplace_back("pictures");
    return function_call<person_page>(
        "people", context_.prefix(), std::move(arguments),
        [seals = context_.seals(), of = std::string(collection)](
            const std::string& status, fields& all) -> result<person_page> {
            if (auto why = person_error(status, all)) return fail(*std::move(why));
            if (status != "ok") return unexpected_reply(status);
            person_page made;
            made.version = all.number();
            made.faces = all.number();
            made.people = all.number();
            made.next = all.text();
            all.number();
            while (all.more()) made.rows.push_back(read_row(seals, of, all));
            return made;
        });
}

redis_call<std::vector<person_record>> person_store::find(std::string_view collection, person_by by,
                                                          std::string_view text) const {
    using rows = std::vector<person_record>;
    const std::string what = by == person_by::external_id
                                 ? hash_of_external(context_.seals(), collection, text)
                                 : std::string(text);
    return function_call<rows>("person", context_.prefix(),
                               {std::string(collection), std::string(word_of(by)), what},
                               [seals = context_.seals(), of = std::string(collection)](
                                   const std::string& status, fields& all) -> result<rows> {
                                   if (auto why = person_error(status, all))
                                       return fail(*std::move(why));
                                   if (status == "not_found")
                                       return fail(errc::not_found, "No such person");
                                   if (status != "ok") return unexpected_reply(status);
                                   rows made;
                                   all.number();
                                   all.number();
                                   while (all.more()) made.push_back(read_row(seals, of, all));
                                   return made;
                               });
}

redis_call<bool> person_store::set(std::string_view collection, const person_record& person,
                                   const person_data& data, const std::string& by) const {
    const sealing& seals = context_.seals();
    return function_call<bool>("set_person", context_.prefix(),
                               {std::string(collection), person.person_id, by, person.stored,
                                stored_person(seals, collection, person.person_id, data),
                                hash_of_external(seals, collection, data.external_id)},
                               [](const std::string& status, fields& all) -> result<bool> {
                                   if (status == "ok") return true;
                                   if (status == "again") return false;
                                   if (auto why = person_error(status, all))
                                       return fail(*std::move(why));
                                   if (status == "not_found")
                                       return fail(errc::not_found, "No such person");
                                   return unexpected_reply(status);
                               });
}

redis_call<unindexed_people> person_store::unindexed() const {
    return function_call<unindexed_people>(
        "unindexed", context_.prefix(), {},
        [](const std::string& status, fields& all) -> result<unindexed_people> {
            if (status != "ok") return unexpected_reply(status);
            unindexed_people made;
            made.collection = all.text();
            if (made.collection.empty()) return made;
            made.turn = all.text();
            made.cursor = all.text();
            made.next = all.text();
            made.last = all.text() == "1";
            all.number();
            while (all.more()) made.keys.push_back(all.text());
            return made;
        });
}

redis_call<void> person_store::put_index(const unindexed_people& step) const {
    std::vector<std::string> words{step.collection, step.turn, step.cursor, step.next,
                                   step.last ? "1" : "0"};
    for (const std::string& key : step.keys) {
        words.push_back(key);
        words.push_back(folded_name(name_of_key(key)));
    }
    return function_call<void>("index_people", context_.prefix(), std::move(words),
                               [](const std::string& status, fields&) -> result<void> {
                                   if (status == "ok" || status == "again") return {};
                                   return unexpected_reply(status);
                               });
}

}  // namespace vultus
