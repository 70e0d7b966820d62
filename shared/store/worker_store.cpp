// See worker_store.hpp.
#include "shared/store/worker_store.hpp"

#include <algorithm>
#include <iterator>
#include <set>

#include "shared/base/json_quoted.hpp"
#include "shared/base/require.hpp"
#include "shared/store/sealed_place.hpp"
#include "shared/store/store_reply.hpp"

namespace vultus {

using namespace store_reply;

namespace {

/// The reply of every function that ends an attempt, including statuses of one function only.
result<committed> read_committed(const std::string& status, fields& all) {
    committed made;
    if (status == "succeeded" || status == "publishing" || status == "superseded") {
        made.state = status == "succeeded"    ? commit_state::succeeded
                     : status == "publishing" ? commit_state::publishing
                                              : commit_state::superseded;
        made.version = all.number();
    } else if (status == "old_version") {
        made.state = commit_state::old_version;
        made.needed = all.number();
        if (all.more()) made.person = all.text();
    } else if (status == "dup") {
        made.state = commit_state::duplicate;
    } else if (status == "stale") {
        made.state = commit_state::stale;
    } else if (status == "cancelled") {
        made.state = commit_state::cancelled;
    } else if (status == "failed") {
        made.state = commit_state::failed;
    } else if (status == "delayed" || status == "pending") {
        made.state = commit_state::delayed;  // it will run again
    } else if (status == "dead") {
        made.state = commit_state::dead;
    } else if (status == "model_mismatch") {
        made.state = commit_state::model_mismatch;
    } else if (status == "malformed") {
        made.state = commit_state::malformed;
    } else if (status == "label_full") {
        made.state = commit_state::label_full;
    } else if (status == "gallery_full" || status == "collections_full") {
        made.state = commit_state::gallery_full;
    } else {
        return unexpected_reply(status);
    }
    return made;
}

/// The same; if Redis is out of memory, that is a state of the commit, not an error of the call.
redis_call<committed> commit(std::string_view name, const std::string& prefix,
                             std::vector<std::string> arguments) {
    auto call = function_call<committed>(name, prefix, std::move(arguments), read_committed);
    call.parse = [parse = std::move(call.parse)](redis_reply&& reply) -> result<committed> {
        result<committed> made = parse(std::move(reply));
        if (made || made.error().code != errc::out_of_memory) return made;
        committed none;
        none.state = commit_state::oom;
        return none;
    };
    return call;
}

void add_attempts(std::vector<std::string>& words, const std::vector<attempt_id>& attempts) {
    for (const attempt_id& one : attempts) {
        words.push_back(one.job_id);
        words.push_back(std::to_string(one.attempt));
    }
}

/// `count` ids from the reply, as those attempts of the call that they belong to.
std::vector<attempt_id> attempts_of(fields& all, std::uint64_t count,
                                    const std::vector<attempt_id>& sent) {
    std::set<std::string> ids;
    for (std::uint64_t i = 0; i < count && all.more(); ++i) ids.insert(all.text());
    std::vector<attempt_id> found;
    for (const attempt_id& one : sent) {
        if (ids.contains(one.job_id)) found.push_back(one);
    }
    return found;
}

std::string json_of(const error& why, const std::string& files) {
    return "{\"code\":" + json_quoted(name_of(why.code)) +
           ",\"detail\":" + json_quoted(why.detail) + (files.empty() ? "" : ",\"files\":") + files +
           "}";
}

}  // namespace

redis_call<registered_worker> worker_store::register_worker(const registration& worker) const {
    std::vector<std::string> words{worker.worker_id,
                                   connection_number(worker.connection),
                                   text_of(worker.lasts),
                                   worker.host,
                                   std::to_string(worker.pid),
                                   worker.device,
                                   worker.build,
                                   joined(worker.types, ','),
                                   std::to_string(worker.dimension)};
    std::vector<std::string> embedders;
    for (const offered_embedder& one : worker.embedders) {
        embedders.push_back(one.name + "=" + std::to_string(one.dimension));
    }
    if (!embedders.empty()) {
        words.push_back(joined(worker.detectors, ','));
        words.push_back(joined(embedders, ','));
        words.push_back(worker.proposed.detector);
        words.push_back(worker.proposed.embedder);
    }
    return function_call<registered_worker>(
        "register", context_.prefix(), std::move(words),
        [](const std::string& status, fields& all) -> result<registered_worker> {
            if (status == "full") return fail(errc::quota, "worker limit reached");
            if (status != "ok") return unexpected_reply(status);
            registered_worker made;
            made.now = all.time();
            if (!all.more()) return made;
            made.defaults.detector = all.text();
            made.defaults.embedder = all.text();
            made.decided_them = all.text() == "1";
            return made;
        });
}

redis_call<hello_reply> worker_store::hello(std::string_view worker_id, std::string_view collection,
                                            std::optional<gallery_version> version) const {
    return function_call<hello_reply>(
        "hello", context_.prefix(),
        {std::string(worker_id), std::string(collection),
         version ? std::to_string(*version) : "none"},
        [](const std::string& status, fields& all) -> result<hello_reply> {
            hello_reply answer;
            if (status == "gone") return answer;
            answer.registered = true;
            if (status == "ok") return answer;
            if (status != "serve" && status != "catch_up") return unexpected_reply(status);
            answer.serve = status == "serve";
            answer.current = all.number();
            return answer;
        });
}

redis_call<renewal> worker_store::renew(std::string_view worker_id,
                                        const std::vector<attempt_id>& attempts,
                                        std::chrono::milliseconds lasts,
                                        std::chrono::milliseconds lease,
                                        std::string_view connection) const {
    std::vector<std::string> words{std::string(worker_id), connection_number(connection),
                                   text_of(lasts), text_of(lease)};
    add_attempts(words, attempts);
    return function_call<renewal>(
        "renew", context_.prefix(), std::move(words),
        [attempts](const std::string& status, fields& all) -> result<renewal> {
            renewal answer;
            if (status == "gone") return answer;
            if (status != "ok") return unexpected_reply(status);
            answer.registered = true;
            answer.now = all.time();
            const auto lost = all.number();
            const auto cancelled = all.number();
            const auto held = all.number();
            answer.lost = attempts_of(all, lost, attempts);
            answer.cancelled = attempts_of(all, cancelled, attempts);
            for (std::uint64_t i = 0; i < held && !all.bad(); ++i) {
                std::string collection = all.text();
                answer.versions[std::move(collection)] = all.number();
            }
            return answer;
        });
}

redis_call<std::vector<attempt_id>> worker_store::started(
    std::string_view worker_id, const std::vector<attempt_id>& attempts) const {
    std::vector<std::string> words{std::string(worker_id)};
    add_attempts(words, attempts);
    return function_call<std::vector<attempt_id>>(
        "started", context_.prefix(), std::move(words),
        [attempts](const std::string& status, fields& all) -> result<std::vector<attempt_id>> {
            if (status == "gone") return fail(errc::not_registered, "worker not registered");
            if (status != "ok") return unexpected_reply(status);
            const auto count = all.number();
            return attempts_of(all, count, attempts);
        });
}

redis_call<void> worker_store::bye(std::string_view worker_id) const {
    return function_call<void>("bye", context_.prefix(), {std::string(worker_id)},
                               [](const std::string& status, fields& all) -> result<void> {
                                   if (status == "ok") all.number();
                                   if (status == "ok" || status == "gone") return {};
                                   return unexpected_reply(status);
                               });
}

redis_call<fetched_job> worker_store::fetch(const attempt_id& attempt,
                                            std::string_view worker_id) const {
    return function_call<fetched_job>(
        "fetch", context_.prefix(),
        {attempt.job_id, std::to_string(attempt.attempt), std::string(worker_id)},
        [seals = context_.seals(), id = attempt.job_id](const std::string& status,
                                                        fields& all) -> result<fetched_job> {
            if (status == "stale") return fail(errc::stale, "");
            if (status != "ok") return no_such_job(status);
            all.time();
            fetched_job found;
            const auto count = all.number<std::size_t>();
            for (std::size_t i = 0; i < count && all.more(); ++i) {
                if (!all.next_is_text()) {
                    return fail(errc::no_image, "Photo of the job no longer stored");
                }
                auto photo = seals.open(all.text(), about_image(id, i));
                if (!photo) return fail(photo.error());
                found.photos.emplace_back(*std::move(photo));
            }
            found.job = record_of(id, all);
            return found;
        });
}

redis_call<committed> worker_store::complete_recognize(const attempt_id& attempt,
                                                       std::string_view worker_id,
                                                       gallery_version version, std::string result,
                                                       std::string annotated) const {
    return commit("complete_recognize", context_.prefix(),
                  {attempt.job_id, std::to_string(attempt.attempt), std::string(worker_id),
                   std::to_string(version), std::move(result),
                   annotated.empty() ? std::string()
                                     : context_.seals().close(std::move(annotated),
                                                              about_annotated(attempt.job_id))});
}

redis_call<committed> worker_store::complete_train(const attempt_id& attempt,
                                                   std::string_view worker_id, std::string result,
                                                   std::string_view embedding_model,
                                                   std::vector<new_face> faces,
                                                   std::string_view collection) const {
    VULTUS_REQUIRE(!context_.seals().seals() || !collection.empty(),
                   "complete_train with encryption needs the collection");
    std::vector<std::string> words{attempt.job_id, std::to_string(attempt.attempt),
                                   std::string(worker_id), std::string(embedding_model),
                                   std::move(result)};
    std::vector<std::string> pictures;
    for (new_face& face : faces) {
        if (!face.picture.empty()) {
            pictures.push_back(face.face_id);
            pictures.push_back(context_.seals().close(
                std::move(face.picture),
                about_value(gallery_value::picture, collection, face.face_id)));
        }
        std::string vector = context_.seals().close(
            std::move(face.vector), about_value(gallery_value::vector, collection, face.face_id));
        words.push_back(std::move(face.face_id));
        words.push_back(std::move(face.json));
        words.push_back(std::move(vector));
    }
    if (!pictures.empty()) words.push_back("pictures");
    std::move(pictures.begin(), pictures.end(), std::back_inserter(words));
    return commit("complete_train", context_.prefix(), std::move(words));
}

redis_call<committed> worker_store::fail_job(const attempt_id& attempt, std::string_view worker_id,
                                             const error& why,
                                             std::chrono::milliseconds retry_after,
                                             const std::string& files) const {
    return commit("fail", context_.prefix(),
                  {attempt.job_id, std::to_string(attempt.attempt), std::string(worker_id),
                   retry_after.count() > 0 ? "retry" : "permanent", json_of(why, files),
                   text_of(retry_after)});
}

redis_call<committed> worker_store::lose_job(const attempt_id& attempt,
                                             std::string_view worker_id) const {
    return commit(
        "fail", context_.prefix(),
        {attempt.job_id, std::to_string(attempt.attempt), std::string(worker_id), "lost", "", "0"});
}

redis_call<committed> worker_store::hand_back(const attempt_id& attempt,
                                              std::string_view worker_id) const {
    return commit("fail", context_.prefix(),
                  {attempt.job_id, std::to_string(attempt.attempt), std::string(worker_id),
                   "return", "", "0"});
}

}  // namespace vultus
