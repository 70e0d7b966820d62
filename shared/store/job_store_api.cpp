// The calls of the api that accept work and follow it: accept, change, cancel, events; and the
// operator's kick, bury, delete and fsck.
#include <algorithm>

#include "shared/store/job_store.hpp"
#include "shared/store/job_store_reply.hpp"

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

/// Who asks, as the functions take it: later words only as far as there are any.
std::string given_by(const std::string& client, const std::string& address,
                     const std::string& label_hash = {}, const std::string& label_to_hash = {}) {
    std::string text = client + ' ' + address + ' ' + label_hash + ' ' + label_to_hash;
    return text.substr(0, text.find_last_not_of(' ') + 1);
}

/// forget of one face is an operation of its own in the library.
std::string operation_of(const new_change& from) {
    if (from.type == job_type::forget && !from.face_id.empty()) return "forget_face";
    return std::string(name_of(from.type));
}

redis_call<std::string> operate(const char* name, const std::string& prefix, std::string_view id,
                                std::string_view by) {
    return function_call<std::string>(
        name, prefix, {std::string(id), std::string(by)},
        [](const std::string& status, fields& all) -> result<std::string> {
            if (status == "ok") return status;
            if (status == "no_image") {
                return fail(errc::no_image, "Photos of the job no longer stored");
            }
            if (status == "wrong_state") {
                return fail(errc::wrong_state, "Job is " + all.text());
            }
            return no_such_job(status);
        });
}

/// The entries of a stream as XREAD and XRANGE give them: [id, [name, value, ...]].
event event_of(redis_reply entry) {
    event one;
    if (entry.items.size() != 2) return one;
    one.id = std::move(entry.items[0].text);
    auto& pairs = entry.items[1].items;
    for (std::size_t i = 0; i + 1 < pairs.size(); i += 2) {
        const std::string& name = pairs[i].text;
        std::string& value = pairs[i + 1].text;
        if (name == "job")
            one.job_id = std::move(value);
        else if (name == "from")
            one.from = std::move(value);
        else if (name == "to" || name == "state")
            one.to = std::move(value);
        else if (name == "why")
            one.why = std::move(value);
        else if (name == "worker")
            one.worker = std::move(value);
        else if (name == "type")
            one.type = std::move(value);
        else if (name == "collection")
            one.collection = std::move(value);
        else if (name == "attempt")
            one.attempt = std::strtoull(value.c_str(), nullptr, 10);
    }
    return one;
}

redis_call<std::string> one_id(std::vector<std::string> words) {
    return array_call<std::string>(std::move(words), [](fields& all) -> result<std::string> {
        if (all.items().empty()) return std::string("0-0");
        auto& entry = all.items().front();
        if (entry.items.empty()) return unexpected_reply("a stream's entry");
        return std::move(entry.items.front().text);
    });
}

}  // namespace

redis_call<accepted> job_store::accept(new_job job, std::size_t jobs_max,
                                       std::size_t bytes_max) const {
    std::vector<std::string> words{job.id,
                                   std::string(name_of(job.type)),
                                   job.collection,
                                   std::string(name_of(job.priority)),
                                   job.options,
                                   job.label,
                                   given_by(job.client, job.address, job.label_hash),
                                   job.traceparent,
                                   text_of(job.deadline),
                                   job.idempotency_hash,
                                   job.fingerprint,
                                   std::to_string(jobs_max),
                                   std::to_string(bytes_max)};
    for (std::size_t i = 0; i < job.images.size(); ++i) {
        words.push_back(seals_.close(std::move(job.images[i]), about_image(job.id, i)));
    }
    return function_call<accepted>("accept", prefix_, std::move(words),
                                   [](const std::string& status, fields& all) -> result<accepted> {
                                       if (status == "conflict") return conflict();
                                       auto made = read_accepted(status, all);
                                       if (made && !made->duplicate) {
                                           made->min_version = all.number();
                                       }
                                       return made;
                                   });
}

redis_call<accepted> job_store::change(const new_change& change) const {
    return function_call<accepted>(
        "change", prefix_,
        {change.id, operation_of(change), change.collection, change.label,
         change.face_id.empty() ? change.to_label : change.face_id,
         given_by(change.client, change.address, change.label_hash, change.label_to_hash),
         change.traceparent, change.idempotency_hash, change.fingerprint},
        [](const std::string& status, fields& all) -> result<accepted> {
            if (status == "conflict") return conflict();
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

redis_call<std::string> job_store::cancel(std::string_view id, const std::string& by,
                                          const std::string& address) const {
    return function_call<std::string>(
        "cancel", prefix_, {std::string(id), given_by(by, address)},
        [](const std::string& status, fields& all) -> result<std::string> {
            if (status == "cancelled" || status == "requested") return status;
            if (status == "terminal") {
                return fail(errc::already_terminal, "Job is " + all.text());
            }
            return no_such_job(status);
        });
}

redis_call<std::vector<event>> job_store::events_after(const std::string& last_id,
                                                       std::size_t count,
                                                       std::chrono::milliseconds block) const {
    std::vector<std::string> words{"XREAD", "COUNT", std::to_string(count)};
    if (block.count() > 0) {
        words.emplace_back("BLOCK");
        words.push_back(text_of(block));
    }
    words.insert(words.end(), {"STREAMS", key("events"), last_id});
    return {std::move(words), [](redis_reply&& reply) -> result<std::vector<event>> {
                std::vector<event> events;
                if (reply.is_error()) return fail(error_of(reply.text));
                if (reply.type == redis_reply::kind::nil) return events;
                if (reply.items.size() != 1 || reply.items[0].items.size() != 2) {
                    return unexpected_reply("a stream");
                }
                for (redis_reply& entry : reply.items[0].items[1].items) {
                    events.push_back(event_of(std::move(entry)));
                }
                return events;
            }};
}

redis_call<std::string> job_store::last_event_id() const {
    return one_id({"XREVRANGE", key("events"), "+", "-", "COUNT", "1"});
}

redis_call<std::string> job_store::oldest_event_id() const {
    return one_id({"XRANGE", key("events"), "-", "+", "COUNT", "1"});
}

redis_call<std::string> job_store::kick(std::string_view id, std::string_view by) const {
    return operate("kick", prefix_, id, by);
}
redis_call<std::string> job_store::bury(std::string_view id, std::string_view by) const {
    return operate("bury", prefix_, id, by);
}
redis_call<std::string> job_store::remove(std::string_view id, std::string_view by) const {
    return operate("delete", prefix_, id, by);
}

redis_call<std::pair<std::string, std::vector<std::string>>> job_store::fsck(
    const std::string& cursor, std::size_t count, bool sums) const {
    using answer = std::pair<std::string, std::vector<std::string>>;
    return function_call<answer>("fsck", prefix_, {cursor, std::to_string(count), sums ? "1" : "0"},
                                 [](const std::string& status, fields& all) -> result<answer> {
                                     if (status != "ok" && status != "more")
                                         return unexpected_reply(status);
                                     answer found{all.text(), {}};
                                     while (all.more()) found.second.push_back(all.text());
                                     return found;
                                 });
}

}  // namespace vultus
