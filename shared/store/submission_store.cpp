// See submission_store.hpp.
#include "shared/store/submission_store.hpp"

#include <algorithm>

#include "shared/model/label.hpp"
#include "shared/model/person_key.hpp"
#include "shared/store/sealed_place.hpp"
#include "shared/store/store_reply.hpp"

namespace vultus {

using namespace store_reply;

namespace {

tl::unexpected<error> full(fields& all) {
    const std::string what = all.text();
    const std::string depth = all.text();
    if (what == "client") {
        return fail(errc::quota, "Job limit of the key reached: " + depth + " unfinished jobs");
    }
    if (what == "share") {
        const std::string of = all.text();
        return fail(errc::queue_full, "Share of a scarce resource used up: " + depth + ' ' +
                                          (of == "jobs"   ? "unfinished jobs"
                                           : of == "keys" ? "idempotency keys"
                                                          : "bytes of waiting photos"));
    }
    if (what == "idempotency") return fail(errc::queue_full, "Idempotency key limit reached");
    return fail(errc::queue_full, what == "bytes" ? "Queue byte limit reached"
                                                  : "Queue full: " + depth + " jobs waiting");
}

result<accepted> read_accepted(const std::string& status, fields& all) {
    accepted made;
    if (status == "full") return full(all);
    if (status == "oom") return fail(errc::out_of_memory, "Redis memory limit reached");
    if (status != "dup" && status != "ok") return unexpected_reply(status);
    made.duplicate = status == "dup";
    made.job_id = all.text();
    if (!made.duplicate) return made;
    const auto state = job_state_named(all.text());
    made.collected = !state;
    made.state = state.value_or(job_state::succeeded);
    return made;
}

tl::unexpected<error> conflict() {
    return fail(errc::idempotency_conflict, "Idempotency-Key was used with different content");
}

/// The client as the functions take it: trailing empty words are omitted.
std::string given_by(const std::string& client, const std::string& address,
                     const std::string& label_hash = {}, const std::string& label_to_hash = {},
                     const std::string& hosts = {}) {
    std::string text = client + ' ' + address + ' ' + label_hash + ' ' + label_to_hash;
    text += ' ' + hosts;
    return text.substr(0, text.find_last_not_of(' ') + 1);
}

/// In the library, forget of one face is a separate operation.
std::string operation_of(const new_change& from) {
    if (from.type == job_type::forget && !from.face_id.empty()) return "forget_face";
    return std::string(name_of(from.type));
}

/// What a train says of its person, in front of the photos. A new person without a person_id gets
/// that of the job, so the data can be encrypted for it.
void add_person(std::vector<std::string>& words, const new_job& job, const sealing& seals) {
    const new_person& who = job.person;
    person_data data;
    data.external_id = who.external_id;
    words.insert(
        words.end(),
        {"person", who.person_id, who.is_new ? "new" : "", folded_name(job.label),
         stored_person(seals, job.collection, who.person_id.empty() ? job.id : who.person_id, data),
         hash_of_external(seals, job.collection, who.external_id)});
}

}  // namespace

redis_call<accepted> submission_store::accept(new_job job, std::size_t jobs_max,
                                              std::size_t bytes_max) const {
    std::vector<std::string> words{job.id,
                                   std::string(name_of(job.type)),
                                   job.collection,
                                   std::string(name_of(job.priority)),
                                   job.options,
                                   job.label,
                                   given_by(job.client, job.address, job.label_hash, {}, job.hosts),
                                   job.traceparent,
                                   text_of(job.deadline),
                                   job.idempotency_hash,
                                   job.fingerprint,
                                   std::to_string(jobs_max),
                                   std::to_string(bytes_max)};
    if (job.type == job_type::train) add_person(words, job, context_.seals());
    if (job.type == job_type::verify && !job.person.person_id.empty()) {
        words.insert(words.end(), {"person", job.person.person_id, "", "", "", ""});
    }
    auto call = function_call<accepted>(
        "accept", context_.prefix(), std::move(words),
        [train = job.type == job_type::train](const std::string& status,
                                              fields& all) -> result<accepted> {
            if (status == "conflict") return conflict();
            if (auto why = person_error(status, all)) return fail(*why);
            if (status == "not_found") {
                return fail(errc::not_found, train ? "No such person: send a name, too, to make one"
                                                   : "No such person in this collection");
            }
            auto made = read_accepted(status, all);
            if (made && !made->duplicate) made->min_version = all.number();
            return made;
        });
    const sealing& seals = context_.seals();
    for (std::size_t i = 0; seals.seals() && i < job.images.size(); ++i) {
        job.images[i] = seals.close(job.images[i].copied(), about_image(job.id, i));
    }
    call.photos = std::move(job.images);
    return call;
}

redis_call<std::optional<accepted>> submission_store::accepted_before(const new_job& job) const {
    using found = std::optional<accepted>;
    return function_call<found>(
        "accept", context_.prefix(),
        {job.id, "calibrate", "default", "bulk", "{}", "", given_by(job.client, job.address), "",
         "0", job.idempotency_hash, job.fingerprint, "0", "0"},  // room for no job
        [](const std::string& status, fields& all) -> result<found> {
            if (status == "conflict") return conflict();
            if (status == "full") return found();
            auto made = read_accepted(status, all);
            if (!made) return fail(made.error());
            return found(std::move(*made));
        });
}

redis_call<void> submission_store::note_fetch(std::string_view collection,
                                              const std::string& client, const std::string& address,
                                              const std::string& hosts) const {
    return function_call<void>("note_fetch", context_.prefix(),
                               {std::string(collection), given_by(client, address, {}, {}, hosts)},
                               [](const std::string& status, fields&) -> result<void> {
                                   if (status == "ok") return {};
                                   return unexpected_reply(status);
                               });
}

redis_call<accepted> submission_store::change(const new_change& change) const {
    return function_call<accepted>(
        "change", context_.prefix(),
        {change.id, operation_of(change), change.collection, change.label,
         change.face_id.empty() ? change.to_label : change.face_id,
         given_by(change.client, change.address, change.label_hash, change.label_to_hash),
         change.traceparent, change.idempotency_hash, change.fingerprint,
         std::string(word_of(change.by)), std::string(word_of(change.to_by)),
         change.to_by == person_by::id ? "" : folded_name(name_of_key(change.to_label)),
         change.shared_name ? "shared" : ""},
        [](const std::string& status, fields& all) -> result<accepted> {
            if (status == "conflict") return conflict();
            if (auto why = person_error(status, all)) return fail(*std::move(why));
            if (status == "not_found")
                return fail(errc::not_found, "No such person, face or collection");
            if (status == "label_exists") {
                return fail(errc::wrong_state,
                            "The new name exists, or an unfinished train will create it: "
                            "use merge to join the two");
            }
            if (status == "gallery_full") {
                return fail(errc::label_full, "Collection accepts no more changes: clear it");
            }
            if (status == "label_full") {
                return fail(errc::label_full, "The two people have more than 1,000 faces together");
            }
            auto made = read_accepted(status, all);
            if (made && !made->duplicate) {
                made->state = job_state_named(all.text()).value_or(job_state::publishing);
                made->min_version = all.number();
            }
            return made;
        });
}

redis_call<std::string> submission_store::cancel(std::string_view id, const std::string& by,
                                                 const std::string& address) const {
    return function_call<std::string>(
        "cancel", context_.prefix(), {std::string(id), given_by(by, address)},
        [](const std::string& status, fields& all) -> result<std::string> {
            if (status == "cancelled" || status == "requested") return status;
            if (status == "terminal") {
                return fail(errc::already_terminal, "Job is " + all.text());
            }
            return no_such_job(status);
        });
}

}  // namespace vultus
