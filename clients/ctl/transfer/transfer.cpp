// See transfer.hpp.
#include "clients/ctl/transfer/transfer.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <unordered_set>

#include "clients/ctl/keys/keys.hpp"
#include "clients/ctl/output/json_text.hpp"
#include "clients/ctl/transfer/export_file.hpp"
#include "clients/ctl/transfer/face_check.hpp"
#include "shared/base/clock.hpp"
#include "shared/base/ids.hpp"
#include "shared/model/label.hpp"
#include "shared/model/person_key.hpp"
#include "shared/security/output_file.hpp"
#include "shared/security/secret.hpp"
#include "shared/store/gallery_admin.hpp"
#include "shared/store/gallery_reader.hpp"
#include "shared/store/person_store.hpp"

namespace vultus::ctl {
namespace {

constexpr std::size_t people_a_page = 200;
constexpr std::size_t faces_a_call = 200;  // 150 KB with 128 floats: about 8 ms of Redis' thread

/// What export and restore do besides faces.
std::string plain_data(const person_data& data) {
    return store_reply::stored_person(sealing(), "", "", data);
}

struct exporting {
    const std::string& collection;
    redis_blocking& redis;
    const store_context& store;
    const listener& on;
    std::size_t vector_bytes;
    std::unordered_set<std::string> written;  // HSCAN may return a face twice
    std::vector<std::string> foreign;         // cannot be decrypted (sealing.hpp)

    result<void> all(const gallery_info& info, export_writer& writer) {
        const std::uint64_t epoch = info.version / epoch_factor;
        std::string cursor = "0";
        do {
            auto chunk = redis.call(
                gallery_reader(store).scan(collection, epoch, gallery_value::vector, cursor));
            if (!chunk) return fail(chunk.error());
            if (auto done = some(epoch, *chunk, writer); !done) return done;
            if (!writer.good()) return {};  // commit() returns the reason
            cursor = chunk->cursor;
            on.progress(writer.faces(), info.faces, "faces");
        } while (cursor != "0");
        auto now = redis.call(gallery_reader(store).gallery(collection));
        if (!now) return fail(now.error());
        if (now->version / epoch_factor != epoch) {
            return fail(errc::wrong_state, "the collection was cleared in the meantime");
        }
        return {};
    }

    result<void> some(std::uint64_t epoch, gallery_chunk& chunk, export_writer& writer) {
        foreign.insert(foreign.end(), chunk.foreign.begin(), chunk.foreign.end());
        std::vector<std::string> ids;
        for (const auto& [id, vector] : chunk.fields) ids.push_back(id);
        if (ids.empty()) return {};
        auto texts = redis.call(gallery_reader(store).face_json(collection, epoch, ids));
        if (!texts) return fail(texts.error());
        for (std::size_t i = 0; i < ids.size() && i < texts->size(); ++i) {
            std::string& text = (*texts)[i];
            if (text.empty() || !written.insert(ids[i]).second) continue;  // removed meanwhile
            std::string label = label_of(text);
            if (label.empty()) return fail(errc::malformed, "a stored face without a label");
            std::string& vector = chunk.fields[i].second;
            if (vector.size() != vector_bytes) {
                return fail(errc::malformed, "vector of face " + ids[i] + " has " +
                                                 std::to_string(vector.size()) + " bytes, not " +
                                                 std::to_string(vector_bytes) +
                                                 " (see vultusctl fsck)");
            }
            writer.add({ids[i], std::move(label), std::move(text), std::move(vector)});
        }
        return {};
    }
};

/// Those who have no face any more are left out by the restore.
result<std::uint64_t> export_people(const std::string& collection, redis_blocking& redis,
                                    const store_context& store, export_writer& writer) {
    std::uint64_t unreadable = 0;
    std::string page;
    do {
        auto some = redis.call(person_store(store).list(collection, "", people_a_page, page));
        if (!some) return fail(some.error());
        for (const person_record& one : some->rows) {
            if (one.person_id.empty()) continue;  // not indexed yet
            if (!one.readable) ++unreadable;
            writer.add(exported_person{one.key, one.person_id,
                                       static_cast<std::uint64_t>(one.created.count()),
                                       plain_data(one.data)});
        }
        page = some->next;
    } while (!page.empty() && writer.good());
    return unreadable;
}

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

/// A source that can be read twice: the file, or an unnamed copy of a pipe's contents.
class twice_readable {
 public:
    twice_readable() = default;
    twice_readable(const twice_readable&) = delete;
    twice_readable& operator=(const twice_readable&) = delete;
    ~twice_readable() {
        if (copy_ >= 0) ::close(copy_);
    }
    const std::string& path() const { return path_; }

