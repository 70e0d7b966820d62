// See erased_person.hpp.
#include "clients/ctl/privacy/erased_person.hpp"

#include <algorithm>

#include "shared/base/json_quoted.hpp"
#include "shared/base/limits.hpp"
#include "shared/model/label.hpp"
#include "shared/model/person_key.hpp"
#include "shared/store/gallery_reader.hpp"
#include "shared/store/person_store.hpp"

namespace vultus::ctl {
namespace {

bool contains(std::string_view text, std::string_view part) {
    return text.find(part) != text.npos;
}

result<std::vector<std::string>> collections(redis_blocking& redis, const store_context& store) {
    std::vector<std::string> names;
    std::string page;
    do {
        const auto found = redis.call(gallery_reader(store).collections(limits::page_size, page));
        if (!found) return fail(found.error());
        for (const auto& one : found->collections) names.push_back(one.collection);
        page = found->next;
    } while (!page.empty());
    return names;
}

/// Two people of one name in one collection need an id.
result<void> check_alone(const std::vector<person_record>& people, const std::string& collection) {
    if (people.size() < 2) return {};
    std::vector<std::string> ids;
    for (const auto& one : people) ids.push_back(one.person_id);
    auto why = several_people(ids);
    why.detail = "Collection " + collection + ": " + why.detail;
    return fail(std::move(why));
}

}  // namespace

label_finder::label_finder(std::string label)
    : label_(composed(label)), quoted_(json_quoted(label_)) {
    keyed_ = quoted_.substr(0, quoted_.size() - 1) + "\\u001f";
}

bool label_finder::in(std::string_view element) const {
    if (exactly_in(element)) return true;
    const bool ascii = std::all_of(element.begin(), element.end(),
                                   [](char one) { return static_cast<signed char>(one) >= 0; });
    return !ascii && exactly_in(composed(element));  // ASCII is composed
}

bool label_finder::exactly_in(std::string_view element) const {
    if (element == label_ || contains(element, quoted_)) return true;
    if (contains(element, keyed_)) return true;  // of a key with an id
    // Of the index of names: a folded tail of the name, then the key.
    const auto line = element.find('\n');
    const bool second = line != element.npos && name_of_key(element.substr(line + 1)) == label_;
    return second || (element.size() > label_.size() && element.starts_with(label_) &&
                      (element[label_.size()] == '\n' || element[label_.size()] == key_separator));
}

person_finder::person_finder(std::string person_id, std::string name, bool by_name)
    : id_(std::move(person_id)), name_(std::move(name)), by_name_(by_name && !name_.empty()) {
    const std::string quoted = json_quoted(id_);
    member_ = "\"person_id\":" + quoted;
    record_ = "\"id\":" + quoted;
    key_end_ = key_separator + id_;
    quoted_end_ = "\\u001f" + quoted.substr(1);
    quoted_name_ = json_quoted(name_);
}

bool person_finder::in(std::string_view key, std::string_view where,
                       std::string_view element) const {
    if (key == "audit") return false;
    if (has_key(element) || contains(element, member_)) return true;
    if (where == "person_id" || key.ends_with(":person_ids")) {
        if (element == id_) return true;
    }
    if (key.ends_with(":people") && contains(element, record_)) return true;
    const bool named = key.starts_with("gallery:") || where == "label_to" || where == "slow log";
    return named && by_name_ && has_name(element);
}

bool person_finder::has_key(std::string_view element) const {
    for (auto at = element.find(key_end_); at != element.npos;
         at = element.find(key_end_, at + 1)) {
        const auto end = at + key_end_.size();
        if (end == element.size() || element[end] == '\n') return true;
    }
    return contains(element, quoted_end_);
}

/// The name as a key of its own, not as the begin of one with an id.
bool person_finder::has_name(std::string_view element) const {
    const auto line = element.find('\n');
    const bool alone = line == element.npos;
    if (element.substr(0, line) == name_ || (!alone && element.substr(line + 1) == name_)) {
        return true;
    }
    return contains(element, quoted_name_);
}

result<erased_person> find_erased(const arguments& asked, redis_blocking& redis,
                                  const store_context& store) {
    erased_person who{asked.subject, asked.person_id, true, asked.collection};
    std::vector<std::string> where{asked.collection};
    if (asked.collection.empty()) {
        auto all = collections(redis, store);
        if (!all) return fail(all.error());
        where = std::move(*all);
    }
    const bool by_id = !who.person_id.empty();
    bool found_one = false;
    for (const auto& collection : where) {
        const auto call = person_store(store).find(
            collection, by_id ? person_by::id : person_by::name, by_id ? who.person_id : who.name);
        const auto found = redis.call(call);
        if (!found && found.error().code == errc::not_found) {
            if (!by_id || who.name.empty()) continue;
            // Who has the name alone as key now is another person.
            const auto other =
                redis.call(person_store(store).find(collection, person_by::key, who.name));
            if (other) who.by_name = false;
            continue;
        }
        if (!found) return fail(found.error());
        if (!by_id) {
            if (auto good = check_alone(*found, collection); !good) return fail(good.error());
            continue;
        }
        if (found_one) {
            return fail(errc::several_people, "Several collections have a person with this id, " +
                                                  who.collection + " and " + collection +
                                                  ": use --collection");
        }
        found_one = true;
        who.collection = collection;
        who.name = name_of_key(found->front().key);
        who.by_name = id_of_key(found->front().key).empty();
    }
    return who;
}

}  // namespace vultus::ctl
