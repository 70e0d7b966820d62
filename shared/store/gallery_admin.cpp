// See gallery_admin.hpp.
#include "shared/store/gallery_admin.hpp"

#include "shared/model/label.hpp"
#include "shared/model/person_key.hpp"
#include "shared/store/store_reply.hpp"

namespace vultus {

using namespace store_reply;

redis_call<restored> gallery_admin::restore(
    std::string_view collection, std::string_view embedding_model, std::vector<exported_face> faces,
    std::string_view by, const std::map<std::string, std::string>& label_hashes) const {
    std::vector<std::string> words{std::string(collection), std::string(embedding_model)};
    for (exported_face& face : faces) {
        face.vector = context_.seals().close(
            std::move(face.vector), about_value(gallery_value::vector, collection, face.face_id));
        for (std::string* word : {&face.face_id, &face.label, &face.json, &face.vector}) {
            words.push_back(std::move(*word));
        }
    }
    words.push_back("by=" + std::string(by));
    for (const auto& [label, hash] : label_hashes) {
        words.push_back(label);
        words.push_back(hash);
    }
    return function_call<restored>(
        "restore", context_.prefix(), std::move(words),
        [](const std::string& status, fields& all) -> result<restored> {
            if (status == "model_mismatch") {
                return fail(errc::model_mismatch, "collection was trained with " + all.text());
            }
            if (status == "malformed") {
                return fail(errc::malformed, "vectors are not those of one model");
            }
            if (status == "label_full") return fail(errc::label_full, all.text());
            if (status == "gallery_full") return fail(errc::gallery_full, "");
            if (status == "collections_full") {
                return fail(errc::gallery_full, "collection limit reached");
            }
            if (status != "ok") return unexpected_reply(status);
            restored made;
            made.version = all.number();
            made.added = all.number();
            made.known = all.number();
            return made;
        });
}

redis_call<std::uint64_t> gallery_admin::restore_people(
    std::string_view collection, const std::vector<exported_person>& people) const {
    std::vector<std::string> words{std::string(collection)};
    for (const exported_person& one : people) {
        const auto data = read_person({}, collection, one.person_id, one.data);
        const person_data known = data ? *data : person_data{};
        words.insert(words.end(),
                     {one.key, one.person_id, std::to_string(one.created_ms),
                      folded_name(name_of_key(one.key)),
                      stored_person(context_.seals(), collection, one.person_id, known),
                      hash_of_external(context_.seals(), collection, known.external_id)});
    }
    return function_call<std::uint64_t>(
        "restore_people", context_.prefix(), std::move(words),
        [](const std::string& status, fields& all) -> result<std::uint64_t> {
            if (status != "ok") return unexpected_reply(status);
            all.number();
            return all.number();
        });
}

redis_call<std::uint64_t> gallery_admin::seal(
    std::string_view collection, std::uint64_t epoch, gallery_value what,
    std::vector<std::pair<std::string, std::string>> values) const {
    std::vector<std::string> words{std::string(collection), std::to_string(epoch)};
    for (auto& [id, bytes] : values) {
        std::string sealed =
            context_.seals().close(std::move(bytes), about_value(what, collection, id));
        words.emplace_back(part_of(what));
        words.push_back(std::move(id));
        words.push_back(std::move(sealed));
    }
    return function_call<std::uint64_t>(
        "seal", context_.prefix(), std::move(words),
        [](const std::string& status, fields& all) -> result<std::uint64_t> {
            if (status != "ok") return unexpected_reply(status);
            return all.number();
        });
}

redis_call<void> gallery_admin::erase_log(std::string_view collection, std::string_view by) const {
    return function_call<void>("erase_log", context_.prefix(),
                               {std::string(collection), std::string(by)},
                               [](const std::string& status, fields&) -> result<void> {
                                   if (status == "ok") return {};
                                   return fail(errc::not_found, "no such collection");
                               });
}

redis_call<void> gallery_admin::begin_export(std::string_view collection,
                                             std::string_view by) const {
    return function_call<void>("export", context_.prefix(),
                               {std::string(collection), std::string(by)},
                               [](const std::string& status, fields&) -> result<void> {
                                   if (status == "ok") return {};
                                   return fail(errc::not_found, "collection has no faces");
                               });
}

}  // namespace vultus