    /// errors    not_found: it cannot be read; internal: no space for the copy
    result<void> open(const std::string& file) {
        path_ = file;
        struct stat what {};
        const bool named = file != "-";
        if (named && ::stat(file.c_str(), &what) != 0) return unreadable(file);
        if (named && S_ISREG(what.st_mode)) return {};
        const int from = named ? ::open(file.c_str(), O_RDONLY | O_CLOEXEC) : STDIN_FILENO;
        if (from < 0) return unreadable(file);
        auto done = copied(from);
        if (named) ::close(from);
        path_ = "/proc/self/fd/" + std::to_string(copy_);
        return done;
    }

 private:
    static tl::unexpected<error> unreadable(const std::string& file) {
        return fail(errc::not_found, file + " cannot be read: " + std::strerror(errno));
    }
    result<void> copied(int from) {
        const char* folder = std::getenv("TMPDIR");
        copy_ = ::open(folder != nullptr ? folder : "/tmp", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
        std::array<char, 65'536> bytes{};
        ssize_t n = copy_ < 0 ? -1 : ::read(from, bytes.data(), bytes.size());
        while (n > 0) {
            if (::write(copy_, bytes.data(), static_cast<std::size_t>(n)) != n) break;
            n = ::read(from, bytes.data(), bytes.size());
        }
        if (n == 0) return {};
        return fail(errc::internal,
                    std::string("cannot buffer the faces: ") + std::strerror(errno));
    }

    std::string path_;
    int copy_ = -1;
};

result<void> check_people(const std::vector<exported_person>& people) {
    for (const exported_person& one : people) {
        const bool good = check_person_id(one.person_id) && !one.key.empty() &&
                          store_reply::read_person({}, "", "", one.data);
        if (!good) return fail(errc::malformed, "a person of the export: nothing was restored");
    }
    return {};
}

/// Reads the whole file and checks each face. errors malformed
result<std::uint64_t> faces_in(const std::string& file) {
    std::ifstream from(file, std::ios::binary);
    if (!from) return fail(errc::not_found, file + " cannot be read");
    auto reader = export_reader::open(from);
    if (!reader) return fail(reader.error());
    const std::string& model = reader->head().embedding_model;
    if (auto good = check_model(model); !good) return fail(good.error());
    std::uint64_t faces = 0;
    exported_face face;
    while (true) {
        auto more = reader->next(face);
        if (!more) return fail(more.error());
        if (auto good = check_people(reader->take_people()); !good) return fail(good.error());
        if (!*more) return faces;
        ++faces;
        if (auto good = check_face(face, model, reader->head().dimension); !good) {
            return fail(good.error().code, "face " + std::to_string(faces) + ", " + face.face_id +
                                               ": " + good.error().detail +
                                               ": nothing was restored");
        }
    }
}

/// The beginning of a stored face's text, as written by the Redis functions.
std::string label_member(std::string_view label) {
    std::string text = "{\"label\":\"";
    for (const char c : label) {
        if (c == '"' || c == '\\') text += '\\';
        text += c;
    }
    return text + '"';
}

/// The face with its name in normal form. A name without visible characters has none and stays
/// unchanged.
exported_face normal_face(exported_face face) {
    if (!id_of_key(face.label).empty()) return face;  // of a version that stores normal forms
    auto label = normal_label(face.label);
    const std::string old = label_member(face.label);
    if (!label || *label == face.label || !face.json.starts_with(old)) return face;
    face.json.replace(0, old.size(), label_member(*label));
    face.label = *std::move(label);
    return face;
}

struct restoring {
    std::string collection;
    const std::string& model;
    const std::string& secret;
    redis_blocking& redis;
    const store_context& store;
    std::uint64_t added = 0, known = 0;
    std::vector<exported_face> waiting;
    std::vector<exported_person> people;
    std::uint64_t people_changed = 0;

    /// After all faces.
    result<void> put_people() {
        for (std::size_t at = 0; at < people.size(); at += people_a_restore) {
            const auto end = std::min(people.size(), at + people_a_restore);
            const std::vector<exported_person> some(
                people.begin() + static_cast<std::ptrdiff_t>(at),
                people.begin() + static_cast<std::ptrdiff_t>(end));
            auto done = redis.call(gallery_admin(store).restore_people(collection, some));
            if (!done) return fail(done.error());
            people_changed += *done;
        }
        return {};
    }

