// See transfer.hpp.
#include "clients/ctl/transfer.hpp"

#include <cstdio>
#include <fstream>
#include <unordered_set>

#include "clients/ctl/export_file.hpp"
#include "clients/ctl/json_text.hpp"
#include "clients/ctl/keys.hpp"
#include "shared/clock.hpp"
#include "shared/ids.hpp"
#include "shared/secret.hpp"

namespace vultus::ctl {
namespace {

constexpr std::size_t faces_a_call = 200;  // 150 KB: about 8 ms of Redis' one thread

struct exporting {
    const std::string& collection;
    redis_blocking& redis;
    const job_store& store;
    const listener& told;
    std::unordered_set<std::string> written;  // HSCAN may answer a face twice

    result<void> all(const gallery_info& info, export_writer& writer) {
        const std::uint64_t epoch = info.version / epoch_factor;
        std::string cursor = "0";
        do {
            auto chunk = redis.call(store.scan(collection, epoch, gallery_value::vector, cursor));
            if (!chunk) return fail(chunk.error());
            if (auto done = some(epoch, *chunk, writer); !done) return done;
            cursor = chunk->cursor;
            told.progress(writer.faces(), info.faces, "faces");
        } while (cursor != "0");
        auto now = redis.call(store.gallery(collection));
        if (!now) return fail(now.error());
        if (now->version / epoch_factor != epoch) {
            return fail(errc::wrong_state, "the collection was cleared meanwhile");
        }
        return {};
    }

    result<void> some(std::uint64_t epoch, gallery_chunk& chunk, export_writer& writer) {
        std::vector<std::string> ids;
        for (const auto& [id, vector] : chunk.fields) ids.push_back(id);
        if (ids.empty()) return {};
        auto texts = redis.call(store.face_json(collection, epoch, ids));
        if (!texts) return fail(texts.error());
        for (std::size_t i = 0; i < ids.size() && i < texts->size(); ++i) {
            std::string& text = (*texts)[i];
            if (text.empty() || !written.insert(ids[i]).second) continue;  // removed since
            std::string label = label_of(text);
            if (label.empty()) return fail(errc::malformed, "a stored face without a label");
            writer.add({ids[i], std::move(label), std::move(text),
                        std::move(chunk.fields[i].second)});
        }
        return {};
    }
};

report transfer_report(const std::string& file, const std::string& collection,
                       const std::vector<std::pair<const char*, std::uint64_t>>& counts) {
    json_text json;
    json.open_object().key("file").text(file).key("collection").text(collection);
    std::string text = collection + ":";
    for (const auto& [name, number] : counts) {
        json.key(name).number(number);
        text += std::string(text.back() == ':' ? " " : ", ") + std::to_string(number) + " " + name;
    }
    return {{{"", {}, text}}, json.close_object().str(), false};
}

/// Reads the whole file. errors malformed
result<std::uint64_t> faces_in(const std::string& file) {
    std::ifstream from(file, std::ios::binary);
    if (!from) return fail(errc::not_found, file + " cannot be read");
    auto reader = export_reader::open(from);
    if (!reader) return fail(reader.error());
    std::uint64_t faces = 0;
    exported_face face;
    while (true) {
        auto more = reader->next(face);
        if (!more) return fail(more.error());
        if (!*more) return faces;
        ++faces;
    }
}

struct restoring {
    std::string collection;
    const std::string& model;
    const std::string& secret;
    redis_blocking& redis;
    const job_store& store;
    std::uint64_t added = 0, known = 0;
    std::vector<exported_face> waiting;

    result<void> put() {
        if (waiting.empty()) return {};
        std::map<std::string, std::string> hashes;
        for (const auto& face : waiting) hashes[face.label] = hash_of_label(face.label, secret);
        auto done = redis.call(
            store.restore(collection, model, std::exchange(waiting, {}), who(), hashes));
        if (!done) {
            return fail(done.error().code,
                        done.error().detail + (done.error().detail.empty() ? "" : "; ") +
                            std::to_string(added) + " faces were put in before, " +
                            std::to_string(known) + " were there");
        }
        added += done->added;
        known += done->known;
        return {};
    }
};

}  // namespace

result<report> export_faces(const std::string& collection, const std::string& file,
                            redis_blocking& redis, const job_store& store,
                            const listener& told) {
    auto info = redis.call(store.gallery(collection));
    if (!info) return fail(info.error());
    if (info->faces == 0) return fail(errc::not_found, "no faces in " + collection);
    if (auto good = redis.call(store.begin_export(collection, who())); !good) {
        return fail(good.error());
    }
    const std::string part = file + ".part";
    std::ofstream to(part, std::ios::binary | std::ios::trunc);
    export_writer writer(to, {collection, info->embedding_model,
                              static_cast<std::uint64_t>(unix_now().count())});
    exporting all{collection, redis, store, told, {}};
    auto done = all.all(*info, writer);
    if (done) done = writer.finish();
    to.close();
    if (done && std::rename(part.c_str(), file.c_str()) != 0) {
        done = fail(errc::internal, file + " cannot be written");
    }
    if (!done) {
        std::remove(part.c_str());
        return fail(done.error());
    }
    return transfer_report(file, collection, {{"faces", writer.faces()}});
}

result<report> restore_faces(const std::string& collection, const std::string& file,
                             const std::string& secret, redis_blocking& redis,
                             const job_store& store, const listener& told) {
    const auto faces = faces_in(file);
    if (!faces) return fail(faces.error());
    std::ifstream from(file, std::ios::binary);
    auto reader = export_reader::open(from);
    if (!reader) return fail(reader.error());
    restoring all{collection.empty() ? reader->head().collection : collection,
                  reader->head().embedding_model, secret, redis, store, 0, 0, {}};
    if (auto good = check_collection(all.collection); !good) return fail(good.error());
    exported_face face;
    while (true) {
        auto more = reader->next(face);
        if (!more) return fail(more.error());
        if (*more) all.waiting.push_back(face);
        if (!*more || all.waiting.size() == faces_a_call) {
            if (auto done = all.put(); !done) return fail(done.error());
            told.progress(all.added + all.known, *faces, "faces");
        }
        if (!*more) break;
    }
    return transfer_report(file, all.collection, {{"added", all.added}, {"known", all.known}});
}

}  // namespace vultus::ctl
