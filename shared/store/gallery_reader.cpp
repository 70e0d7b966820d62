// See gallery_reader.hpp.
#include "shared/store/gallery_reader.hpp"

#include "shared/base/limits.hpp"
#include "shared/store/store_reply.hpp"

namespace vultus {

using namespace store_reply;

namespace {

constexpr std::size_t scan_faces = 500;  ///< 256 kB of vectors a step

/// The values of these fields, in their order; empty: absent.
redis_call<std::vector<std::string>> hash_values(std::string hash,
                                                 const std::vector<std::string>& names) {
    using texts = std::vector<std::string>;
    std::vector<std::string> words{"HMGET", std::move(hash)};
    words.insert(words.end(), names.begin(), names.end());
    return array_call<texts>(std::move(words), [](fields& all) -> result<texts> {
        texts made;
        for (redis_reply& one : all.items()) made.push_back(std::move(one.text));
        return made;
    });
}

}  // namespace

redis_call<label_page> gallery_reader::labels(std::string_view collection, std::size_t count,
                                              const std::string& page, bool pictures) const {
    count = std::clamp<std::size_t>(count, 1, limits::page_size);
    std::vector<std::string> words{std::string(collection), page, std::to_string(count)};
    if (pictures) words.push_back("pictures");
    return function_call<label_page>(
        "faces", context_.prefix(), std::move(words),
        [name = std::string(collection), count, pictures](const std::string& status,
                                                          fields& all) -> result<label_page> {
            if (status != "ok") return unexpected_reply(status);
            label_page made;
            made.gallery.collection = name;
            made.gallery.version = all.number();
            made.gallery.faces = all.number();
            made.gallery.people = all.number();
            all.number();
            while (all.more()) {
                label_count& one = made.labels.emplace_back();
                one.label = all.text();
                one.faces = all.number();
                if (pictures) one.picture = all.text();
            }
            if (made.labels.size() >= count) made.next = made.labels.back().label;
            return made;
        });
}

redis_call<std::vector<face_record>> gallery_reader::faces(std::string_view collection,
                                                           std::string_view person, bool pictures,
                                                           person_by by) const {
    using records = std::vector<face_record>;
    std::vector<std::string> words{std::string(collection), std::string(person),
                                   pictures ? "pictures" : ""};
    if (by != person_by::key) words.emplace_back(word_of(by));
    return function_call<records>(
        "label", context_.prefix(), std::move(words),
        [pictures](const std::string& status, fields& all) -> result<records> {
            if (auto why = person_error(status, all)) return fail(*std::move(why));
            if (status == "not_found") {
                return fail(errc::not_found, "No such person");
            }
            if (status != "ok") return unexpected_reply(status);
            records made;
            all.number();
            all.number();
            while (all.more()) {
                face_record& one = made.emplace_back();
                one.face_id = all.text();
                one.json = all.text();
                if (pictures) one.picture = all.number() != 0;
            }
            return made;
        });
}

redis_call<std::string> gallery_reader::picture(std::string_view collection,
                                                std::string_view person, std::string_view face_id,
                                                person_by by) const {
    std::vector<std::string> words{std::string(collection), std::string(person),
                                   std::string(face_id)};
    if (by != person_by::key) words.emplace_back(word_of(by));
    return function_call<std::string>(
        "picture", context_.prefix(), std::move(words),
        [seals = context_.seals(), bound = about_value(gallery_value::picture, collection, face_id),
         older = older_about_value(gallery_value::picture, face_id)](
            const std::string& status, fields& all) -> result<std::string> {
            if (status == "ok") {
                auto found = seals.open(all.text(), bound, older);
                if (!found) return fail(found.error());
                return std::move(found->bytes);
            }
            if (auto why = person_error(status, all)) return fail(*std::move(why));
            if (status == "not_found") return fail(errc::not_found, "This face has no picture");
            return unexpected_reply(status);
        });
}

redis_call<collection_page> gallery_reader::collections(std::size_t count,
                                                        const std::string& page) const {
    count = std::clamp<std::size_t>(count, 1, limits::page_size);
    return function_call<collection_page>(
        "collections", context_.prefix(),
        {page, std::to_string(count), "models", "dimensions", "pictures"},
        [count](const std::string& status, fields& all) -> result<collection_page> {
            if (status != "ok") return unexpected_reply(status);
            collection_page made;
            all.number();
            while (all.more()) {
                gallery_info one;
                one.collection = all.text();
                one.version = all.number();
                one.faces = all.number();
                one.people = all.number();
                all.time();
                one.embedding_model = all.text();
                one.dimension = all.number<std::size_t>();
                one.keep_pictures = picture_choice(all.text());
                made.collections.push_back(std::move(one));
            }
            if (made.collections.size() >= count) made.next = made.collections.back().collection;
            return made;
        });
}

redis_call<gallery_info> gallery_reader::gallery(std::string_view collection) const {
    return function_call<gallery_info>(
        "version", context_.prefix(), {std::string(collection)},
        [name = std::string(collection)](const std::string& status,
                                         fields& all) -> result<gallery_info> {
            if (status != "ok") return unexpected_reply(status);
            gallery_info made;
            made.collection = name;
            made.version = all.number();
            made.removed_version = all.number();
            made.faces = all.number();
            made.people = all.number();
            made.embedding_model = all.text();
            all.number();  // retention
            made.dimension = all.number<std::size_t>();
            all.text();  // default detector
            all.text();  // default embedder
            made.keep_pictures = picture_choice(all.text());
            return made;
        });
}

redis_call<gallery_delta> gallery_reader::delta(std::string_view collection,
                                                gallery_version from) const {
    const gallery_version epoch = from / epoch_factor;
    return function_call<gallery_delta>(
        "delta", context_.prefix(),
        {std::string(collection), std::to_string(epoch), std::to_string(from % epoch_factor)},
        [](const std::string& status, fields& all) -> result<gallery_delta> {
            gallery_delta made;
            if (status == "snapshot") {
                made.snapshot = true;
                made.version = all.number();
                return made;
            }
            if (status != "ok") return unexpected_reply(status);
            made.reached = all.number();
            made.version = all.number();
            made.more = made.reached != made.version;
            all.number();
            while (all.more()) {
                log_entry one;
                one.seq = made.reached % epoch_factor;
                one.op = all.text() == "add" ? log_entry::kind::add : log_entry::kind::remove;
                one.face_id = all.text();
                one.label = all.text();
                made.entries.push_back(std::move(one));
            }
            return made;
        });
}

redis_call<std::vector<std::string>> gallery_reader::vectors(
    std::string_view collection, std::uint64_t epoch,
    const std::vector<std::string>& face_ids) const {
    using texts = std::vector<std::string>;
    auto call = hash_values(context_.epoch_key(collection, epoch, "vectors"), face_ids);
    call.parse = [seals = context_.seals(), face_ids, of = std::string(collection),
                  parse = std::move(call.parse)](redis_reply&& reply) -> result<texts> {
        result<texts> found = parse(std::move(reply));
        for (std::size_t i = 0; found && i < found->size() && i < face_ids.size(); ++i) {
            auto vector = seals.open(std::move((*found)[i]),
                                     about_value(gallery_value::vector, of, face_ids[i]),
                                     older_about_value(gallery_value::vector, face_ids[i]));
            if (!vector && !seals.seals()) return fail(vector.error());
            (*found)[i] = vector ? std::move(vector->bytes) : std::string();
        }
        return found;
    };
    return call;
}

redis_call<std::vector<std::string>> gallery_reader::face_json(
    std::string_view collection, std::uint64_t epoch,
    const std::vector<std::string>& face_ids) const {
    return hash_values(context_.epoch_key(collection, epoch, "faces"), face_ids);
}

redis_call<gallery_chunk> gallery_reader::scan(std::string_view collection, std::uint64_t epoch,
                                               gallery_value what,
                                               const std::string& cursor) const {
    return array_call<gallery_chunk>(
        {"HSCAN", context_.epoch_key(collection, epoch, part_of(what)), cursor, "COUNT",
         std::to_string(scan_faces)},
        [seals = context_.seals(), what, of = std::string(collection),
         cursor](fields& all) -> result<gallery_chunk> {
            if (all.items().size() != 2) return unexpected_reply("HSCAN");
            gallery_chunk made;
            made.cursor = all.text();
            if (!is_next_cursor(made.cursor, cursor)) return unexpected_reply("HSCAN");
            auto& pairs = all.items()[1].items;
            for (std::size_t i = 0; i + 1 < pairs.size(); i += 2) {
                std::string& id = pairs[i].text;
                std::string& stored = pairs[i + 1].text;
                auto value = seals.open(std::move(stored), about_value(what, of, id),
                                        older_about_value(what, id));
                if (!value && !seals.seals()) return fail(value.error());
                if (!value) {
                    made.foreign.push_back(std::move(id));
                    continue;
                }
                if (seals.seals() && !value->bound) made.unbound.push_back(made.fields.size());
                made.fields.emplace_back(std::move(id), std::move(value->bytes));
            }
            return made;
        });
}

}  // namespace vultus