    result<void> put() {
        if (waiting.empty()) return {};
        std::map<std::string, std::string> hashes;
        for (const auto& face : waiting) {
            hashes[face.label] = hash_of_label(name_of_key(face.label), secret);
        }
        auto done = redis.call(gallery_admin(store).restore(
            collection, model, std::exchange(waiting, {}), who(), hashes));
        if (!done) {
            return fail(done.error().code,
                        done.error().detail + (done.error().detail.empty() ? "" : "; ") +
                            std::to_string(added) + " faces were restored before, " +
                            std::to_string(known) + " existed already");
        }
        added += done->added;
        known += done->known;
        return {};
    }
};

}  // namespace

result<report> export_faces(const std::string& collection, const std::string& file,
                            redis_blocking& redis, const store_context& store, const listener& on) {
    auto info = redis.call(gallery_reader(store).gallery(collection));
    if (!info) return fail(info.error());
    if (info->faces == 0) return fail(errc::not_found, "no faces in " + collection);
    auto to = output_file::open(file, readers::owner);
    if (!to) return fail(to.error());
    if (auto good = redis.call(gallery_admin(store).begin_export(collection, who())); !good) {
        return fail(good.error());
    }
    const std::size_t dimension =
        info->dimension > 0 ? info->dimension : limits::embedding_dimension_default;
    export_writer writer(to->stream(), {collection, info->embedding_model,
                                        static_cast<std::uint64_t>(unix_now().count()), dimension});
    exporting all{collection, redis, store, on, dimension * sizeof(float), {}, {}};
    if (auto done = all.all(*info, writer); !done) return fail(done.error());
    const auto unreadable = export_people(collection, redis, store, writer);
    if (!unreadable) return fail(unreadable.error());
    const auto ended = writer.finish();
    const bool beside = to->is_standard_output();
    if (auto written = to->commit(); !written) return fail(written.error());  // has the reason
    if (!ended) return fail(ended.error());
    report made = transfer_report(file, collection, {{"faces", writer.faces()}});
    made.beside = beside;
    made.bad = !all.foreign.empty() || *unreadable > 0;
    if (*unreadable > 0) {
        made.sections.push_back(
            {"",
             {},
             "without their data, which do not open: " + std::to_string(*unreadable) + " people"});
    }
    for (const std::string& id : all.foreign) {
        made.sections.push_back(
            {"", {}, "skipped: the vector of face " + id + " does not open (see vultusctl fsck)"});
    }
    return made;
}

result<report> restore_faces(const std::string& collection, const std::string& file,
                             const std::string& secret, redis_blocking& redis,
                             const store_context& store, const listener& on) {
    twice_readable input;
    if (auto good = input.open(file); !good) return fail(good.error());
    const auto faces = faces_in(input.path());
    if (!faces) return fail(faces.error());
    std::ifstream from(input.path(), std::ios::binary);
    auto reader = export_reader::open(from);
    if (!reader) return fail(reader.error());
    restoring all{collection.empty() ? reader->head().collection : collection,
                  reader->head().embedding_model,
                  secret,
                  redis,
                  store,
                  0,
                  0,
                  {},
                  {},
                  0};
    if (auto good = check_collection(all.collection); !good) return fail(good.error());
    exported_face face;
    while (true) {
        auto more = reader->next(face);
        if (!more) return fail(more.error());
        for (auto& one : reader->take_people()) all.people.push_back(std::move(one));
        if (*more) all.waiting.push_back(normal_face(face));
        if (!*more || all.waiting.size() == faces_a_call) {
            if (auto done = all.put(); !done) return fail(done.error());
            on.progress(all.added + all.known, *faces, "faces");
        }
        if (!*more) break;
    }
    if (auto done = all.put_people(); !done) return fail(done.error());
    report made =
        transfer_report(file, all.collection, {{"added", all.added}, {"known", all.known}});
    if (all.people_changed > 0) {
        made.sections.push_back({"",
                                 {},
                                 std::to_string(all.people_changed) +
                                     " people got another person_id or no data: somebody "
                                     "else has the id or the external_id"});
    }
    return made;
}

}  // namespace vultus::ctl
