// See reembed_store.hpp.
#include "shared/store/reembed_store.hpp"

#include "shared/base/limits.hpp"
#include "shared/base/require.hpp"
#include "shared/store/sealed_place.hpp"
#include "shared/store/store_reply.hpp"

namespace vultus {

using namespace store_reply;

namespace {

/// Of what may be answered to each of these calls.
tl::unexpected<error> refused(const std::string& status, fields& all) {
    if (status == "stale" || status == "dup" || status == "cancelled") {
        return fail(errc::stale, "the attempt is over");
    }
    if (status == "cleared") {
        return fail(errc::wrong_state, "Collection was cleared or deleted in the meantime");
    }
    if (status == "not_found") return fail(errc::wrong_state, "Collection has no faces");
    if (status == "same") return fail(errc::wrong_state, "Collection has this model already");
    if (status == "busy") {
        return fail(errc::wrong_state, "Job " + all.text() + " is changing the model already");
    }
    if (status == "gallery_full") return fail(errc::gallery_full, "collection limit reached");
    if (status == "malformed") return fail(errc::malformed, "vectors of another dimension");
    return unexpected_reply(status);
}

/// The reply of a step: the cursor, then for each face its id and what `take` reads behind it.
template <class Step, class Take>
result<Step> step_of(const std::string& status, fields& all, const std::string& cursor, Take take) {
    if (status != "ok") return refused(status, all);
    Step made;
    made.cursor = all.text();
    if (!is_next_cursor(made.cursor, cursor)) return unexpected_reply("HSCAN");
    while (all.more()) take(made, all.text());
    return made;
}

std::vector<std::string> words_of(const attempt_id& attempt, std::string_view worker_id) {
    return {attempt.job_id, std::to_string(attempt.attempt), std::string(worker_id)};
}

}  // namespace

redis_call<staging> reembed_store::begin(const attempt_id& attempt, std::string_view worker_id,
                                         std::string_view collection,
                                         std::string_view embedding_model,
                                         std::size_t dimension) const {
    auto words = words_of(attempt, worker_id);
    words.emplace_back(embedding_model);
    words.push_back(std::to_string(dimension));
    return function_call<staging>("reembed_begin", context_.prefix(), std::move(words),
                                  [id = attempt.job_id, of = std::string(collection)](
                                      const std::string& status, fields& all) -> result<staging> {
                                      if (status != "ok") return refused(status, all);
                                      staging made{id, of};
                                      made.epoch = all.number();
                                      made.faces = all.number();
                                      made.staged = all.number();
                                      return made;
                                  });
}

redis_call<picture_step> reembed_store::pictures(const staging& of,
                                                 const std::string& cursor) const {
    return function_call<picture_step>(
        "reembed_pictures", context_.prefix(),
        {of.job_id, std::to_string(of.epoch), of.collection, cursor},
        [seals = context_.seals(), collection = of.collection, cursor](const std::string& status,
                                                                       fields& all) {
            return step_of<picture_step>(
                status, all, cursor, [&](picture_step& made, std::string id) {
                    auto picture =
                        seals.open(all.text(), about_value(gallery_value::picture, collection, id),
                                   older_about_value(gallery_value::picture, id));
                    // Of another key or place: no bytes, in which nobody finds a face.
                    made.pictures.emplace_back(std::move(id),
                                               picture ? std::move(picture->bytes) : std::string());
                });
        });
}

redis_call<staged_count> reembed_store::stage(
    const attempt_id& attempt, std::string_view worker_id, const staging& of,
    std::vector<std::pair<std::string, std::string>> vectors) const {
    VULTUS_REQUIRE(vectors.size() <= limits::page_size / 2, "a step of vectors");
    auto words = words_of(attempt, worker_id);
    words.push_back(std::to_string(of.epoch));
    for (auto& [id, bytes] : vectors) {
        std::string sealed = context_.seals().close(
            std::move(bytes), about_value(gallery_value::vector, of.collection, id));
        words.push_back(std::move(id));
        words.push_back(std::move(sealed));
    }
    return function_call<staged_count>(
        "reembed_stage", context_.prefix(), std::move(words),
        [](const std::string& status, fields& all) -> result<staged_count> {
            if (status != "ok") return refused(status, all);
            staged_count made;
            made.staged = all.number();
            made.faces = all.number();
            return made;
        });
}

redis_call<left_step> reembed_store::left(const staging& of, const std::string& cursor) const {
    return function_call<left_step>(
        "reembed_left", context_.prefix(),
        {of.job_id, std::to_string(of.epoch), of.collection, cursor},
        [cursor](const std::string& status, fields& all) {
            return step_of<left_step>(status, all, cursor, [&](left_step& made, std::string id) {
                const bool picture = all.number() != 0;
                made.faces.emplace_back(std::move(id), picture);
            });
        });
}

redis_call<swap_outcome> reembed_store::swap(const attempt_id& attempt, std::string_view worker_id,
                                             const staging& of,
                                             const std::vector<std::string>& left_out) const {
    VULTUS_REQUIRE(left_out.size() <= left_out_max, "few faces are left out");
    auto words = words_of(attempt, worker_id);
    words.push_back(std::to_string(of.epoch));
    words.emplace_back();  // the function makes the result's text
    words.insert(words.end(), left_out.begin(), left_out.end());
    return function_call<swap_outcome>(
        "reembed_swap", context_.prefix(), std::move(words),
        [](const std::string& status, fields& all) -> result<swap_outcome> {
            swap_outcome made;
            if (status == "missing") {
                made.missing = all.number();
                return made;
            }
            if (status != "succeeded" && status != "publishing") return refused(status, all);
            made.end.state =
                status == "succeeded" ? commit_state::succeeded : commit_state::publishing;
            made.end.version = all.number();
            return made;
        });
}

}  // namespace vultus
