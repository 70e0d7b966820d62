// Subjects: people of the collection, and the names without a face. See calls.hpp.
#include <set>
#include <tuple>

#include "api/compat/common/native.hpp"
#include "api/compat/compreface/calls.hpp"
#include "api/http/header_fields.hpp"
#include "api/http/json.hpp"
#include "shared/model/label.hpp"
#include "shared/model/person_key.hpp"

namespace vultus::api::compat::compreface {
namespace {

constexpr std::size_t subjects_most = 100'000;  ///< of a listing, which has no pages

response one_subject(int status, std::string_view name) {
    json_object text;
    text.add("subject", name);
    return json_response(status, text.take());
}

response updated(bool done) {
    json_object text;
    text.add("updated", done);
    return json_response(200, text.take());
}

response no_subject(std::string_view name) {
    return refusal(code::no_subject, "Subject " + std::string(name) + " not found");
}

/// Another name for one person; the person of that name gets the faces if there is one.
new_change renaming(const call& on, const person_record& person, const std::string& to,
                    const std::vector<person_record>& others) {
    new_change wanted;
    wanted.collection = on.collection;
    wanted.by = person.person_id.empty() ? person_by::name : person_by::id;
    wanted.label =
        person.person_id.empty() ? std::string(name_of_key(person.key)) : person.person_id;
    const bool same = others.empty() || others.front().key == person.key;
    wanted.type = same ? job_type::rename : job_type::merge;
    wanted.to_label = to;
    if (!same) {
        const auto& other = others.front();
        wanted.to_by = other.person_id.empty() ? person_by::name : person_by::id;
        wanted.to_label =
            other.person_id.empty() ? std::string(name_of_key(other.key)) : other.person_id;
    }
    return wanted;
}

/// Before names without a face are told: those that a removal may have been about go.
asio::awaitable<result<gallery_version>> up_to_date(call on) {
    const auto now = co_await on.ctx.redis.call(on.ctx.retention.watch_gallery(on.collection));
    if (!now) co_return fail(now.error());
    on.empty.drop_removed(on.collection, *now);
    co_return now->version;
}

/// Remembers the name, unless somebody has it. False: somebody has.
asio::awaitable<result<bool>> remember(call on, std::string name) {
    const auto version = co_await up_to_date(on);
    if (!version) co_return fail(version.error());
    if (!on.empty.find(on.collection, name).empty()) co_return false;
    const auto people = co_await people_named(on.ctx, on.collection, name);
    if (!people) co_return fail(people.error());
    if (people->empty()) on.empty.add(on.collection, name, *version);
    co_return people->empty();
}

}  // namespace

asio::awaitable<response> list_subjects(call on) {
    const auto people = co_await everybody(on.ctx, on.collection, subjects_most);
    if (!people) co_return answer_to(people.error(), on.req);
    std::set<std::string, std::less<>> names;
    for (const auto& one : *people) {
        names.emplace(name_of_key(one.key));
        on.empty.remove(on.collection, name_of_key(one.key));  // taught natively, say
    }
    if (const auto now = co_await up_to_date(on); !now) co_return answer_to(now.error(), on.req);
    for (auto& one : on.empty.names(on.collection)) names.insert(std::move(one));
    json_array list;
    for (const auto& one : names) list.raw(json_quoted(one));
    json_object text;
    text.raw("subjects", list.take());
    co_return json_response(200, text.take());
}

asio::awaitable<response> add_subject(call on) {
    const auto name = subject_in_body(on.req, false);
    if (!name) co_return name.error();
    const auto label = normal_label(*name);
    if (!label) co_return answer_to(label.error(), on.req);
    const auto free = co_await remember(on, *label);
    if (!free) co_return answer_to(free.error(), on.req);
    if (!*free) co_return refusal(code::subject_exists, "Subject already exists: " + *label);
    co_return one_subject(201, *label);
}

asio::awaitable<response> rename_subject(call on) {
    const std::string old = on.req.segments[0];
    const auto wanted = subject_in_body(on.req, true);
    if (!wanted) co_return wanted.error();
    if (wanted->empty() || *wanted == old) co_return updated(false);
    const auto label = normal_label(*wanted);
    if (!label) co_return answer_to(label.error(), on.req);
    const auto people = co_await people_named(on.ctx, on.collection, old);
    if (!people) co_return answer_to(people.error(), on.req);
    const bool was_empty = on.empty.remove(on.collection, old);
    if (people->empty()) {
        if (!was_empty) co_return no_subject(old);
        std::ignore = co_await remember(on, *label);  // not remembered: as if an hour were over
        co_return updated(true);
    }
    on.empty.remove(on.collection, *label);
    const auto before = co_await people_named(on.ctx, on.collection, *label);
    if (!before) co_return answer_to(before.error(), on.req);
    // Whoever had the name before takes the faces; several of the old name stay several.
    const bool taken = !before->empty() && before->front().key != people->front().key;
    for (const auto& person : *people) {
        if (name_of_key(person.key) == *label) continue;
        auto next = renaming(on, person, *label, taken ? *before : std::vector<person_record>{});
        next.shared_name = !taken && people->size() > 1;
        const auto done = co_await change(on.req, on.ctx, std::move(next));
        if (!done && done.error().code == errc::not_found) co_return no_subject(old);
        if (!done) co_return answer_to(done.error(), on.req);
    }
    co_return updated(true);
}

asio::awaitable<response> delete_subject(call on) {
    const std::string name = on.req.segments[0];
    const auto people = co_await people_named(on.ctx, on.collection, name);
    if (!people) co_return answer_to(people.error(), on.req);
    const std::string listed = on.empty.find(on.collection, name);
    if (people->empty() && listed.empty()) co_return no_subject(name);
    for (const auto& person : *people) {
        const auto done = co_await forget(on.req, on.ctx, on.collection, person);
        if (!done && done.error().code != errc::not_found) {
            co_return answer_to(done.error(), on.req);
        }
    }
    on.empty.remove(on.collection, name);
    co_return one_subject(
        200, people->empty() ? std::string_view(listed) : name_of_key(people->front().key));
}

asio::awaitable<response> delete_subjects(call on) {
    const auto people = co_await everybody(on.ctx, on.collection, subjects_most);
    if (!people) co_return answer_to(people.error(), on.req);
    std::set<std::string, std::less<>> names;
    for (const auto& one : *people) names.emplace(name_of_key(one.key));
    new_change wanted;
    wanted.type = job_type::clear;
    wanted.collection = on.collection;
    const auto done = co_await change(on.req, on.ctx, std::move(wanted));
    if (!done) co_return answer_to(done.error(), on.req);
    json_object text;
    text.add("deleted", names.size() + on.empty.clear(on.collection));
    co_return json_response(200, text.take());
}

}  // namespace vultus::api::compat::compreface
